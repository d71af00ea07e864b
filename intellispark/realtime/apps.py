from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "intellispark.realtime"
    label = "realtime"

    def ready(self) -> None:
        from intellispark.realtime import checks  # noqa: F401  registers itself

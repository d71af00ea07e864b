from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "intellispark.realtime"
    label = "realtime"

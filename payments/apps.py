from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from intellispark.realtime.hub import hub
        from payments import checks, events, signals  # noqa: F401
        from payments.consumers import beacons

        hub.beacons = beacons

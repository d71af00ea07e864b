from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from intellispark.realtime.hub import hub
        from payments.ledger import receivers  # noqa: F401
        from payments.ledger.triggers import checks  # noqa: F401
        from payments.ledger.triggers import receivers as trigger_receivers  # noqa: F401
        from payments.live import frames
        from payments.live import receivers as live_receivers  # noqa: F401

        hub.beacons = frames.beacons

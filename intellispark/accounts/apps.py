from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "intellispark.accounts"
    label = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from intellispark.accounts import receivers, schema  # noqa: F401
        from intellispark.accounts.sockets import lapsed
        from intellispark.realtime.hub import hub

        hub.lapsed = lapsed

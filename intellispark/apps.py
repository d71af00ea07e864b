from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class IntelliSparkConfig(AppConfig):
    name = "intellispark"
    label = "intellispark"


class AdminConfig(DjangoAdminConfig):
    default_site = "intellispark.admin_site.AdminSite"

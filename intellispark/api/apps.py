from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "intellispark.api"
    label = "api"

from django.urls import path

from intellispark.accounts import views

urlpatterns = [
    path("settings/", views.profile, name="settings"),
    path("language/", views.set_language, name="set-language"),
    # Before allauth's own, whose place it takes.
    path("accounts/signup/", views.SignupView.as_view(), name="account_signup"),
]

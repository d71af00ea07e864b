from django.urls import path, re_path

from intellispark.accounts import email_pages, views

urlpatterns = [
    path("settings/", views.profile, name="settings"),
    path("language/", views.set_language, name="set-language"),
    # Before allauth's own, whose place they take.
    path("accounts/signup/", views.SignupView.as_view(), name="account_signup"),
    path("accounts/email/", email_pages.address, name="account_email"),
    re_path(
        r"^accounts/confirm-email/(?P<key>[-:\w]+)/$",
        email_pages.confirm,
        name="account_confirm_email",
    ),
    re_path(
        r"^accounts/email/restore/(?P<key>[-:\w]+)/$",
        email_pages.restore,
        name="account_email_restore",
    ),
]

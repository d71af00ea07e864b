from django.urls import path

from intellispark.accounts import api_views as views

urlpatterns = [
    path("register", views.RegisterView.as_view(), name="api-register"),
    path("login", views.LoginView.as_view(), name="api-login"),
    path("refresh", views.RefreshView.as_view(), name="api-refresh"),
    path("logout", views.LogoutView.as_view(), name="api-logout"),
    path("me", views.MeView.as_view(), name="api-me"),
]

"""`/api/auth/…`: accounts and tokens for API clients."""

from __future__ import annotations

from copy import copy
from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.forms import BaseForm
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from intellispark.accounts import tokens
from intellispark.accounts.api_serializers import (
    LoginSerializer,
    PairSerializer,
    ProfileSerializer,
    RefreshSerializer,
    RegisterSerializer,
    SignedInSerializer,
    UserSerializer,
)
from intellispark.accounts.forms import ProfileForm, SignupForm, Taken
from intellispark.accounts.models import User
from intellispark.accounts.requests import current_user
from intellispark.api.errors import Invalid, InvalidCredentials, Suspended


class OpenView(APIView):
    """A view for people who are not signed in. It ignores any session: no CSRF token is needed."""

    authentication_classes = []
    permission_classes = [AllowAny]


class RegisterView(OpenView):
    @extend_schema(
        operation_id="auth_register",
        summary="Sign up",
        request=RegisterSerializer,
        responses={201: SignedInSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make an account with its welcome tokens, and sign it in."""
        data = _valid(RegisterSerializer(data=request.data))
        form = SignupForm(data={**data, "password1": data["password"]})
        if not form.is_valid():
            raise _invalid(form)
        page_request = _without_session(request)
        try:
            user = form.save(page_request)
        except Taken as error:
            form.add_taken_errors(error)
            raise _invalid(form) from error
        for address in EmailAddress.objects.filter(user=user):
            address.send_confirmation(page_request, signup=True)
        return Response(_signed_in(user), status=status.HTTP_201_CREATED)


class LoginView(OpenView):
    @extend_schema(
        operation_id="auth_login",
        summary="Sign in",
        request=LoginSerializer,
        responses=SignedInSerializer,
    )
    def post(self, request: Request) -> Response:
        """Get tokens for a username (or e-mail address) and a password.

        An unknown name takes as long as a wrong password: the backend hashes a password anyway.
        """
        data = _valid(LoginSerializer(data=request.data))
        user = authenticate(request._request, **data)
        if not isinstance(user, User):
            raise InvalidCredentials
        if user.is_suspended:
            raise Suspended
        update_last_login(User, user)
        return Response(_signed_in(user))


class RefreshView(OpenView):
    @extend_schema(
        operation_id="auth_refresh",
        summary="Get the next pair of tokens",
        request=RefreshSerializer,
        responses=PairSerializer,
    )
    def post(self, request: Request) -> Response:
        """Get the next pair. A refresh token works once; a second use revokes its whole family."""
        data = _valid(RefreshSerializer(data=request.data))
        return Response(tokens.rotate(data["refresh"]))


class LogoutView(OpenView):
    @extend_schema(
        operation_id="auth_logout",
        summary="Sign out",
        request=RefreshSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Revoke the refresh token's family: its access tokens are refused, its sockets closed."""
        data = _valid(RefreshSerializer(data=request.data))
        tokens.sign_out(data["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    @extend_schema(
        operation_id="auth_me",
        summary="Read your own account",
        responses=UserSerializer,
    )
    def get(self, request: Request) -> Response:
        """Read your own account."""
        return Response(UserSerializer(current_user(request)).data)

    @extend_schema(
        operation_id="auth_me_update",
        summary="Change your own account",
        request=ProfileSerializer(partial=True),
        responses=UserSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change your username, e-mail address or language."""
        changes = _valid(ProfileSerializer(data=request.data, partial=True))
        user = User.objects.get(pk=current_user(request).pk)
        kept = {name: getattr(user, name) for name in ("username", "email", "language")}
        form = ProfileForm(data={**kept, **changes}, instance=user)
        if not form.is_valid():
            raise _invalid(form)
        try:
            user = form.save_profile(request._request)
        except Taken as error:
            form.add_taken_errors(error)
            raise _invalid(form) from error
        return Response(UserSerializer(user).data)


def _without_session(request: Request) -> HttpRequest:
    """A copy of the request with an empty session: what allauth stores there must set no cookie."""
    found = copy(request._request)
    found.session = import_module(settings.SESSION_ENGINE).SessionStore()
    return found


def _signed_in(user: User) -> dict[str, Any]:
    return {"user": UserSerializer(user).data, **tokens.issue(user)}


def _valid(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def _invalid(form: BaseForm) -> Invalid:
    """The form's errors, by the API's field names."""
    names = {"password1": "password", "__all__": "non_field_errors"}
    return Invalid(
        fields={names.get(name, name): list(errors) for name, errors in form.errors.items()}
    )

"""`/api/auth/…`: accounts and tokens for API clients."""

from __future__ import annotations

from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.forms import BaseForm
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from intellispark.accounts import attempts, emails, tokens
from intellispark.accounts.api_serializers import (
    LoginSerializer,
    PairSerializer,
    ProfileSerializer,
    RefreshSerializer,
    RegisteredSerializer,
    RegisterSerializer,
    SignedInSerializer,
    UserSerializer,
)
from intellispark.accounts.errors import EmailUnconfirmed
from intellispark.accounts.forms import ChangeEmailForm, ProfileForm, SignupForm, Taken
from intellispark.accounts.models import User
from intellispark.accounts.requests import current_user
from intellispark.api.errors import Invalid, InvalidCredentials, NotSignedIn, Suspended
from intellispark.api.schema import KEPT_OUT, WRONG_CREDENTIAL

T = TypeVar("T")


class OpenView(APIView):
    """A view for people who are not signed in. It ignores any session: no CSRF token is needed."""

    authentication_classes = []
    permission_classes = [AllowAny]


class RegisterView(OpenView):
    @extend_schema(
        operation_id="auth_register",
        summary="Sign up",
        request=RegisterSerializer,
        responses={201: SignedInSerializer, 202: RegisteredSerializer},
    )
    def post(self, request: Request) -> Response:
        """A new account, signed in, with its welcome tokens.

        202 where addresses are confirmed before they count (EMAIL_CONFIRMATION=on): a mail says how
        to go on, and the answer is the same for an address that has an account.
        """
        data = _valid(RegisterSerializer(data=request.data))
        form = SignupForm(data={**data, "password1": data["password"]})
        if not form.is_valid():
            raise _invalid(form)
        try:
            user = form.register(request._request)
        except Taken as error:
            form.add_taken_errors(error)
            raise _invalid(form) from error
        if emails.hides_accounts():
            answer = {"pending_email": form.cleaned_data["email"]}
            return Response(answer, status=status.HTTP_202_ACCEPTED)
        return Response(_signed_in(user), status=status.HTTP_201_CREATED)


class LoginView(OpenView):
    @extend_schema(
        operation_id="auth_login",
        summary="Sign in",
        request=LoginSerializer,
        responses={200: SignedInSerializer, 401: WRONG_CREDENTIAL, 403: KEPT_OUT},
    )
    def post(self, request: Request) -> Response:
        """Get tokens for a username (or e-mail address) and a password.

        An unknown name takes as long as a wrong password: the backend hashes a password anyway.
        """
        data = _valid(LoginSerializer(data=request.data))
        page_request = request._request
        user = get_adapter(page_request).authenticate(page_request, **data)
        if user is None or not user.is_active:
            raise InvalidCredentials
        if user.is_suspended:
            raise Suspended
        if emails.hides_accounts() and not emails.is_confirmed(user):
            emails.ask_to_confirm(user)
            raise EmailUnconfirmed
        try:
            answer = _signed_in(user)
        except NotSignedIn as error:  # the password was changed, or the account closed meanwhile
            raise InvalidCredentials from error
        user_logged_in.send(sender=User, request=page_request, user=user)
        return Response(answer)


class RefreshView(OpenView):
    @extend_schema(
        operation_id="auth_refresh",
        summary="Get the next pair of tokens",
        request=RefreshSerializer,
        responses={200: PairSerializer, 401: WRONG_CREDENTIAL, 403: KEPT_OUT},
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
        responses={204: None, 401: WRONG_CREDENTIAL},
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
        """One's own account."""
        return Response(UserSerializer(current_user(request)).data)

    @extend_schema(
        operation_id="auth_me_update",
        summary="Change your own account",
        request=ProfileSerializer(partial=True),
        responses=UserSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change one's name or language, or ask for another e-mail address."""
        changes = _valid(ProfileSerializer(data=request.data, partial=True))
        user = User.objects.get(pk=current_user(request).pk)
        profile = ProfileForm(
            data={"username": user.username, "language": user.language} | changes, instance=user
        )
        wish = None
        if changes.get("email", user.email).lower() != user.email.lower():
            wish = ChangeEmailForm(data=changes, user=user)
        for form in filter(None, (profile, wish)):  # the password last
            if not form.is_valid():
                raise _invalid(form)
        if wish:
            attempts.count_mail(request._request, wish.cleaned_data["email"])
        try:
            with transaction.atomic():
                profile.save_profile()
                if wish and not wish.save(request._request):
                    raise _invalid(wish)
        except Taken as error:
            profile.add_taken_errors(error)
            raise _invalid(profile) from error
        return Response(UserSerializer(user).data)


def _signed_in(user: User) -> dict[str, object]:
    return {"user": UserSerializer(user).data, **tokens.issue(user)}


def _valid(serializer: Serializer[T]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def _invalid(form: BaseForm) -> Invalid:
    """The form's errors, by the API's field names."""
    names = {"password1": "password", "__all__": "non_field_errors"}
    return Invalid(
        fields={names.get(name, name): list(errors) for name, errors in form.errors.items()}
    )

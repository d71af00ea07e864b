"""What the address of an admin page asks for, and what its forms are sent, is never an error of
ours: every list, filter, search and form of every admin is tried with values beyond all bounds."""

from __future__ import annotations

from itertools import product
from uuid import uuid4

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.support.factories import make_character, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.both_engines]

QUESTIONS = [
    ("", "9999-12-31"),
    ("", "("),
    ("", "9" * 5_000),
    ("__gte", "9999-12-31 23:59:59-12:00"),
    ("__lt", "0001-01-01 00:00:00+14:00"),
    ("__exact", "99999999999999999999"),
    ("__in", "a,99999999999999999999"),
    ("__isnull", "2"),
    ("__year", "999999999999"),
    ("__date", "9999-12-31"),
    ("__regex", "("),
    ("__iregex", "[[:"),
    ("__id__exact", "-1e999"),
]
ELSE = [
    *product(["q", "p", "o", "_to_field", "unknown"], ["\\", "9" * 5_000]),
    ("q", "a" * 10_000),
]
SITES = sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)


@pytest.fixture
def root(client: Client) -> Client:
    make_character()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(("model", "site"), SITES, ids=[model._meta.label for model, _ in SITES])
def test_no_question_to_a_list_is_an_error_of_ours(
    root: Client, model: type, site: admin.ModelAdmin
) -> None:
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    names = {"pk", *(field.name for field in model._meta.fields if "DateTime" in str(type(field)))}
    for each in site.list_filter:
        found = each[0] if isinstance(each, tuple) else each
        names.add(found if isinstance(found, str) else found.parameter_name)
    asked = [(f"{name}{lookup}", value) for name in sorted(names) for lookup, value in QUESTIONS]
    broken = []
    for question, value in [*asked, *ELSE]:
        status = root.get(path, {question: value}).status_code
        if status not in (200, 302, 400):
            broken.append(f"?{question}={value[:40]} is {status}")
    assert broken == []


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1999-12-31", "2201-01-01"])
def test_dates_beyond_the_bounds_are_refused_at_their_field(root: Client, day: str) -> None:
    wallet = make_user("alice").pk
    adjust = reverse("admin:payments_wallet_adjust", args=[wallet])
    past = reverse("admin:payments_wallet_past", args=[wallet])
    report = reverse("admin:payments_ledgerentry_report")
    form = {"tokens": "5", "reason": "why", "expires_on": day, "form_key": str(uuid4())}
    for answer in (
        root.post(adjust, form),
        root.get(past, {"at": f"{day} 23:59:59"}),
        root.get(report, {"first": day, "last": day}),
    ):
        assert answer.status_code == 200
        assert "Choose a date from 2000 to 2200." in answer.content.decode()

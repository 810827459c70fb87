"""Drill S24: every column of every table, sent along with every form, is stored nowhere."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import connection
from django.db.models import BooleanField
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.form_fuzzing import parse_page_forms
from tests.web.fuzz_rollback_helpers import close_response, post_form, rollback_block
from tests.web.module_people import module_people, organisation, people, signed_in
from tests.web.test_access_table import ACCESS_TABLE, MACHINES, url_for_name

__all__ = ["module_people", "organisation", "people", "signed_in"]
PAGES = sorted(name for name, rows in ACCESS_TABLE.items() if rows not in MACHINES)
PLANTED = "987654321"
# Names that a list is filtered by, or that a form has under the same name.
SHARED_FIELD_NAMES = {"csrfmiddlewaretoken", "next"}
# Own fields of URLs whose form stands on another page; a note is also a column.
FIELDS_OF_POSTS = {
    "incident_note": {"note": "Tom is on it"},
    "incident_mute": {"hours": "4", "reason": "Aitronos is at it"},
}


@cache
def _extra_field_values() -> dict[str, str]:
    fields: dict[str, str] = {}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if getattr(field, "concrete", False):
                value = "on" if isinstance(field, BooleanField) else PLANTED
                fields |= {field.name: value, str(getattr(field, "attname", field.name)): value}
    fields |= {"is_staff": "on", "is_superuser": "on", "role": "manager", "base_url": PLANTED}
    return {name: value for name, value in fields.items() if name not in SHARED_FIELD_NAMES}


def _all_stored_values() -> str:
    values: list[str] = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed and model._meta.model_name != "session":
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
                values.append(str(cursor.fetchall()))
    return "\n".join(values)


def _roles_and_flags() -> list[Any]:
    people = User.objects.order_by("pk").values_list("pk", "is_platform_admin", "is_active")
    return [*people, *Membership.objects.order_by("pk").values_list("pk", "user_id", "role")]


def test_database_search_finds_a_stored_value(organisation: Organisation) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name=f"x{PLANTED}")
    assert PLANTED in _all_stored_values()


@pytest.mark.parametrize("name", PAGES)
def test_extra_field_is_stored_nowhere(
    name: str,
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
    signed_in: SignIn,
    settings: LazySettings,
) -> None:
    # All in one form first, which the panel's own limit would refuse unread.
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
    path = url_for_name(name, organisation, make_key, people)
    client: Client = signed_in(people.manager)
    page = client.get(path)
    html = page.content.decode() if page.status_code == 200 and not page.streaming else ""
    close_response(page)
    forms = [form for form in parse_page_forms(path, html)[0] if form.method == "POST"]
    submissions = [(form.action, dict(form.unchanged_pairs())) for form in forms]
    submissions = submissions or [(path, FIELDS_OF_POSTS.get(name, {}))]
    for action, form_fields in submissions:
        if "/logout/" in action:
            continue
        with rollback_block():
            answer = post_form(client, action, form_fields)
            close_response(answer)
            rights_before, plain_answer = _roles_and_flags(), _summary(answer)
        extra_fields = {
            name: value for name, value in _extra_field_values().items() if name not in form_fields
        }
        if _send_extra(client, action, form_fields, extra_fields, rights_before) != plain_answer:
            # One of them is asked for: it must not hide what becomes of the others.
            for part in _parts(extra_fields):
                _send_extra(client, action, form_fields, part, rights_before)


def _send_extra(
    client: Client,
    action: str,
    form_fields: dict[str, str],
    extra_fields: dict[str, str],
    rights_before: list[Any],
) -> tuple[int, str]:
    with rollback_block():
        # The form's own fields may be saved; no other name may be.
        answer = post_form(client, action, form_fields | extra_fields)
        close_response(answer)
        assert answer.status_code != 400, action
        assert _roles_and_flags() == rights_before, action
        assert PLANTED not in _all_stored_values(), action
    return _summary(answer)


def _summary(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("Location", "")


def _parts(fields: dict[str, str]) -> Iterator[dict[str, str]]:
    pairs = list(fields.items())
    for start in range(0, len(pairs), 100):
        yield dict(pairs[start : start + 100])

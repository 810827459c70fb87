"""Drill S24: every column of every table, sent along with every form, is stored nowhere."""

from typing import Any

import pytest
from django.apps import apps
from django.db.models import BooleanField
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.form_fuzzing import parse_page_forms
from tests.web.fuzz_rollback_helpers import close_response, rollback_block
from tests.web.test_access_table import ACCESS_TABLE, MACHINES, url_for_name

PAGES = sorted(name for name, rows in ACCESS_TABLE.items() if rows not in MACHINES)
PLANTED = "987654321"
# Names that a list is filtered by, or that a form has under the same name.
SHARED_FIELD_NAMES = {"csrfmiddlewaretoken", "next"}
# Own fields of URLs whose form stands on another page; a note is also a column.
FIELDS_OF_POSTS = {
    "incident_note": {"note": "Tom is on it"},
    "incident_mute": {"hours": "4", "reason": "Aitronos is at it"},
}


def _extra_field_values() -> dict[str, str]:
    fields: dict[str, str] = {}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if getattr(field, "concrete", False):
                value = "on" if isinstance(field, BooleanField) else PLANTED
                fields |= {field.name: value, str(getattr(field, "attname", field.name)): value}
    return fields | {"is_staff": "on", "is_superuser": "on", "role": "manager", "base_url": PLANTED}


def _extra_field_parts(*, excluded: set[str]) -> list[dict[str, str]]:
    """All extra fields, a hundred at a time: a form with too many would be refused unread."""
    extra_fields = [
        (name, value) for name, value in _extra_field_values().items() if name not in excluded
    ]
    return [dict(extra_fields[start : start + 100]) for start in range(0, len(extra_fields), 100)]


def _all_stored_values() -> str:
    rows = [
        str(list(model._default_manager.values_list()))
        for model in apps.get_models()
        if model._meta.managed and model._meta.model_name != "session"
    ]
    return "\n".join(rows)


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
) -> None:
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
            close_response(client.post(action, form_fields))
            rights_before = _roles_and_flags()
        for extra_fields in _extra_field_parts(excluded={*form_fields, *SHARED_FIELD_NAMES}):
            with rollback_block():
                # The form's own fields may be saved; no other name may be.
                answer = client.post(action, form_fields | extra_fields)
                close_response(answer)
                assert answer.status_code != 400, action
                assert _roles_and_flags() == rights_before, action
                assert PLANTED not in _all_stored_values(), action

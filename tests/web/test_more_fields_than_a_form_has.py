"""Drill S24: every field of every table, sent along with every form, ends up nowhere."""

from typing import Any

import pytest
from django.apps import apps
from django.db.models import BooleanField
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzzing import forms_of
from tests.web.test_access_table import MACHINES, TABLE, _address
from tests.web.undone import let_go, undone

PAGES = sorted(name for name, rows in TABLE.items() if rows not in MACHINES)
PLANTED = "987654321"
# Of lists that may be filtered by it, or that a form of ours has under the same name.
BESIDE = {"csrfmiddlewaretoken", "next"}


def _every_field() -> dict[str, str]:
    fields: dict[str, str] = {}
    for model in apps.get_models():
        for one in model._meta.get_fields():
            if getattr(one, "concrete", False):
                value = "on" if isinstance(one, BooleanField) else PLANTED
                fields |= {one.name: value, str(getattr(one, "attname", one.name)): value}
    return fields | {"is_staff": "on", "is_superuser": "on", "role": "manager", "base_url": PLANTED}


def _parts(*, besides: set[str]) -> list[dict[str, str]]:
    """All of them, a hundred at a time: with too many at once nothing would be looked at."""
    more = [(name, value) for name, value in _every_field().items() if name not in besides]
    return [dict(more[start : start + 100]) for start in range(0, len(more), 100)]


def _stored() -> str:
    rows = [
        str(list(model._default_manager.values_list()))
        for model in apps.get_models()
        if model._meta.managed and model._meta.model_name != "session"
    ]
    return "\n".join(rows)


def _rights() -> list[Any]:
    people = User.objects.order_by("pk").values_list("pk", "is_platform_admin", "is_active")
    return [*people, *Membership.objects.order_by("pk").values_list("pk", "user_id", "role")]


def test_the_search_finds_what_is_stored(organisation: Organisation) -> None:
    Organisation.objects.filter(pk=organisation.pk).update(name=f"x{PLANTED}")
    assert PLANTED in _stored()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_it_is_stored(
    name: str,
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
    signed_in: SignIn,
) -> None:
    path = _address(name, organisation, make_key, people)
    client: Client = signed_in(people.manager)
    page = client.get(path)
    html = page.content.decode() if page.status_code == 200 and not page.streaming else ""
    let_go(page)
    forms = [one for one in forms_of(path, html)[0] if one.method == "POST"]
    sent = [(one.action, dict(one.filled())) for one in forms] or [(path, {})]
    for action, own in sent:
        if "/logout/" in action:
            continue
        with undone():
            let_go(client.post(action, own))
            plain = _rights()
        for more in _parts(besides={*own, *BESIDE}):
            with undone():
                # Names that the form itself has are its own business; others are not taken.
                answer = client.post(action, own | more)
                let_go(answer)
                assert answer.status_code != 400, action
                assert _rights() == plain, action
                assert PLANTED not in _stored(), action

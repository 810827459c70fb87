"""Drill S36: whatever is changed, the log says who, what, where, from where, by which request.

Every address of the panel is in one of two tables: what writes, and why the others write nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import get_resolver

from freddy_admin.audit.models import AuditEvent, AuditLink
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.deeds.keys import KEYS
from tests.web.deeds.pages import PAGES
from tests.web.deeds.scene import Scene
from tests.web.deeds.signing_in import SIGNING_IN
from tests.web.test_access_table import _patterns
from tests.web.undone import let_go

WRITES = PAGES | KEYS | SIGNING_IN
LOOKED_AT = "only looked at"
OWN_CODES = "shows a person their own codes"
SILENT = {
    **dict.fromkeys(
        (
            *("overview", "syncs_batch", "import_draft", "audit", "system", "sessions", "tokens"),
            *("roles", "people", "person", "organisation", "members", "connectors"),
            *("auth_configs", "key", "first_visit", "mfa_index", "mfa_list_webauthn"),
            *("account_reset_password_done", "account_reset_password_from_key_done"),
            *("healthz", "readyz", "metrics"),
        ),
        LOOKED_AT,
    ),
    # A program asks every few seconds; its token says when it was last used.
    **dict.fromkeys(("statuses", "events", "order"), "looked at by programs"),
    **dict.fromkeys(("openapi-json", "api-root", "api_nowhere"), "nothing of anybody is there"),
    "account_reset_password": "sends a mail; whoever uses its link is written down",
    **dict.fromkeys(("single_sign_on", "account_confirm_elsewhere"), "leads to the provider"),
    "account_confirmed": "shows what was begun, and a button that does it",
    "mfa_view_recovery_codes": OWN_CODES,
    "mfa_download_recovery_codes": OWN_CODES,
}

# These need somebody at the other end, who is there in the tests named here.
ELSEWHERE = {"single_sign_on_return": "tests/accounts/single_sign_on/test_signing_in.py"}


@pytest.fixture
def scene(
    people: People, organisation: Organisation, make_key: MakeKey, signed_in: SignIn
) -> Scene:
    return Scene(people, organisation, make_key, signed_in)


def test_every_address_writes_or_says_why_not() -> None:
    found = {pattern.name or route for route, pattern in _patterns(get_resolver())}
    assert found == set(WRITES) | set(SILENT) | set(ELSEWHERE)
    assert len(found) == len(WRITES) + len(SILENT) + len(ELSEWHERE)
    for path in ELSEWHERE.values():
        assert "AuditEvent" in Path(settings.BASE_DIR, path).read_text()


def test_whoever_may_only_be_looked_at_takes_nothing() -> None:
    posts = {
        pattern.name
        for _, pattern in _patterns(get_resolver())
        if SILENT.get(pattern.name or "") == LOOKED_AT
        and getattr(pattern.callback, "access_rule", "")
        and "POST" in _methods(pattern.callback)
    }
    assert posts == set()


def _methods(view: object) -> str:
    closure = getattr(view, "__closure__", None) or ()
    return " ".join(str(cell.cell_contents) for cell in closure)


def _each() -> Iterator[Any]:
    for name, deed in WRITES.items():
        marks = [pytest.mark.django_db(transaction=True)] if deed.commits else []
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(_each()))
def test_what_is_done_is_written_down_once(
    name: str, scene: Scene, django_capture_on_commit_callbacks: Any
) -> None:
    deed = WRITES[name]
    here, ask = scene.organisation.pk, deed.ask(scene)
    client = scene.client(deed.who)
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    with django_capture_on_commit_callbacks(execute=True):
        answer = ask.sent(client)
    assert answer.status_code < 400
    let_go(answer)
    events = list(AuditEvent.objects.exclude(pk__in=before).order_by("pk"))

    assert sorted(event.tag for event in events) == sorted(deed.tags)
    who = scene.person(deed.who if deed.actor == "same" else deed.actor)
    for event in events:
        if who is not None:
            assert event.actor_id == who.pk
            assert who.email in event.actor_name
        assert event.actor_name
        assert (event.address, event.request_id) == ("127.0.0.1", answer["X-Request-Id"])
        assert AuditLink.objects.filter(event_id=event.pk).exists()
        if deed.here:
            assert event.organisation_name in {"Alder", "Alder Ltd"}
            assert event.organisation_id == here

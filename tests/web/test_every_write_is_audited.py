"""Drill S36: of each change the audit log says who, what, where, from which IP and request.

Every URL of the panel is in one of two tables: what writes, and why the others write nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import get_resolver

from freddy_admin.audit.models import AuditEvent, AuditLink
from freddy_admin.organisations.models import Organisation
from freddy_admin.wording.audit import DETAIL_LABELS, HIDDEN_DETAIL_NAMES
from tests.web.actions.alert_channel_actions import ALERT_CHANNEL_ACTIONS
from tests.web.actions.alert_rule_actions import ALERT_RULE_ACTIONS
from tests.web.actions.incident_actions import INCIDENT_ACTIONS
from tests.web.actions.key_actions import KEY_ACTIONS
from tests.web.actions.page_actions import PAGE_ACTIONS
from tests.web.actions.scenario import Scenario
from tests.web.actions.sign_in_actions import SIGNING_IN
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.test_access_table import list_url_patterns

WRITES = (
    PAGE_ACTIONS
    | KEY_ACTIONS
    | INCIDENT_ACTIONS
    | ALERT_RULE_ACTIONS
    | ALERT_CHANNEL_ACTIONS
    | SIGNING_IN
)
LOOKED_AT = "only looked at"
OWN_CODES = "shows a person their own codes"
SILENT = {
    **dict.fromkeys(
        (
            *(
                "overview",
                "sync_batch",
                "import_draft",
                "audit",
                "system",
                "sessions",
                "api_tokens",
            ),
            *("roles", "people", "person", "organisation", "members", "connectors"),
            *("alert_channels", "alert_channel_new", "alert_channel_kinds", "alert_channel"),
            *("fleet_channel_kinds", "fleet_channel"),
            *("alert_rules", "alert_rules_choose", "organisation_alert_rules"),
            *("incident_list", "incident", "alert_windows", "alert_window_new"),
            *("alert_rehearsal", "alert_log"),
            *("auth_configs", "key", "first_visit", "mfa_index", "mfa_list_webauthn"),
            *("account_reset_password_done", "account_reset_password_from_key_done"),
            *("healthz", "readyz", "metrics"),
        ),
        LOOKED_AT,
    ),
    # Programs ask every few seconds: the token records its last use instead of an event.
    **dict.fromkeys(
        (
            *("statuses", "events", "operation"),
            *("api_incidents", "api_incident", "api_deliveries"),
        ),
        "looked at by programs",
    ),
    **dict.fromkeys(("openapi-json", "api-root", "api_not_found"), "nothing of anybody is there"),
    "account_reset_password": "sends a mail; whoever uses its link is written down",
    **dict.fromkeys(("oidc_login", "oidc_reauthenticate"), "leads to the provider"),
    "account_resume_request": "shows what was begun, and a button that does it",
    "mfa_view_recovery_codes": OWN_CODES,
    "mfa_download_recovery_codes": OWN_CODES,
}

# URLs that need a provider at the other end, tested in the files named here.
ELSEWHERE = {"oidc_callback": "tests/accounts/oidc/test_login.py"}


@pytest.fixture
def scene(
    people: People, organisation: Organisation, make_key: MakeKey, signed_in: SignIn
) -> Scenario:
    return Scenario(people, organisation, make_key, signed_in)


def test_every_writing_url_has_an_action_or_a_reason() -> None:
    names = {pattern.name or route for route, pattern in list_url_patterns(get_resolver())}
    assert names == set(WRITES) | set(SILENT) | set(ELSEWHERE)
    assert len(names) == len(WRITES) + len(SILENT) + len(ELSEWHERE)
    for path in ELSEWHERE.values():
        assert "AuditEvent" in Path(settings.BASE_DIR, path).read_text()


def test_reading_url_accepts_no_post() -> None:
    posts = {
        pattern.name
        for _, pattern in list_url_patterns(get_resolver())
        if SILENT.get(pattern.name or "") == LOOKED_AT
        and getattr(pattern.callback, "access_rule", "")
        and "POST" in _allowed_methods(pattern.callback)
    }
    assert posts == set()


def _allowed_methods(view: object) -> str:
    closure = getattr(view, "__closure__", None) or ()
    return " ".join(str(cell.cell_contents) for cell in closure)


def _action_params() -> Iterator[Any]:
    for name, action in WRITES.items():
        marks = [pytest.mark.django_db(transaction=True)] if action.is_recorded_on_commit else []
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(_action_params()))
def test_every_action_is_audited_once(
    name: str, scene: Scenario, django_capture_on_commit_callbacks: Any
) -> None:
    action = WRITES[name]
    organisation_id, action_request = scene.organisation.pk, action.build_request(scene)
    client = scene.client(action.actor_role)
    event_ids_before = set(AuditEvent.objects.values_list("pk", flat=True))
    with django_capture_on_commit_callbacks(execute=True):
        answer = action_request.send(client)
    assert answer.status_code < 400
    close_response(answer)
    events = list(AuditEvent.objects.exclude(pk__in=event_ids_before).order_by("pk"))

    assert sorted(event.tag for event in events) == sorted(action.tags)
    person = scene.person(action.actor_role if action.actor == "same" else action.actor)
    for event in events:
        if person is not None:
            assert event.actor_id == person.pk
            assert person.email in event.actor_name
        assert event.actor_name
        assert set(event.details) <= set(DETAIL_LABELS) | set(HIDDEN_DETAIL_NAMES)
        assert (event.address, event.request_id) == ("127.0.0.1", answer["X-Request-Id"])
        assert AuditLink.objects.filter(event_id=event.pk).exists()
        if action.is_in_organisation:
            assert event.organisation_name in {"Alder", "Alder Ltd"}
            assert event.organisation_id == organisation_id

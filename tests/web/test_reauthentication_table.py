"""A table of all URLs: which need reauthentication, and why the others do not."""

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from freddy_admin.organisations.models import Organisation
from tests.web.conftest import (
    MakeKey,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
)
from tests.web.fuzz_rollback_helpers import count_rows
from tests.web.test_access_table import ACCESS_TABLE, list_url_patterns, url_for_name

pytestmark = pytest.mark.sqlite_is_enough

# These need reauthentication, for GET and for POST.
ASKS = {
    "keys": {
        *("key_add", "key_replace", "key_pause", "key_resume", "key_revoke"),
        *("candidate_keep", "candidate_use", "candidate_discard"),
        *("import_new", "import_confirm"),
        "connector_switch",
    },
    "organisations and who belongs to them": {
        *("organisation_rename", "organisation_remove", "member", "member_remove"),
        *("member_invite", "member_invitation", "organisation_leave"),
    },
    "channels of the alerts": {
        *(
            f"{owner}_channel_{action}"
            for owner in ("alert", "fleet")
            for action in (
                *("create", "address", "secret", "former_end"),
                *("enable", "disable", "delete"),
            )
        )
    },
    # A rule that is off silences as much as a channel that is: both ask.
    "who is told of alerts": {
        *("alert_rule_create", "alert_rule_update", "alert_rule_delete"),
        *("fleet_rule_create", "fleet_rule_update", "fleet_rule_delete"),
    },
    "people": {"person_change", "person_remove", "person_unlink", "single_sign_on_unlink"},
    # Confirming the clock lets old rows be deleted for good.
    "the panel itself": {"clock_confirm", "panel_confirm"},
    "panel tokens": {"api_token_create", "api_token_revoke", "sessions_end"},
    # The exported audit log holds actions and addresses of everybody, and leaves the panel.
    "copies": {"organisation_export", "profile_export", "person_export", "audit_csv"},
    "second factors": {
        *("mfa_activate_totp", "mfa_deactivate_totp", "mfa_generate_recovery_codes"),
        *("mfa_view_recovery_codes", "mfa_download_recovery_codes", "mfa_add_webauthn"),
        *("mfa_edit_webauthn", "mfa_remove_webauthn"),
    },
}
DESCRIBES = "describes a key for colleagues; what it opens and where it is used stay as they are"
LOOKS = "has Aitronos asked, which changes nothing there; limited by itself"
TESTS = "tests once more what waits anyway; nothing comes into use by it"
LOOKS_AFTER = "says to colleagues who looks after it; changes nothing that comes into use"
KEEPS_QUIET = (
    "says when messages wait, which is urgent at night; it has an end or stands in the list of "
    "windows, incidents stay in view, and who did it is in the audit log"
)
OWN_LOOK = "is about how the panel looks to one person"
QUESTION = "is the question itself"
SIGNS_IN = "is for somebody who is not signed in yet, and shows who they are by it"
PROGRAM = (
    "asks of a program, which has nobody in front of it: making its token was confirmed, and a "
    "token cannot change keys, members or rights"
)
RENAMES = "names a channel for colleagues; where it leads and what goes there stay as they are"
TRIES = "tells of a pretend incident, where real ones go anyway"
WHY_NOT = {
    "key_edit": DESCRIBES,
    **dict.fromkeys(("alert_channel_rename", "fleet_channel_rename"), RENAMES),
    **dict.fromkeys(("alert_channel_test", "fleet_channel_test"), TRIES),
    "key_sync": "starts what would run anyway, and changes no right; waiting would cost most then",
    "sync_batch_create": "the same, for several",
    **dict.fromkeys(("key_check", "catalog_check"), LOOKS),
    **dict.fromkeys(("candidate_retest", "import_retest"), TESTS),
    "import_discard": "throws away what the same person pasted, of which no key was made",
    "organisation_add": "adds a place that is empty and that platform admins alone see",
    **dict.fromkeys(("profile", "saved_view_create", "saved_view_delete"), OWN_LOOK),
    "profile_alerts": "is about the mails of one person; a button there ends them",
    "unsubscribe": "ends mails of whoever has the link; they are had again on the profile",
    "session_end": "signs a browser out, which can only make safer",
    "account_logout": "signs this browser out, which can only make safer",
    "invitation_accept": "the mailed link shows that the address is theirs; it never lowers",
    "account_change_password": "asks for the present password in its own form",
    **dict.fromkeys(
        (
            *("invitation", "first_visit_link", "account_login", "account_reset_password"),
            *("account_reset_password_from_key", "mfa_authenticate", "mfa_login_webauthn"),
        ),
        SIGNS_IN,
    ),
    **dict.fromkeys(
        ("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"), QUESTION
    ),
    **dict.fromkeys(("check", "sync", "api_incident_acknowledge"), PROGRAM),
    **dict.fromkeys(
        (
            *("incident_acknowledge", "incident_unacknowledge", "incident_assign"),
            "incident_note",
        ),
        LOOKS_AFTER,
    ),
    **dict.fromkeys(
        (
            *("incident_mute", "incident_unmute"),
            *("alert_window_create", "alert_window_update", "alert_window_delete"),
            *("fleet_window_create", "fleet_window_update", "fleet_window_delete"),
        ),
        KEEPS_QUIET,
    ),
}
# Views of allauth and Django do not declare their methods; these only show something.
ONLY_LOOKED_AT = {
    *("account_reset_password_done", "account_reset_password_from_key_done"),
    *("mfa_index", "mfa_list_webauthn", "openapi-json", "api-root", "api_not_found"),
    *("oidc_login", "oidc_callback", "oidc_reauthenticate"),
    *("api_incidents", "api_incident", "api_deliveries"),
    *("account_resume_request", "statuses", "events", "operation", "healthz", "readyz", "metrics"),
}
ALL = set().union(*ASKS.values())
OF_PAGES = sorted(ALL & set(ACCESS_TABLE))
# URLs that a platform admin may use, and no manager.
BY_ADMIN = {
    "clock_confirm",
    "panel_confirm",
    "organisation_remove",
    "person_change",
    "person_remove",
    "person_unlink",
} | {"person_export"}


def _takes_posts(pattern: Any) -> bool:
    methods = getattr(pattern.callback, "access_methods", None)
    return methods is None or "POST" in methods


def test_every_writing_url_is_in_the_reauthentication_table() -> None:
    names = {
        pattern.name or route
        for route, pattern in list_url_patterns(get_resolver())
        if _takes_posts(pattern)
    }
    assert names - ONLY_LOOKED_AT == ALL | set(WHY_NOT)
    assert ALL.isdisjoint(WHY_NOT)


def test_reading_url_takes_no_post(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    client = signed_in(people.admin)
    for name in (
        "account_resume_request",
        "oidc_reauthenticate",
        "mfa_index",
        "mfa_list_webauthn",
    ):
        assert client.post(reverse(name)).status_code in {404, 405}


def test_view_asks_for_reauthentication_as_the_table_says() -> None:
    names = {
        pattern.name
        for _, pattern in list_url_patterns(get_resolver())
        if getattr(pattern.callback, "requires_reauthentication", False)
    }
    assert names == ALL


@pytest.mark.parametrize("name", OF_PAGES)
def test_request_without_reauthentication_is_asked_and_changes_nothing(
    name: str, people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    address = url_for_name(name, organisation, make_key, people)
    is_by_admin = name in BY_ADMIN or name.startswith("fleet_")
    person = people.admin if is_by_admin else people.manager
    person = people.viewer if name == "api_token_revoke" else person
    client = signed_in(person)
    mark_reauthenticated(client, person, minutes_ago=16)
    row_counts_before = count_rows()

    assert asks_reauthentication(client.post(address, {"tokens": "on", "name": "x", "do": "off"}))
    response = client.get(address)
    assert response.status_code == 405 or asks_reauthentication(response)
    assert count_rows() == row_counts_before


@pytest.mark.parametrize("name", sorted(ALL - set(ACCESS_TABLE)))
def test_allauth_pages_ask_for_reauthentication_in_place(
    name: str, people: People, signed_in: SignIn
) -> None:
    people.viewer.set_password("correct-horse-battery")
    people.viewer.save()
    client = signed_in(people.viewer)
    mark_reauthenticated(client, people.viewer, minutes_ago=16)
    address = reverse(
        name, args=[1] if name in {"mfa_edit_webauthn", "mfa_remove_webauthn"} else []
    )

    assert asks_reauthentication(client.get(address))
    assert asks_reauthentication(client.post(address))


def test_visitor_is_sent_to_the_sign_in_page_without_reauthentication(db: None) -> None:
    for name in ("mfa_activate_totp", "profile_export", "sessions_end"):
        assert Client().post(reverse(name))["Location"].startswith("/accounts/login/")

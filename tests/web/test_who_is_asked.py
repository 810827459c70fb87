"""The access table's other column: which address asks to confirm, and why the others do not."""

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from freddy_admin.organisations.models import Organisation
from tests.web.conftest import MakeKey, People, SignIn, confirm, is_asked
from tests.web.test_access_table import TABLE, _address, _patterns
from tests.web.undone import rows_now

# Each asks where it is, whether it is opened or sent to.
ASKS = {
    "keys": {
        *("key_add", "key_replace", "key_pause", "key_resume", "key_revoke"),
        *("candidate_keep", "candidate_discard", "import_new", "import_confirm"),
        "connector_switch",
    },
    "organisations and who belongs to them": {
        *("organisation_rename", "organisation_remove", "member", "member_remove"),
        *("member_invite", "member_invitation", "leave"),
    },
    "people": {"person_change", "person_remove", "person_unlink", "single_sign_on_unlink"},
    # It lets go for good what was held while the clocks disagreed.
    "the panel itself": {"clock_confirm"},
    "panel tokens": {"token_new", "token_revoke", "sessions_end"},
    # The audit log as a file holds everybody's doings and addresses, and goes out of the house.
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
OWN_LOOK = "is about how the panel looks to one person"
QUESTION = "is the question itself"
SIGNS_IN = "is for somebody who is not signed in yet, and shows who they are by it"
PROGRAM = (
    "asks of a program, which has nobody in front of it: making its token was confirmed, and a "
    "token cannot change keys, members or rights"
)
WHY_NOT = {
    "key_edit": DESCRIBES,
    "key_sync": "starts what would run anyway, and changes no right; waiting would cost most then",
    "syncs_new": "the same, for several",
    **dict.fromkeys(("key_check", "listing_check"), LOOKS),
    **dict.fromkeys(("candidate_retest", "import_retest"), TESTS),
    "import_discard": "throws away what the same person pasted, of which no key was made",
    "organisation_add": "adds a place that is empty and that platform admins alone see",
    **dict.fromkeys(("profile", "view_keep", "view_remove"), OWN_LOOK),
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
    **dict.fromkeys(("check", "sync"), PROGRAM),
}
# The library's views and the framework's say of every method that they take it; these only show.
ONLY_LOOKED_AT = {
    *("account_reset_password_done", "account_reset_password_from_key_done"),
    *("mfa_index", "mfa_list_webauthn", "openapi-json", "api-root", "api_nowhere"),
    *("single_sign_on", "single_sign_on_return", "account_confirm_elsewhere"),
    *("account_confirmed", "statuses", "events", "order", "healthz", "readyz", "metrics"),
}
ALL = set().union(*ASKS.values())
OF_PAGES = sorted(ALL & set(TABLE))
# Who may do it at all, where that is not a manager.
BY_ADMIN = {
    "clock_confirm",
    "organisation_remove",
    "person_change",
    "person_remove",
    "person_unlink",
} | {"person_export"}


def _takes_posts(pattern: Any) -> bool:
    methods = getattr(pattern.callback, "access_methods", None)
    return methods is None or "POST" in methods


def test_every_address_that_takes_something_asks_or_says_why_not() -> None:
    found = {
        pattern.name or route
        for route, pattern in _patterns(get_resolver())
        if _takes_posts(pattern)
    }
    assert found - ONLY_LOOKED_AT == ALL | set(WHY_NOT)
    assert ALL.isdisjoint(WHY_NOT)


def test_what_is_only_looked_at_takes_nothing(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    client = signed_in(people.admin)
    for name in (
        "account_confirmed",
        "account_confirm_elsewhere",
        "mfa_index",
        "mfa_list_webauthn",
    ):
        assert client.post(reverse(name)).status_code in {404, 405}


def test_the_code_asks_where_the_table_says() -> None:
    found = {
        pattern.name
        for _, pattern in _patterns(get_resolver())
        if getattr(pattern.callback, "asks_confirmation", False)
    }
    assert found == ALL


@pytest.mark.parametrize("name", OF_PAGES)
def test_whoever_has_not_confirmed_is_asked_and_nothing_is_done(
    name: str, people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    address = _address(name, organisation, make_key, people)
    person = people.admin if name in BY_ADMIN else people.manager
    person = people.viewer if name == "token_revoke" else person
    client = signed_in(person)
    confirm(client, person, minutes_ago=16)
    before = rows_now()

    assert is_asked(client.post(address, {"tokens": "on", "name": "x", "do": "off"}))
    opened = client.get(address)
    assert opened.status_code == 405 or is_asked(opened)
    assert rows_now() == before


@pytest.mark.parametrize("name", sorted(ALL - set(TABLE)))
def test_the_librarys_pages_ask_where_they_are(
    name: str, people: People, signed_in: SignIn
) -> None:
    people.viewer.set_password("correct-horse-battery")
    people.viewer.save()
    client = signed_in(people.viewer)
    confirm(client, people.viewer, minutes_ago=16)
    address = reverse(
        name, args=[1] if name in {"mfa_edit_webauthn", "mfa_remove_webauthn"} else []
    )

    assert is_asked(client.get(address))
    assert is_asked(client.post(address))


def test_a_visitor_is_sent_to_the_sign_in_page_and_not_asked(db: None) -> None:
    for name in ("mfa_activate_totp", "profile_export", "sessions_end"):
        assert Client().post(reverse(name))["Location"].startswith("/accounts/login/")

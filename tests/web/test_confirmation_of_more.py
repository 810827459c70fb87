"""Copies, tokens and invitations wait for it as keys do; a copy then comes by itself."""

import pytest
from django.conf import settings
from django.test import Client

from freddy_admin.accounts.models import ApiToken
from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.vault.models import ApiKey
from tests.web.confirming import answered, manager_of_long_ago
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.machines import token_made
from tests.web.undone import let_go


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return manager_of_long_ago(people, signed_in)


FILES = ["/organisations/alder/export/", "/profile/export/", "/audit.csv?q=x"]


@pytest.mark.parametrize("file", FILES)
def test_a_copy_to_take_away_waits_for_it_and_then_comes_by_itself(
    file: str, manager: Client
) -> None:
    asked = manager.get(file)
    assert not AuditEvent.objects.filter(tag__endswith="exported").exists()

    page = answered(manager, asked).content.decode()
    assert f'content="0; url={file}"' in page
    copy = manager.get(file)
    assert "attachment" in copy["Content-Disposition"]
    let_go(copy)


def test_the_overview_as_a_file_asks_for_nothing(manager: Client, key: ApiKey) -> None:
    copy = manager.get("/overview.csv")
    assert "attachment" in copy["Content-Disposition"]
    let_go(copy)


def test_signing_out_everywhere_asks_only_where_tokens_go_as_well(
    manager: Client, people: People
) -> None:
    token_made(people.manager)
    asked = manager.post("/profile/sessions/end/", {"tokens": "on"})
    assert ApiToken.objects.exists()
    assert manager.post("/profile/sessions/end/").status_code == 302
    answered(manager, asked)
    assert not ApiToken.objects.exists()


def test_a_member_who_is_invited_gets_one_invitation(
    manager: Client, organisation: Organisation
) -> None:
    page = "/organisations/alder/members/invite/"
    asked = manager.post(page, {"email": "nia@example.org", "role": "viewer"})
    assert not Invitation.objects.exists()
    answered(manager, asked)
    assert Invitation.objects.get().email == "nia@example.org"


def test_a_quarter_of_an_hour_is_what_the_page_says() -> None:
    assert settings.ACCOUNT_REAUTHENTICATION_TIMEOUT == 15 * 60

"""Exports, API tokens and invitations need reauthentication; an export then starts by itself."""

import pytest
from django.conf import settings
from django.test import Client

from freddy_admin.accounts.models import ApiToken
from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.vault.models import ApiKey
from tests.api.api_client import create_api_token
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.reauthentication import manager_with_old_authentication, submit_reauthentication


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return manager_with_old_authentication(people, signed_in)


FILES = ["/organisations/alder/export/", "/profile/export/", "/audit.csv?q=x"]


@pytest.mark.parametrize("file", FILES)
def test_export_waits_for_reauthentication_and_then_starts_by_itself(
    file: str, manager_client: Client
) -> None:
    question = manager_client.get(file)
    assert not AuditEvent.objects.filter(tag__endswith="exported").exists()

    page = submit_reauthentication(manager_client, question).content.decode()
    assert f'content="0; url={file}"' in page
    copy = manager_client.get(file)
    assert "attachment" in copy["Content-Disposition"]
    close_response(copy)


def test_overview_export_needs_no_reauthentication(manager_client: Client, key: ApiKey) -> None:
    copy = manager_client.get("/overview.csv")
    assert "attachment" in copy["Content-Disposition"]
    close_response(copy)


def test_signing_out_everywhere_needs_reauthentication_only_with_tokens(
    manager_client: Client, people: People
) -> None:
    create_api_token(people.manager)
    question = manager_client.post("/profile/sessions/end/", {"tokens": "on"})
    assert ApiToken.objects.exists()
    assert manager_client.post("/profile/sessions/end/").status_code == 302
    submit_reauthentication(manager_client, question)
    assert not ApiToken.objects.exists()


def test_repeated_reauthentication_sends_one_invitation(
    manager_client: Client, organisation: Organisation
) -> None:
    page = "/organisations/alder/members/invite/"
    question = manager_client.post(page, {"email": "nia@example.org", "role": "viewer"})
    assert not Invitation.objects.exists()
    submit_reauthentication(manager_client, question)
    assert Invitation.objects.get().email == "nia@example.org"


def test_reauthentication_page_says_a_quarter_of_an_hour() -> None:
    assert settings.ACCOUNT_REAUTHENTICATION_TIMEOUT == 15 * 60

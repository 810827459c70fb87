"""Pages of a person's API tokens: created with a scope, shown once, never again anywhere."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.accounts.models import ApiToken
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from tests.api.api_client import ApiClient
from tests.web.conftest import (
    MakeKey,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
)

LIST, NEW = "/profile/tokens/", "/profile/tokens/new/"
FORM = {"name": "Status board", "scope": "read", "days": "90", "reach": "all"}
TOKEN = re.compile(r"freddy_[\w-]{43}")


@pytest.fixture
def viewer_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


def test_a_token_is_shown_once_and_works(viewer_client: Client, make_key: MakeKey) -> None:
    make_key()
    response = viewer_client.post(NEW, FORM)
    assert response["Cache-Control"] == "private, no-store"
    [token] = set(TOKEN.findall(response.content.decode()))
    program = ApiClient(None)
    program.token = token
    assert len(program.get("statuses").json()["statuses"]) == 1
    for path in (LIST, NEW, "/profile/", "/audit/"):
        assert token not in viewer_client.get(path).content.decode()
    assert token not in str(list(ApiToken.objects.values()) + list(AuditEvent.objects.values()))
    assert token not in str(dict(viewer_client.session))


def test_token_list_says_scope_organisations_and_expiry(
    viewer_client: Client, organisation: Organisation
) -> None:
    limited_fields = {
        "reach": "some",
        "organisations": [organisation.pk],
        "scope": "act",
        "days": "30",
    }
    viewer_client.post(NEW, FORM | limited_fields)
    viewer_client.post(NEW, FORM | {"name": "For good", "days": "0"})
    page = " ".join(viewer_client.get(LIST).content.decode().split())
    for words in ("Status board", "read and act", "Alder", "until 1 Apr 2026", "never"):
        assert words in page
    for words in ("For good", "all of yours", "for good"):
        assert words in page
    row = ApiToken.objects.get(name="Status board")
    assert (row.scope, row.expires_at) == ("act", clock.now() + timedelta(days=30))


def test_expired_token_says_so(viewer_client: Client, people: People) -> None:
    ApiClient(people.viewer)
    ApiToken.objects.update(expires_at=clock.now(), last_used_at=clock.now())
    page = viewer_client.get(LIST).content.decode()
    assert "ended 2 Mar 2026" in page


def test_token_is_revoked_with_one_button_and_opens_nothing_any_more(
    viewer_client: Client, people: People
) -> None:
    program = ApiClient(people.viewer)
    row = ApiToken.objects.get()
    answer = viewer_client.post(f"{LIST}{row.pk}/revoke/", follow=True)
    assert "The token “board” was revoked." in answer.content.decode()
    assert program.get("statuses").status_code == 401


@pytest.mark.parametrize(
    ("changed_fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"scope": "king"}, "scope"),
        ({"days": "31"}, "days"),
        ({"days": "-1"}, "days"),
        ({"days": ""}, "days"),
        ({"reach": "some"}, "organisations"),
        ({"reach": "nowhere"}, "reach"),
        ({"reach": "some", "organisations": ["999999"]}, "organisations"),
        ({"reach": "some", "organisations": ["x", "\x00"]}, "organisations"),
    ],
)
def test_token_form_error_stands_beside_its_field(
    changed_fields: dict[str, object], field: str, viewer_client: Client
) -> None:
    answer = viewer_client.post(NEW, FORM | changed_fields)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not ApiToken.objects.exists()


def test_somebody_elses_organisation_cannot_be_chosen(
    viewer_client: Client, other_organisation: Organisation
) -> None:
    assert "Birch" not in viewer_client.get(NEW).content.decode()
    viewer_client.post(NEW, FORM | {"reach": "some", "organisations": [other_organisation.pk]})
    assert not ApiToken.objects.exists()


def test_token_form_keeps_its_choices_when_another_field_is_wrong(
    viewer_client: Client, organisation: Organisation
) -> None:
    page = viewer_client.post(NEW, FORM | {"name": "", "organisations": [organisation.pk]})
    assert f'value="{organisation.pk}" checked' in page.content.decode()


def test_token_form_offers_some_of_many_organisations_and_names_the_command(
    people: People, signed_in: SignIn
) -> None:
    Organisation.objects.bulk_create(
        Organisation(name=f"Org {n:03}", slug=f"org-{n}") for n in range(160)
    )
    page = signed_in(people.admin).get(NEW).content.decode()
    assert page.count('name="organisations"') == 150
    assert "And 12 more" in page


def test_creating_a_token_needs_reauthentication(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.viewer)
    mark_reauthenticated(client, people.viewer, minutes_ago=16)
    assert asks_reauthentication(client.post(NEW, FORM))
    assert not ApiToken.objects.exists()
    # Revoking a token needs reauthentication, too.
    ApiClient(people.viewer)
    assert asks_reauthentication(client.post(f"{LIST}{ApiToken.objects.get().pk}/revoke/"))
    assert ApiToken.objects.exists()

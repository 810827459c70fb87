"""A person's panel tokens: made with what they may do, shown once, and never again anywhere."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.accounts.models import ApiToken
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from tests.web.conftest import MakeKey, People, SignIn, confirm, is_asked
from tests.web.machines import Program

LIST, NEW = "/profile/tokens/", "/profile/tokens/new/"
FORM = {"name": "Status board", "scope": "read", "days": "90", "reach": "all"}
TOKEN = re.compile(r"freddy_[\w-]{43}")


@pytest.fixture
def viewer(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


def test_a_token_is_shown_once_and_works(viewer: Client, make_key: MakeKey) -> None:
    make_key()
    made = viewer.post(NEW, FORM)
    assert made["Cache-Control"] == "private, no-store"
    [token] = set(TOKEN.findall(made.content.decode()))
    program = Program(None)
    program.token = token
    assert len(program.get("statuses").json()["statuses"]) == 1
    for path in (LIST, NEW, "/profile/", "/audit/"):
        assert token not in viewer.get(path).content.decode()
    assert token not in str(list(ApiToken.objects.values()) + list(AuditEvent.objects.values()))
    assert token not in str(dict(viewer.session))


def test_the_list_says_what_each_may_where_and_until_when(
    viewer: Client, organisation: Organisation
) -> None:
    some = {"reach": "some", "organisations": [organisation.pk], "scope": "act", "days": "30"}
    viewer.post(NEW, FORM | some)
    viewer.post(NEW, FORM | {"name": "For good", "days": "0"})
    page = " ".join(viewer.get(LIST).content.decode().split())
    for words in ("Status board", "read and act", "Alder", "until 1 Apr 2026", "never"):
        assert words in page
    for words in ("For good", "all of yours", "for good"):
        assert words in page
    row = ApiToken.objects.get(name="Status board")
    assert (row.scope, row.expires_at) == ("act", clock.now() + timedelta(days=30))


def test_one_that_has_ended_says_so(viewer: Client, people: People) -> None:
    Program(people.viewer)
    ApiToken.objects.update(expires_at=clock.now(), last_used_at=clock.now())
    page = viewer.get(LIST).content.decode()
    assert "ended 2 Mar 2026" in page


def test_it_is_revoked_with_one_button_and_opens_nothing_any_more(
    viewer: Client, people: People
) -> None:
    program = Program(people.viewer)
    row = ApiToken.objects.get()
    answer = viewer.post(f"{LIST}{row.pk}/revoke/", follow=True)
    assert "The token “board” was revoked." in answer.content.decode()
    assert program.get("statuses").status_code == 401


@pytest.mark.parametrize(
    ("wrong", "field"),
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
def test_what_makes_no_sense_is_told_beside_its_field(
    wrong: dict[str, object], field: str, viewer: Client
) -> None:
    answer = viewer.post(NEW, FORM | wrong)
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert not ApiToken.objects.exists()


def test_somebody_elses_organisation_cannot_be_chosen(viewer: Client, other: Organisation) -> None:
    assert "Birch" not in viewer.get(NEW).content.decode()
    viewer.post(NEW, FORM | {"reach": "some", "organisations": [other.pk]})
    assert not ApiToken.objects.exists()


def test_what_was_chosen_stays_chosen_where_something_else_is_wrong(
    viewer: Client, organisation: Organisation
) -> None:
    page = viewer.post(NEW, FORM | {"name": "", "organisations": [organisation.pk]})
    assert f'value="{organisation.pk}" checked' in page.content.decode()


def test_with_many_organisations_the_rest_is_left_to_the_command(
    people: People, signed_in: SignIn
) -> None:
    Organisation.objects.bulk_create(
        Organisation(name=f"Org {n:03}", slug=f"org-{n}") for n in range(160)
    )
    page = signed_in(people.admin).get(NEW).content.decode()
    assert page.count('name="organisations"') == 150
    assert "And 12 more" in page


def test_to_make_one_it_is_asked_again_who_this_is(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.viewer)
    confirm(client, people.viewer, minutes_ago=16)
    assert is_asked(client.post(NEW, FORM))
    assert not ApiToken.objects.exists()
    # So it is to take one away from its programs.
    Program(people.viewer)
    assert is_asked(client.post(f"{LIST}{ApiToken.objects.get().pk}/revoke/"))
    assert ApiToken.objects.exists()

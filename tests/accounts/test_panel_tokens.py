"""Panel tokens are shown once, kept as a digest, and worth nothing once their person is off."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from freddy_admin.accounts.models import ApiToken, TokenScope, User
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import (
    TOKENS_AT_MOST,
    api_token_create,
    api_token_find,
    api_token_revoke,
    api_tokens_of,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Organisation
from tests.accounts.conftest import ACTOR

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def token(ada: User) -> str:
    return api_token_create(actor=ACTOR, user=ada, name="export")


def _person(token: str) -> User | None:
    grant = api_token_find(token=token)
    return grant.user if grant else None


def test_a_token_opens_the_api_for_its_person(ada: User, token: str) -> None:
    assert token.startswith("freddy_")
    assert len(token) == len("freddy_") + 43
    assert _person(token) == ada


def test_what_is_not_said_is_to_read_everything_for_good(token: str) -> None:
    grant = api_token_find(token=token)
    assert grant is not None
    assert (grant.name, grant.scope, grant.organisation_ids) == ("export", TokenScope.READ, None)
    assert not grant.may_act
    assert grant.covers(1)
    assert ApiToken.objects.get().expires_at is None


def test_only_a_digest_is_kept(token: str) -> None:
    row = ApiToken.objects.get()

    assert len(row.digest) == 64
    assert token not in str(ApiToken.objects.values().get())
    assert token.removeprefix("freddy_") not in str(AuditEvent.objects.values())
    assert str(row) == "export (ada@example.org)"


def test_names_may_repeat_and_tokens_do_not(ada: User, token: str) -> None:
    assert api_token_create(actor=ACTOR, user=ada, name="export") != token
    assert AuditEvent.objects.filter(tag=Tag.TOKEN_CREATED).count() == 2


@pytest.mark.parametrize(
    "wrong", ["", "freddy_", "freddy_" + "A" * 43, "x" * 100_000, "\x00", "é", "\udc80"]
)
def test_a_wrong_token_opens_nothing(
    wrong: str, token: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert api_token_find(token=wrong) is None


def test_a_token_must_be_whole(token: str) -> None:
    for wrong in (token[:-1], token + "A", token.upper(), f" {token}", token + "\n"):
        assert api_token_find(token=wrong) is None


def test_a_person_switched_off_takes_their_tokens_along(ada: User, token: str) -> None:
    User.objects.update(is_active=False)

    assert api_token_find(token=token) is None
    ada.refresh_from_db()
    with pytest.raises(InvalidInput):
        api_token_create(actor=ACTOR, user=ada, name="another")


def test_use_is_noted_once_a_minute(token: str, django_assert_num_queries: Any) -> None:
    # One to look up; where the use is noted, one more between the test's two savepoints.
    for seconds, queries in [(0, 4), (59, 1), (60, 4), (61, 1)]:
        with (
            clock.using(lambda at=NOON + timedelta(seconds=seconds): at),
            django_assert_num_queries(queries),
        ):
            api_token_find(token=token)

    assert ApiToken.objects.get().last_used_at == NOON + timedelta(seconds=60)


def test_a_token_needs_a_name(ada: User) -> None:
    for name in ("", "x" * 81, "a\nb"):
        with pytest.raises(InvalidInput) as refused:
            api_token_create(actor=ACTOR, user=ada, name=name)
        assert refused.value.field == "name"


def test_a_database_that_can_only_be_read_does_not_close_the_api(
    ada: User, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(QuerySet, "update", refuse)
    assert _person(token) == ada


def test_a_token_can_be_for_some_organisations_alone(ada: User) -> None:
    alder, birch = (Organisation.objects.create(name=n, slug=n.lower()) for n in ("Alder", "Birch"))
    wish = TokenWish(scope="act", organisation_ids=frozenset({alder.pk}))
    grant = api_token_find(token=api_token_create(actor=ACTOR, user=ada, name="a", wish=wish))
    assert grant is not None
    assert grant.may_act
    assert (grant.covers(alder.pk), grant.covers(birch.pk)) == (True, False)
    event = AuditEvent.objects.get(tag=Tag.TOKEN_CREATED)
    assert event.details == {
        "name": "a",
        "scope": "act",
        "organisations": ["Alder"],
        "days": None,
    }


def test_a_token_for_an_organisation_that_is_gone_is_not_for_all_the_others(ada: User) -> None:
    alder = Organisation.objects.create(name="Alder", slug="alder")
    wish = TokenWish(organisation_ids=frozenset({alder.pk}))
    token = api_token_create(actor=ACTOR, user=ada, name="a", wish=wish)
    alder.delete()
    grant = api_token_find(token=token)
    assert grant is not None
    assert grant.organisation_ids == frozenset()


def test_a_token_ends_at_its_time(ada: User) -> None:
    with clock.using(lambda: NOON):
        token = api_token_create(actor=ACTOR, user=ada, name="a", wish=TokenWish(days=30))
    with clock.using(lambda: NOON + timedelta(days=30, seconds=-1)):
        assert api_token_find(token=token)
    with clock.using(lambda: NOON + timedelta(days=30)):
        assert api_token_find(token=token) is None


def test_a_revoked_token_opens_nothing_and_that_is_written_down(ada: User, token: str) -> None:
    assert api_token_revoke(actor=ACTOR, user=ada, token_id=ApiToken.objects.get().pk) == "export"
    assert api_token_find(token=token) is None
    assert AuditEvent.objects.get(tag=Tag.TOKEN_REVOKED).details["name"] == "export"


def test_nobody_revokes_somebody_elses_token(ada: User, admin: User, token: str) -> None:
    for pk in (ApiToken.objects.get().pk, 0, -1, 2**63, 10**30):
        with pytest.raises(NotFound):
            api_token_revoke(actor=ACTOR, user=admin, token_id=pk)
    assert _person(token) == ada


def test_tokens_are_listed_newest_first_in_two_queries(
    ada: User, admin: User, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        with clock.using(lambda at=NOON + timedelta(days=number): at):
            api_token_create(actor=ACTOR, user=ada, name=f"t{number}")
    api_token_create(actor=ACTOR, user=admin, name="foreign")
    with django_assert_num_queries(2):
        assert [one.name for one in api_tokens_of(user=ada)] == ["t2", "t1", "t0"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (TokenWish(scope="everything"), "scope"),
        (TokenWish(organisation_ids=frozenset()), "organisations"),
        (TokenWish(organisation_ids=frozenset(range(1, 102))), "organisations"),
        (TokenWish(days=0), "days"),
        (TokenWish(days=-1), "days"),
        (TokenWish(days=3_651), "days"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(ada: User, wish: TokenWish, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        api_token_create(actor=ACTOR, user=ada, name="a", wish=wish)
    assert refused.value.field == field
    assert not ApiToken.objects.exists()


def test_a_person_has_so_many_tokens_and_no_more(ada: User) -> None:
    rows = (ApiToken(user=ada, name="x", digest=str(n)) for n in range(TOKENS_AT_MOST))
    ApiToken.objects.bulk_create(rows)
    with pytest.raises(Conflict):
        api_token_create(actor=ACTOR, user=ada, name="one more")

"""API tokens are shown once, stored as a digest, and invalid while their person is inactive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from freddy_admin.accounts.api_tokens import (
    TOKENS_AT_MOST,
    ApiTokenOptions,
    api_token_create,
    api_token_revoke,
    api_token_verify,
    api_tokens_list,
)
from freddy_admin.accounts.models import ApiToken, TokenScope, User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Organisation
from tests.accounts.conftest import ACTOR

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def token(ada: User) -> str:
    return api_token_create(actor=ACTOR, user=ada, name="export")


def person_of_token(token: str) -> User | None:
    grant = api_token_verify(token=token)
    return grant.user if grant else None


def test_a_token_opens_the_api_for_its_person(ada: User, token: str) -> None:
    assert token.startswith("freddy_")
    assert len(token) == len("freddy_") + 43
    assert person_of_token(token) == ada


def test_token_without_options_reads_everything_for_good(token: str) -> None:
    grant = api_token_verify(token=token)
    assert grant is not None
    assert (grant.name, grant.scope, grant.organisation_ids) == ("export", TokenScope.READ, None)
    assert not grant.can_act
    assert grant.covers_organisation(1)
    assert ApiToken.objects.get().expires_at is None


def test_only_the_digest_of_a_token_is_stored(token: str) -> None:
    row = ApiToken.objects.get()

    assert len(row.digest) == 64
    assert token not in str(ApiToken.objects.values().get())
    assert token.removeprefix("freddy_") not in str(AuditEvent.objects.values())
    assert str(row) == "export (ada@example.org)"


def test_token_names_may_repeat_and_tokens_do_not(ada: User, token: str) -> None:
    assert api_token_create(actor=ACTOR, user=ada, name="export") != token
    assert AuditEvent.objects.filter(tag=AuditTag.TOKEN_CREATED).count() == 2


@pytest.mark.parametrize(
    "wrong", ["", "freddy_", "freddy_" + "A" * 43, "x" * 100_000, "\x00", "é", "\udc80"]
)
def test_a_wrong_token_opens_nothing(
    wrong: str, token: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert api_token_verify(token=wrong) is None


def test_a_token_must_be_whole(token: str) -> None:
    for wrong in (token[:-1], token + "A", token.upper(), f" {token}", token + "\n"):
        assert api_token_verify(token=wrong) is None


def test_tokens_of_an_inactive_person_are_invalid(ada: User, token: str) -> None:
    User.objects.update(is_active=False)

    assert api_token_verify(token=token) is None
    ada.refresh_from_db()
    with pytest.raises(InvalidInput):
        api_token_create(actor=ACTOR, user=ada, name="another")


def test_use_of_a_token_is_recorded_once_a_minute(
    token: str, django_assert_num_queries: Any
) -> None:
    # One to look up; where the use is recorded, one more between the test's two savepoints.
    for seconds, queries in [(0, 4), (59, 1), (60, 4), (61, 1)]:
        with (
            clock.override_clock(lambda at=NOON + timedelta(seconds=seconds): at),
            django_assert_num_queries(queries),
        ):
            api_token_verify(token=token)

    assert ApiToken.objects.get().last_used_at == NOON + timedelta(seconds=60)


def test_a_token_needs_a_name(ada: User) -> None:
    for name in ("", "x" * 81, "a\nb"):
        with pytest.raises(InvalidInput) as error:
            api_token_create(actor=ACTOR, user=ada, name=name)
        assert error.value.field == "name"


def test_read_only_database_does_not_close_the_api(
    ada: User, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(QuerySet, "update", refuse)
    assert person_of_token(token) == ada


def test_a_token_can_be_for_some_organisations_alone(ada: User) -> None:
    alder, birch = (Organisation.objects.create(name=n, slug=n.lower()) for n in ("Alder", "Birch"))
    token_options = ApiTokenOptions(scope="act", organisation_ids=frozenset({alder.pk}))
    grant = api_token_verify(
        token=api_token_create(actor=ACTOR, user=ada, name="a", token_options=token_options)
    )
    assert grant is not None
    assert grant.can_act
    assert (grant.covers_organisation(alder.pk), grant.covers_organisation(birch.pk)) == (
        True,
        False,
    )
    event = AuditEvent.objects.get(tag=AuditTag.TOKEN_CREATED)
    assert event.details == {
        "name": "a",
        "scope": "act",
        "organisations": ["Alder"],
        "days": None,
    }


def test_a_token_for_an_organisation_that_is_gone_is_not_for_all_the_others(ada: User) -> None:
    alder = Organisation.objects.create(name="Alder", slug="alder")
    token_options = ApiTokenOptions(organisation_ids=frozenset({alder.pk}))
    token = api_token_create(actor=ACTOR, user=ada, name="a", token_options=token_options)
    alder.delete()
    grant = api_token_verify(token=token)
    assert grant is not None
    assert grant.organisation_ids == frozenset()


def test_token_expires_at_its_time(ada: User) -> None:
    with clock.override_clock(lambda: NOON):
        token = api_token_create(
            actor=ACTOR, user=ada, name="a", token_options=ApiTokenOptions(days=30)
        )
    with clock.override_clock(lambda: NOON + timedelta(days=30, seconds=-1)):
        assert api_token_verify(token=token)
    with clock.override_clock(lambda: NOON + timedelta(days=30)):
        assert api_token_verify(token=token) is None


def test_revoked_token_opens_nothing_and_is_audited(ada: User, token: str) -> None:
    assert api_token_revoke(actor=ACTOR, user=ada, token_id=ApiToken.objects.get().pk) == "export"
    assert api_token_verify(token=token) is None
    assert AuditEvent.objects.get(tag=AuditTag.TOKEN_REVOKED).details["name"] == "export"


def test_nobody_revokes_somebody_elses_token(ada: User, admin: User, token: str) -> None:
    for pk in (ApiToken.objects.get().pk, 0, -1, 2**63, 10**30):
        with pytest.raises(NotFound):
            api_token_revoke(actor=ACTOR, user=admin, token_id=pk)
    assert person_of_token(token) == ada


def test_tokens_are_listed_newest_first_in_two_queries(
    ada: User, admin: User, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        with clock.override_clock(lambda at=NOON + timedelta(days=number): at):
            api_token_create(actor=ACTOR, user=ada, name=f"t{number}")
    api_token_create(actor=ACTOR, user=admin, name="foreign")
    with django_assert_num_queries(2):
        assert [row.name for row in api_tokens_list(user=ada)] == ["t2", "t1", "t0"]


@pytest.mark.parametrize(
    ("token_options", "field"),
    [
        (ApiTokenOptions(scope="everything"), "scope"),
        (ApiTokenOptions(organisation_ids=frozenset()), "organisations"),
        (ApiTokenOptions(organisation_ids=frozenset(range(1, 102))), "organisations"),
        (ApiTokenOptions(days=0), "days"),
        (ApiTokenOptions(days=-1), "days"),
        (ApiTokenOptions(days=3_651), "days"),
    ],
)
def test_invalid_token_options_are_refused(
    ada: User, token_options: ApiTokenOptions, field: str
) -> None:
    with pytest.raises(InvalidInput) as error:
        api_token_create(actor=ACTOR, user=ada, name="a", token_options=token_options)
    assert error.value.field == field
    assert not ApiToken.objects.exists()


def test_person_cannot_exceed_the_token_limit(ada: User) -> None:
    rows = (ApiToken(user=ada, name="x", digest=str(n)) for n in range(TOKENS_AT_MOST))
    ApiToken.objects.bulk_create(rows)
    with pytest.raises(Conflict):
        api_token_create(actor=ACTOR, user=ada, name="one more")

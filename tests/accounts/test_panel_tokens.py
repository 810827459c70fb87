"""Panel tokens are shown once, kept as a digest, and worth nothing once their person is off."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.selectors import api_token_user
from freddy_admin.accounts.services import api_token_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput
from tests.accounts.conftest import ACTOR

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def token(ada: User) -> str:
    return api_token_create(actor=ACTOR, user=ada, name="export")


def test_a_token_opens_the_api_for_its_person(ada: User, token: str) -> None:
    assert token.startswith("freddy_")
    assert len(token) == len("freddy_") + 43
    assert api_token_user(token=token) == ada


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
        assert api_token_user(token=wrong) is None


def test_a_token_must_be_whole(token: str) -> None:
    for wrong in (token[:-1], token + "A", token.upper(), f" {token}", token + "\n"):
        assert api_token_user(token=wrong) is None


def test_a_person_switched_off_takes_their_tokens_along(ada: User, token: str) -> None:
    User.objects.update(is_active=False)

    assert api_token_user(token=token) is None
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
            api_token_user(token=token)

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
    assert api_token_user(token=token) == ada

"""Whoever copies the database, the cache, Redis, a statement log or the log comes in nowhere."""

import logging
import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.cache import caches
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from freddy_admin.audit.services import audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.logs import OneLineFormatter
from freddy_admin.organisations.models import Organisation
from tests.accounts.conftest import ACTOR
from tests.accounts.single_sign_on.conftest import provider  # noqa: F401
from tests.drills import drill_share
from tests.web.copied_database import (
    pieces_of,
    statement_log,
    values_of_database,
    values_of_redis,
)
from tests.web.copied_doors import doors, hits, hits_by_request
from tests.web.copied_state import Secrets, first_visit_begun, panel_in_use, single_sign_on_begun

pytestmark = pytest.mark.django_db

PLANTED = "Zq7Xw2Rk9Lm4-Vt8Nb3Hs_6Jd1Fg5Pc0Ya"
OPENED_BY = {
    "a session of an admin": "session cookie",
    "a session half-way": "session cookie",
    "a reset's session": "session cookie",
    "a panel token": "panel token",
    "a reset link": "reset link",
    "an invitation": "invitation",
    "a known device": "known device",
    "a password": "password",
}


Copied = Callable[[], list[str]]


@pytest.fixture
def copied(settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[Copied]:
    """All that can be had of what was written since the test began, in a panel as strict as most.

    What lay in the tables before that, as migrations write it, is no secret of anybody.
    """
    settings.REQUIRE_MFA = "admins"
    caplog.set_level(logging.DEBUG)
    before, line = set(pieces_of(values_of_database())), OneLineFormatter()

    def had() -> list[str]:
        logged = [line.format(record) for record in caplog.get_records("call")]
        values = [*values_of_database(), *values_of_redis(), *statements, *logged]
        return [piece for piece in pieces_of(values) if piece not in before]

    with statement_log() as statements:
        yield had


def in_clear(secrets: Secrets, pieces: list[str]) -> list[str]:
    text = "\n".join(pieces)
    return [name for name, secret in secrets.items() if secret in text]


@pytest.mark.drill
@pytest.mark.usefixtures("provider")
def test_a_copy_of_a_panel_in_use_opens_no_door(copied: Copied) -> None:
    secrets = panel_in_use()
    secrets |= single_sign_on_begun(to=f"/invitations/{secrets['an invitation']}/")
    pieces = copied()

    assert len(pieces) > 1_000
    assert hits(pieces) == []
    assert in_clear(secrets, pieces) == []
    some = random.Random(9).sample(pieces, drill_share(400))
    assert hits_by_request(some) == []


def test_a_copy_of_an_empty_panel_does_not_make_its_administrator(copied: Copied) -> None:
    secrets = first_visit_begun()
    pieces = copied()

    assert hits(pieces) == []
    assert in_clear(secrets, pieces) == []


def test_each_secret_opens_its_own_door_and_is_found_in_a_table(copied: Copied) -> None:
    # Nothing above could fail if these did not open what they are for.
    secrets = panel_in_use()
    told = {secrets[name]: door for name, door in OPENED_BY.items()}
    for secret, name in told.items():
        assert [door.name for door in doors() if door.answers(secret)] == [name]
        assert [door.opens(secret) for door in doors() if door.name == name] == [True]
    for number, secret in enumerate(told):
        Organisation.objects.create(slug=f"seen-{number}", name=f"seen: {secret}.")

    assert set(hits(copied())) == {(door, secret) for secret, door in told.items()}


def test_the_link_of_a_first_visit_opens_its_door_and_is_found_in_a_table(copied: Copied) -> None:
    secret = first_visit_begun()["a first visit"]
    assert hits_by_request([secret]) == [("first visit", secret)]
    _in_a_column(secret)

    assert hits(copied()) == [("first visit", secret)]


def _in_a_column(secret: str) -> None:
    Organisation.objects.create(slug="seen", name=f"seen: {secret}.")


def _in_json(secret: str) -> None:
    audit_record(tag=Tag.SIGNED_IN, actor=ACTOR, told={"list": [f"/x/{secret}/y/"]})


def _in_a_session_as_django_writes_it(secret: str) -> None:
    content = signing.dumps({"kept": secret, "more": "x" * 500}, salt="any", compress=True)
    assert secret not in content
    later = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key="planted", session_data=content, expire_date=later)


def _in_hexadecimal(secret: str) -> None:
    _in_a_column(secret.encode().hex())


def _in_the_cache(secret: str) -> None:
    caches["default"].set("planted", {"a": [secret]}, timeout=60)


def _in_a_key_of_the_cache(secret: str) -> None:
    caches["fast"].set(f"planted:{secret}", 1, timeout=60)


def _in_a_statement(secret: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [secret])


def _in_the_log(secret: str) -> None:
    logging.getLogger("planted").debug("Seen: %s", secret)


@pytest.mark.parametrize(
    "plant",
    [
        _in_a_column,
        _in_json,
        _in_a_session_as_django_writes_it,
        _in_hexadecimal,
        _in_the_cache,
        _in_a_key_of_the_cache,
        _in_a_statement,
        _in_the_log,
    ],
)
def test_a_text_is_found_wherever_it_lies(plant: Callable[[str], None], copied: Copied) -> None:
    assert PLANTED not in copied()
    plant(PLANTED)

    assert PLANTED in copied()

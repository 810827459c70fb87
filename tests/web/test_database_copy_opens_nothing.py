"""A copy of the database, the cache, Redis, a statement log or the log opens nothing."""

import logging
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Protocol

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.cache import caches
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from freddy_admin.audit.services import audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.log_formatting import OneLineFormatter
from freddy_admin.organisations.models import Organisation
from tests.accounts.conftest import ACTOR
from tests.accounts.oidc.conftest import provider  # noqa: F401
from tests.drill_scale import RUN_FULL_DRILLS, drill_count
from tests.web.credential_checks import (
    accepted_pieces,
    accepted_pieces_by_request,
    credential_checks,
)
from tests.web.seeded_secrets import (
    Secrets,
    seed_oidc_attempt_secrets,
    seed_panel_secrets,
    seed_setup_link_secret,
)
from tests.web.storage_dump import (
    database_values,
    decoded_pieces,
    record_sql_statements,
    redis_values,
)

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


class CopiedTexts(Protocol):
    """All texts of a copy, decoded; `recorded` chooses among statements and lines of the log."""

    def __call__(self, *, recorded: slice = slice(None)) -> list[str]: ...


# What is only stored; and what is tried, with a query for each text: of each statement its text or
# its parameters, as the step is odd.
STORED_ALONE = slice(0)
TRIED = slice(None) if RUN_FULL_DRILLS else slice(None, None, 11)


@pytest.fixture
def copied_texts(settings: Settings, caplog: pytest.LogCaptureFixture) -> Iterator[CopiedTexts]:
    """A function that returns the texts written since the test began, decoded.

    What migrations wrote into the tables before is no secret and left out.
    """
    settings.REQUIRE_MFA = "admins"
    caplog.set_level(logging.DEBUG)
    pieces_before, line = set(decoded_pieces(database_values())), OneLineFormatter()

    def list_copied_texts(*, recorded: slice = slice(None)) -> list[str]:
        logged = [line.format(record) for record in caplog.get_records("call")]
        values = [*database_values(), *redis_values(), *statements[recorded], *logged[recorded]]
        return [piece for piece in decoded_pieces(values) if piece not in pieces_before]

    with record_sql_statements() as statements:
        yield list_copied_texts


def secrets_in_clear(secrets: Secrets, pieces: list[str]) -> list[str]:
    text = "\n".join(pieces)
    return [name for name, secret in secrets.items() if secret in text]


@pytest.mark.drill
@pytest.mark.usefixtures("provider")
def test_database_copy_of_a_panel_in_use_opens_nothing(copied_texts: CopiedTexts) -> None:
    secrets = seed_panel_secrets()
    secrets |= seed_oidc_attempt_secrets(to=f"/invitations/{secrets['an invitation']}/")
    pieces = copied_texts()

    assert len(pieces) > 1_000
    assert accepted_pieces(copied_texts(recorded=TRIED)) == []
    assert secrets_in_clear(secrets, pieces) == []
    sample = random.Random(9).sample(pieces, drill_count(400))
    assert accepted_pieces_by_request(sample) == []


def test_database_copy_of_an_empty_panel_creates_no_administrator(
    copied_texts: CopiedTexts,
) -> None:
    secrets = seed_setup_link_secret()
    pieces = copied_texts()

    assert accepted_pieces(pieces) == []
    assert secrets_in_clear(secrets, pieces) == []


def test_each_credential_works_and_the_search_finds_it_in_a_table(
    copied_texts: CopiedTexts,
) -> None:
    # The tests above would prove nothing if these secrets did not work.
    secrets = seed_panel_secrets()
    opened_by_secret = {secrets[name]: check_name for name, check_name in OPENED_BY.items()}
    for secret, name in opened_by_secret.items():
        assert [
            check_name.name for check_name in credential_checks() if check_name.accepts(secret)
        ] == [name]
        assert [
            check_name.accepts_by_request(secret)
            for check_name in credential_checks()
            if check_name.name == name
        ] == [True]
    for number, secret in enumerate(opened_by_secret):
        Organisation.objects.create(slug=f"seen-{number}", name=f"seen: {secret}.")

    assert set(accepted_pieces(copied_texts(recorded=STORED_ALONE))) == {
        (check_name, secret) for secret, check_name in opened_by_secret.items()
    }


def test_setup_link_works_and_the_search_finds_it_in_a_table(
    copied_texts: CopiedTexts,
) -> None:
    secret = seed_setup_link_secret()["a first visit"]
    assert accepted_pieces_by_request([secret]) == [("first visit", secret)]
    _in_a_column(secret)

    assert accepted_pieces(copied_texts(recorded=STORED_ALONE)) == [("first visit", secret)]


def _in_a_column(secret: str) -> None:
    Organisation.objects.create(slug="seen", name=f"seen: {secret}.")


def _in_json(secret: str) -> None:
    audit_event_record(tag=AuditTag.SIGNED_IN, actor=ACTOR, told={"list": [f"/x/{secret}/y/"]})


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
def test_search_finds_a_text_wherever_it_is_stored(
    plant: Callable[[str], None], copied_texts: CopiedTexts
) -> None:
    assert PLANTED not in copied_texts()
    plant(PLANTED)

    assert PLANTED in copied_texts()

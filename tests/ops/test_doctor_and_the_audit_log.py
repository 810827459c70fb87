"""`doctor` says of the audit log what was done to it by hand, where, and what to do."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import override_settings
from pytest_django.fixtures import Settings

from freddy_admin.audit.chain import chain_catch_up
from freddy_admin.audit.guards import guards_make, guards_remove
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, audit_record
from freddy_admin.audit.tags import Tag
from tests.ops.conftest import Run

pytestmark = pytest.mark.django_db
OTHER_KEY = "another-secret-key-0123456789-abcdefghijkl"
# What is done to the third of six, and what is said of it; {n} is its number, {last} the last one.
DONE: dict[str, tuple[list[str], str]] = {
    "removed": (
        ["DELETE FROM audit_auditevent WHERE id = {n}"],
        "an event (number {n}) was removed by hand, written after",
    ),
    "removed with its link": (
        [
            "DELETE FROM audit_auditevent WHERE id = {n}",
            "DELETE FROM audit_auditlink WHERE event_id = {n}",
        ],
        "an event (number ?) was removed by hand, written after",
    ),
    "changed": (
        ["UPDATE audit_auditevent SET subject = 'another' WHERE id = {n}"],
        "event {n} of",
    ),
    "swapped": (
        [
            "UPDATE audit_auditlink SET event_id = 0 WHERE event_id = {n}",
            "UPDATE audit_auditlink SET event_id = {n} WHERE event_id = {last}",
            "UPDATE audit_auditlink SET event_id = {last} WHERE event_id = 0",
        ],
        "event {last} of",
    ),
    "the newest cut off": (
        [
            "DELETE FROM audit_auditevent WHERE id >= {n}",
            "DELETE FROM audit_auditlink WHERE event_id >= {n}",
        ],
        "the newest events, after",
    ),
    "put in": (
        [
            (
                "INSERT INTO audit_auditevent (at, tag, actor_name, organisation_name, subject, "
                "details, request_id, seal) VALUES ('2026-01-01 00:00:00+00:00', 'signed_in', "
                "'Eve', '', '', '{{}}', '', '')"
            )
        ],
        "was not written by this panel",
    ),
    "the end taken away": (
        ["DELETE FROM audit_audithead"],
        "the note of where the log ends was removed by hand",
    ),
}


@pytest.fixture
def events() -> Iterator[list[AuditEvent]]:
    """Six events on the chain of a database whose guards somebody took down."""
    made = [audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject=str(n)) for n in range(6)]
    chain_catch_up()
    guards_remove()
    yield made
    guards_make()


def said(run: Run) -> tuple[str, str]:
    """The line about the audit log: its verdict and its sentence."""
    (line,) = [one for one in run("doctor").lines if "audit log" in one]
    verdict, _, sentence = line.partition("audit log")
    return verdict.strip(), sentence.strip()


@pytest.mark.parametrize("what", DONE)
def test_what_was_done_by_hand_is_said(run: Run, events: list[AuditEvent], what: str) -> None:
    statements, sentence = DONE[what]
    numbers = {"n": events[2].pk, "last": events[5].pk}
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(**numbers))

    verdict, found = said(run)
    assert verdict == "PROBLEM"
    assert sentence.format(**numbers) in found
    assert "Keep a copy of the database, and compare it with a backup." in found


def test_missing_triggers_are_said(run: Run, events: list[AuditEvent]) -> None:
    verdict, found = said(run)
    assert verdict == "PROBLEM"
    assert "the database no longer refuses changes" in found
    assert "manage.py migrate" in found


def test_an_untouched_log_is_in_order(run: Run, events: list[AuditEvent]) -> None:
    guards_make()
    verdict, found = said(run)
    assert verdict == "ok"
    assert "in order: 6 events, the last one" in found


def test_rows_made_under_a_former_secret_key_are_proven(
    run: Run, events: list[AuditEvent], settings: Settings
) -> None:
    guards_make()
    with override_settings(SECRET_KEY=OTHER_KEY, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
        chain_catch_up()
        assert said(run)[0] == "ok"

        guards_remove()
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE audit_auditevent SET subject = 'x' WHERE id = {events[1].pk}")
        assert f"event {events[1].pk} of" in said(run)[1]


def test_without_the_former_key_the_sentence_says_how_far_the_proof_goes(
    run: Run, events: list[AuditEvent]
) -> None:
    guards_make()
    with override_settings(SECRET_KEY=OTHER_KEY):
        verdict, found = said(run)
    assert verdict == "ok"
    assert "SECRET_KEY_FALLBACKS" in found

"""`doctor` reports what was changed by hand in the audit log, where, and what to do."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import override_settings
from pytest_django.fixtures import Settings

from freddy_admin.audit.append_only_triggers import (
    append_only_triggers_create,
    append_only_triggers_drop,
)
from freddy_admin.audit.chain import chain_append_missing
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, audit_event_record
from freddy_admin.audit.tags import AuditTag
from tests.ops.conftest import RunCommand

pytestmark = pytest.mark.django_db
OTHER_KEY = "another-secret-key-0123456789-abcdefghijkl"
# What is done to the third of six, and what is said of it; {n} is its number, {last} the last one.
CHANGES_BY_HAND: dict[str, tuple[list[str], str]] = {
    "removed": (
        ["DELETE FROM audit_auditevent WHERE id = {n}"],
        "An event (number {n}) was removed by hand, written after",
    ),
    "removed with its link": (
        [
            "DELETE FROM audit_auditevent WHERE id = {n}",
            "DELETE FROM audit_auditlink WHERE event_id = {n}",
        ],
        "An event (number ?) was removed by hand, written after",
    ),
    "changed": (
        ["UPDATE audit_auditevent SET subject = 'another' WHERE id = {n}"],
        "Event {n} of",
    ),
    "swapped": (
        [
            "UPDATE audit_auditlink SET event_id = 0 WHERE event_id = {n}",
            "UPDATE audit_auditlink SET event_id = {n} WHERE event_id = {last}",
            "UPDATE audit_auditlink SET event_id = {last} WHERE event_id = 0",
        ],
        "Event {last} of",
    ),
    "the newest cut off": (
        [
            "DELETE FROM audit_auditevent WHERE id >= {n}",
            "DELETE FROM audit_auditlink WHERE event_id >= {n}",
        ],
        "The newest events, after",
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
        "The note of where the log ends was removed by hand",
    ),
}


@pytest.fixture
def events() -> Iterator[list[AuditEvent]]:
    """Six events on the hash chain of a database whose append-only triggers were dropped."""
    events_made = [
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject=str(n)) for n in range(6)
    ]
    chain_append_missing()
    append_only_triggers_drop()
    yield events_made
    append_only_triggers_create()


def audit_log_line(run_command: RunCommand) -> tuple[str, str]:
    """The line about the audit log: its verdict and its sentence."""
    (line,) = [line for line in run_command("doctor").lines if "audit log" in line]
    verdict, _, sentence = line.partition("audit log")
    return verdict.strip(), sentence.strip()


@pytest.mark.parametrize("change", CHANGES_BY_HAND)
def test_doctor_names_each_change_by_hand(
    run_command: RunCommand, events: list[AuditEvent], change: str
) -> None:
    statements, expected = CHANGES_BY_HAND[change]
    numbers = {"n": events[2].pk, "last": events[5].pk}
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.format(**numbers))

    verdict, sentence = audit_log_line(run_command)
    assert verdict == "PROBLEM"
    assert expected.format(**numbers) in sentence
    assert "Keep a copy of the database, and compare it with a backup." in sentence


def test_doctor_names_missing_triggers(run_command: RunCommand, events: list[AuditEvent]) -> None:
    verdict, sentence = audit_log_line(run_command)
    assert verdict == "PROBLEM"
    assert "the database no longer refuses changes" in sentence
    assert "manage.py migrate" in sentence


def test_untouched_audit_log_is_in_order(run_command: RunCommand, events: list[AuditEvent]) -> None:
    append_only_triggers_create()
    verdict, sentence = audit_log_line(run_command)
    assert verdict == "ok"
    assert "in order: 6 events, the last one" in sentence


def test_events_under_a_former_secret_key_are_verified(
    run_command: RunCommand, events: list[AuditEvent], settings: Settings
) -> None:
    append_only_triggers_create()
    with override_settings(SECRET_KEY=OTHER_KEY, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
        chain_append_missing()
        assert audit_log_line(run_command)[0] == "ok"

        append_only_triggers_drop()
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE audit_auditevent SET subject = 'x' WHERE id = {events[1].pk}")
        assert f"Event {events[1].pk} of" in audit_log_line(run_command)[1]


def test_doctor_says_how_far_the_proof_goes_without_the_former_key(
    run_command: RunCommand, events: list[AuditEvent]
) -> None:
    append_only_triggers_create()
    with override_settings(SECRET_KEY=OTHER_KEY):
        verdict, sentence = audit_log_line(run_command)
    assert verdict == "ok"
    assert "SECRET_KEY_FALLBACKS" in sentence

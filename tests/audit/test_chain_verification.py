"""Verification finds what somebody changed by hand with the triggers dropped, and where."""

from datetime import timedelta

import pytest
from django.test import override_settings

from freddy_admin.audit.chain import chain_append, chain_append_missing
from freddy_admin.audit.chain_verification import ChainProblem, ChainProblemKind, chain_verify
from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditHead, AuditLink
from freddy_admin.audit.services import OPERATOR, audit_event_record
from freddy_admin.audit.tags import AuditTag
from tests.audit.conftest import SqlRunner

pytestmark = pytest.mark.django_db
OTHER_KEY = "another-secret-key-0123456789-abcdefghijkl"


def verified_problem() -> ChainProblem | None:
    return chain_verify()[1]


def problem_kind_and_number() -> tuple[ChainProblemKind, int | None] | None:
    problem = verified_problem()
    return (problem.kind, problem.number) if problem else None


def test_an_untouched_log_has_no_problem(chained_events: list[AuditEvent]) -> None:
    progress, problem = chain_verify()

    assert problem is None
    assert progress.place == len(chained_events)


def test_an_empty_log_has_no_problem() -> None:
    assert verified_problem() is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tag", "key_revoked"),
        ("actor_id", 8),
        ("actor_name", "Eve"),
        ("organisation_id", None),
        ("organisation_name", "Other"),
        ("subject", "Key 33"),
        ("details", '{"number": 99}'),
        ("address", "192.0.2.9"),
        ("request_id", "abcdef012345"),
    ],
)
def test_a_changed_field_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner, column: str, value: object
) -> None:
    unguarded_sql(
        f"UPDATE audit_auditevent SET {column} = %s WHERE id = %s", value, chained_events[2].pk
    )

    problem = verified_problem()
    assert problem is not None
    assert (problem.kind, problem.number) == (ChainProblemKind.CHANGED, chained_events[2].pk)
    assert problem.at == chained_events[2].at.isoformat()


def test_a_changed_time_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    earlier = chained_events[3].at - timedelta(microseconds=1)
    unguarded_sql(
        "UPDATE audit_auditevent SET at = %s WHERE id = %s", earlier, chained_events[3].pk
    )

    assert problem_kind_and_number() == (ChainProblemKind.CHANGED, chained_events[3].pk)


def test_an_event_deleted_in_the_middle_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DELETE FROM audit_auditevent WHERE id = %s", chained_events[2].pk)

    problem = verified_problem()
    assert problem == ChainProblem(
        ChainProblemKind.REMOVED, chained_events[2].pk, chained_events[1].at.isoformat()
    )


def test_an_event_deleted_with_its_link_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DELETE FROM audit_auditevent WHERE id = %s", chained_events[2].pk)
    unguarded_sql("DELETE FROM audit_auditlink WHERE place = 3")

    assert verified_problem() == ChainProblem(
        ChainProblemKind.REMOVED, None, chained_events[1].at.isoformat()
    )


def test_a_deleted_event_is_found_although_the_gap_was_closed(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DELETE FROM audit_auditevent WHERE id = %s", chained_events[2].pk)
    unguarded_sql("DELETE FROM audit_auditlink WHERE place = 3")
    for place in (4, 5, 6):
        unguarded_sql("UPDATE audit_auditlink SET place = %s WHERE place = %s", place - 1, place)
    unguarded_sql("UPDATE audit_audithead SET count = 5")

    assert problem_kind_and_number() == (ChainProblemKind.CHANGED, chained_events[3].pk)


def test_removed_newest_events_are_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DELETE FROM audit_auditevent WHERE id >= %s", chained_events[4].pk)
    unguarded_sql("DELETE FROM audit_auditlink WHERE place >= 5")

    assert verified_problem() == ChainProblem(
        ChainProblemKind.NEWEST_REMOVED, None, chained_events[3].at.isoformat()
    )


def test_removed_newest_events_are_found_although_the_head_was_changed(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    fourth = AuditLink.objects.get(place=4)
    unguarded_sql("DELETE FROM audit_auditevent WHERE id >= %s", chained_events[4].pk)
    unguarded_sql("DELETE FROM audit_auditlink WHERE place >= 5")
    unguarded_sql("UPDATE audit_audithead SET count = 4, last = %s", fourth.hash)

    assert problem_kind_and_number() == (ChainProblemKind.END_CHANGED, None)


def test_a_forged_event_is_found_and_never_linked(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql(_FORGED_EVENT_SQL, "Eve")
    forged = AuditEvent.objects.get(actor_name="Eve")

    assert chain_append([forged.pk]) == 0
    assert problem_kind_and_number() == (ChainProblemKind.ADDED, forged.pk)


def test_a_seal_copied_to_a_forged_event_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DROP INDEX audit_seal_once")
    unguarded_sql(_FORGED_EVENT_SQL, "Eve")
    forged = AuditEvent.objects.get(actor_name="Eve")
    unguarded_sql(
        "UPDATE audit_auditevent SET seal = %s WHERE id = %s", chained_events[0].seal, forged.pk
    )

    assert chain_append([forged.pk]) == 0
    assert problem_kind_and_number() == (ChainProblemKind.ADDED, forged.pk)


def test_a_forged_event_with_a_forged_link_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql(_FORGED_EVENT_SQL, "Eve")
    forged = AuditEvent.objects.get(actor_name="Eve")
    unguarded_sql("INSERT INTO audit_auditlink VALUES (7, %s, %s)", forged.pk, "0" * 64)
    assert problem_kind_and_number() == (ChainProblemKind.ADDED, forged.pk)

    unguarded_sql("UPDATE audit_audithead SET count = 7, last = %s", "0" * 64)
    assert problem_kind_and_number() == (ChainProblemKind.CHANGED, forged.pk)


def test_two_swapped_events_are_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    first, second = chained_events[1], chained_events[3]
    unguarded_sql("UPDATE audit_auditevent SET seal = '' WHERE id IN (%s, %s)", first.pk, second.pk)
    for changed_event, original in ((first, second), (second, first)):
        unguarded_sql(
            "UPDATE audit_auditevent SET subject = %s, at = %s, seal = %s, details = %s "
            "WHERE id = %s",
            original.subject,
            original.at,
            original.seal,
            f'{{"number": {original.details["number"]}}}',
            changed_event.pk,
        )

    assert problem_kind_and_number() == (ChainProblemKind.CHANGED, first.pk)


def test_two_swapped_links_are_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("UPDATE audit_auditlink SET event_id = 0 WHERE place = 2")
    unguarded_sql("UPDATE audit_auditlink SET event_id = %s WHERE place = 4", chained_events[1].pk)
    unguarded_sql("UPDATE audit_auditlink SET event_id = %s WHERE place = 2", chained_events[3].pk)

    assert problem_kind_and_number() == (ChainProblemKind.CHANGED, chained_events[3].pk)


@pytest.mark.parametrize(
    "change",
    [
        "count = 5",
        "count = 7",
        f"digest = '{'1' * 64}'",
        f"last = '{'1' * 64}'",
        f"proof = '{'1' * 64}'",
        "key_id = 'ffffffffffffffff', digest = ''",
    ],
)
def test_a_changed_head_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner, change: str
) -> None:
    unguarded_sql(f"UPDATE audit_audithead SET {change}")

    assert verified_problem() is not None


def test_a_deleted_head_is_found_even_after_further_events(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DELETE FROM audit_audithead")
    assert problem_kind_and_number() == (ChainProblemKind.END_MISSING, None)

    audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
    chain_append_missing()
    assert problem_kind_and_number() == (ChainProblemKind.RESTARTED, 7)
    assert AuditHead.objects.get().count == 7


def test_an_epoch_relabelled_with_another_key_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql(
        "UPDATE audit_auditevent SET subject = 'forged' WHERE id = %s", chained_events[2].pk
    )
    unguarded_sql("UPDATE audit_auditepoch SET key_id = 'ffffffffffffffff'")

    assert problem_kind_and_number() == (ChainProblemKind.END_CHANGED, None)


def test_a_deleted_epoch_is_found(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    unguarded_sql("DELETE FROM audit_auditepoch")

    assert problem_kind_and_number() == (ChainProblemKind.CHANGED, chained_events[0].pk)


def test_another_secret_key_starts_an_epoch_and_is_no_problem(
    chained_events: list[AuditEvent],
) -> None:
    with override_settings(SECRET_KEY=OTHER_KEY):
        assert verified_problem() is None
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
        chain_append_missing()
        progress, problem = chain_verify()

    assert problem is None
    assert progress.former == [[1, 6]]
    assert [epoch.kind for epoch in AuditEpoch.objects.all()] == ["begun", "key_changed"]


def test_a_secret_key_fallback_proves_its_epoch(
    chained_events: list[AuditEvent], settings: object
) -> None:
    former = settings.SECRET_KEY  # type: ignore[attr-defined]
    with override_settings(SECRET_KEY=OTHER_KEY, SECRET_KEY_FALLBACKS=[former]):
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
        chain_append_missing()
        progress, problem = chain_verify()

    assert problem is None
    assert progress.former == []


def test_a_change_in_the_epoch_of_a_former_key_is_found_without_it(
    chained_events: list[AuditEvent], unguarded_sql: SqlRunner
) -> None:
    with override_settings(SECRET_KEY=OTHER_KEY):
        audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR)
        chain_append_missing()
        unguarded_sql(
            "UPDATE audit_auditevent SET subject = 'forged' WHERE id = %s", chained_events[2].pk
        )

        assert verified_problem() is not None


_FORGED_EVENT_SQL = (
    "INSERT INTO audit_auditevent (at, tag, actor_name, organisation_name, subject, details, "
    "request_id, seal) VALUES ('2026-01-01 00:00:00+00:00', 'signed_in', %s, '', '', '{}', '', '')"
)

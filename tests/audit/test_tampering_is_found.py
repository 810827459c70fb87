"""Whoever writes to the tables by hand, with the guards taken down, is found out: what, where."""

from datetime import timedelta

import pytest
from django.test import override_settings

from freddy_admin.audit.chain import chain_append, chain_catch_up
from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditHead, AuditLink
from freddy_admin.audit.services import OPERATOR, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.audit.verifying import Problem, Wrong, chain_verify
from tests.audit.conftest import Sql

pytestmark = pytest.mark.django_db
OTHER_KEY = "another-secret-key-0123456789-abcdefghijkl"


def found() -> Problem | None:
    return chain_verify()[1]


def where() -> tuple[Wrong, int | None] | None:
    problem = found()
    return (problem.wrong, problem.number) if problem else None


def test_an_untouched_log_is_in_order(chained: list[AuditEvent]) -> None:
    walk, problem = chain_verify()

    assert problem is None
    assert walk.place == len(chained)


def test_an_empty_log_is_in_order() -> None:
    assert found() is None


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
    chained: list[AuditEvent], by_hand: Sql, column: str, value: object
) -> None:
    by_hand(f"UPDATE audit_auditevent SET {column} = %s WHERE id = %s", value, chained[2].pk)

    problem = found()
    assert problem is not None
    assert (problem.wrong, problem.number) == (Wrong.CHANGED, chained[2].pk)
    assert problem.at == chained[2].at.isoformat()


def test_a_changed_time_is_found(chained: list[AuditEvent], by_hand: Sql) -> None:
    earlier = chained[3].at - timedelta(microseconds=1)
    by_hand("UPDATE audit_auditevent SET at = %s WHERE id = %s", earlier, chained[3].pk)

    assert where() == (Wrong.CHANGED, chained[3].pk)


def test_an_event_deleted_in_the_middle_is_found(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("DELETE FROM audit_auditevent WHERE id = %s", chained[2].pk)

    problem = found()
    assert problem == Problem(Wrong.REMOVED, chained[2].pk, chained[1].at.isoformat())


def test_an_event_deleted_with_its_link_is_found(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("DELETE FROM audit_auditevent WHERE id = %s", chained[2].pk)
    by_hand("DELETE FROM audit_auditlink WHERE place = 3")

    assert found() == Problem(Wrong.REMOVED, None, chained[1].at.isoformat())


def test_closing_the_gap_does_not_help(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("DELETE FROM audit_auditevent WHERE id = %s", chained[2].pk)
    by_hand("DELETE FROM audit_auditlink WHERE place = 3")
    for place in (4, 5, 6):
        by_hand("UPDATE audit_auditlink SET place = %s WHERE place = %s", place - 1, place)
    by_hand("UPDATE audit_audithead SET count = 5")

    assert where() == (Wrong.CHANGED, chained[3].pk)


def test_the_newest_cut_off_are_missed(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("DELETE FROM audit_auditevent WHERE id >= %s", chained[4].pk)
    by_hand("DELETE FROM audit_auditlink WHERE place >= 5")

    assert found() == Problem(Wrong.NEWEST_REMOVED, None, chained[3].at.isoformat())


def test_the_newest_cut_off_with_the_head_put_back_are_missed(
    chained: list[AuditEvent], by_hand: Sql
) -> None:
    fourth = AuditLink.objects.get(place=4)
    by_hand("DELETE FROM audit_auditevent WHERE id >= %s", chained[4].pk)
    by_hand("DELETE FROM audit_auditlink WHERE place >= 5")
    by_hand("UPDATE audit_audithead SET count = 4, last = %s", fourth.hash)

    assert where() == (Wrong.END_CHANGED, None)


def test_a_forged_event_is_found_and_never_linked(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand(_FORGED, "Eve")
    forged = AuditEvent.objects.get(actor_name="Eve")

    assert chain_append([forged.pk]) == 0
    assert where() == (Wrong.ADDED, forged.pk)


def test_a_copied_seal_does_not_pass_for_another_event(
    chained: list[AuditEvent], by_hand: Sql
) -> None:
    by_hand("DROP INDEX audit_seal_once")
    by_hand(_FORGED, "Eve")
    forged = AuditEvent.objects.get(actor_name="Eve")
    by_hand("UPDATE audit_auditevent SET seal = %s WHERE id = %s", chained[0].seal, forged.pk)

    assert chain_append([forged.pk]) == 0
    assert where() == (Wrong.ADDED, forged.pk)


def test_a_forged_event_with_a_forged_link_is_found(
    chained: list[AuditEvent], by_hand: Sql
) -> None:
    by_hand(_FORGED, "Eve")
    forged = AuditEvent.objects.get(actor_name="Eve")
    by_hand("INSERT INTO audit_auditlink VALUES (7, %s, %s)", forged.pk, "0" * 64)
    assert where() == (Wrong.ADDED, forged.pk)

    by_hand("UPDATE audit_audithead SET count = 7, last = %s", "0" * 64)
    assert where() == (Wrong.CHANGED, forged.pk)


def test_two_swapped_events_are_found(chained: list[AuditEvent], by_hand: Sql) -> None:
    first, second = chained[1], chained[3]
    by_hand("UPDATE audit_auditevent SET seal = '' WHERE id IN (%s, %s)", first.pk, second.pk)
    for target, source in ((first, second), (second, first)):
        by_hand(
            "UPDATE audit_auditevent SET subject = %s, at = %s, seal = %s, details = %s "
            "WHERE id = %s",
            source.subject,
            source.at,
            source.seal,
            f'{{"number": {source.details["number"]}}}',
            target.pk,
        )

    assert where() == (Wrong.CHANGED, first.pk)


def test_two_swapped_links_are_found(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("UPDATE audit_auditlink SET event_id = 0 WHERE place = 2")
    by_hand("UPDATE audit_auditlink SET event_id = %s WHERE place = 4", chained[1].pk)
    by_hand("UPDATE audit_auditlink SET event_id = %s WHERE place = 2", chained[3].pk)

    assert where() == (Wrong.CHANGED, chained[3].pk)


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
def test_a_changed_head_is_found(chained: list[AuditEvent], by_hand: Sql, change: str) -> None:
    by_hand(f"UPDATE audit_audithead SET {change}")

    assert found() is not None


def test_a_head_taken_away_is_found_for_good(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("DELETE FROM audit_audithead")
    assert where() == (Wrong.END_MISSING, None)

    audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
    chain_catch_up()
    assert where() == (Wrong.BEGUN_ANEW, 7)
    assert AuditHead.objects.get().count == 7


def test_a_part_of_the_chain_relabelled_as_another_keys_is_found(
    chained: list[AuditEvent], by_hand: Sql
) -> None:
    by_hand("UPDATE audit_auditevent SET subject = 'forged' WHERE id = %s", chained[2].pk)
    by_hand("UPDATE audit_auditepoch SET key_id = 'ffffffffffffffff'")

    assert where() == (Wrong.END_CHANGED, None)


def test_a_part_of_the_chain_taken_away_is_found(chained: list[AuditEvent], by_hand: Sql) -> None:
    by_hand("DELETE FROM audit_auditepoch")

    assert where() == (Wrong.CHANGED, chained[0].pk)


def test_another_secret_key_begins_a_part_and_is_no_tampering(chained: list[AuditEvent]) -> None:
    with override_settings(SECRET_KEY=OTHER_KEY):
        assert found() is None
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
        chain_catch_up()
        walk, problem = chain_verify()

    assert problem is None
    assert walk.former == [[1, 6]]
    assert [epoch.kind for epoch in AuditEpoch.objects.all()] == ["begun", "key_changed"]


def test_a_former_secret_key_that_is_still_named_proves_its_part(
    chained: list[AuditEvent], settings: object
) -> None:
    former = settings.SECRET_KEY  # type: ignore[attr-defined]
    with override_settings(SECRET_KEY=OTHER_KEY, SECRET_KEY_FALLBACKS=[former]):
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
        chain_catch_up()
        walk, problem = chain_verify()

    assert problem is None
    assert walk.former == []


def test_what_a_former_key_held_is_still_held_without_it(
    chained: list[AuditEvent], by_hand: Sql
) -> None:
    with override_settings(SECRET_KEY=OTHER_KEY):
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR)
        chain_catch_up()
        by_hand("UPDATE audit_auditevent SET subject = 'forged' WHERE id = %s", chained[2].pk)

        assert found() is not None


_FORGED = (
    "INSERT INTO audit_auditevent (at, tag, actor_name, organisation_name, subject, details, "
    "request_id, seal) VALUES ('2026-01-01 00:00:00+00:00', 'signed_in', %s, '', '', '{}', '', '')"
)

"""The log cannot be flooded: what comes again and again is counted, exactly, and said once."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit import repeats
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.repeats import DIFFERENT_A_MINUTE, VISITORS_A_MINUTE, repeats_close
from freddy_admin.audit.rounds import audit_round
from freddy_admin.audit.services import (
    OPERATOR,
    WORKER,
    Actor,
    audit_record,
    audit_record_if_possible,
)
from freddy_admin.audit.tags import RECORDING, Tag
from tests.audit.repeating import (
    ACME,
    ADA,
    ALWAYS,
    BOB,
    COUNTED,
    START,
    Hand,
    in_order,
    told,
    total,
    visitor,
)


def test_every_tag_says_whether_its_repeats_are_counted() -> None:
    assert set(RECORDING) == set(Tag)


def test_what_changes_rights_keys_or_settings_and_each_operation_is_never_counted() -> None:
    own = ("person_changed", "organisation_rename_refused", "organisation_exported")
    beginnings = ("key", "member", "invitation", "organisation", "token", "second", "admin")
    beginnings += ("person", "password", "single", "check", "sync", "connector", "master")
    counted = {tag.value for tag in COUNTED} - {*own, "person_exported"}
    assert [tag for tag in counted if tag.startswith(beginnings)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("tag", COUNTED)
def test_the_first_is_written_at_once_and_its_repeats_as_one_event(tag: Tag, hand: Hand) -> None:
    for _ in range(38):
        audit_record(tag=tag, actor=ADA, place=ACME, subject="x", kind="a")
        hand.forward(seconds=15)
    assert told() == [("x", {"kind": "a"})]
    audit_round(now=hand())
    assert AuditEvent.objects.count() == 1

    hand.at = START + timedelta(minutes=10)
    audit_round(now=hand())
    first, again = AuditEvent.objects.order_by("pk")
    assert again.details == {"kind": "a", "more_times": 37, "until": "2026-03-02T12:09:15Z"}
    for name in ("tag", "actor_id", "actor_name", "organisation_id", "organisation_name"):
        assert getattr(again, name) == getattr(first, name)
    assert (again.subject, again.address, again.request_id) == ("x", "192.0.2.1", "")
    assert not RepeatCount.objects.exists()
    in_order()


@pytest.mark.django_db
def test_what_is_always_an_event_is_one_each_time() -> None:
    for tag in ALWAYS:
        for _ in range(DIFFERENT_A_MINUTE + 2):
            audit_record(tag=tag, actor=ADA, place=ACME, subject="x")
    assert AuditEvent.objects.count() == (DIFFERENT_A_MINUTE + 2) * len(ALWAYS)


@pytest.mark.django_db
@pytest.mark.parametrize("actor", [OPERATOR, WORKER])
def test_the_operators_commands_and_the_worker_are_never_counted(actor: Actor) -> None:
    for _ in range(3):
        audit_record(tag=Tag.EXPORTED, actor=actor, subject="x")
    assert AuditEvent.objects.count() == 3


@pytest.mark.django_db
def test_the_next_occurrence_writes_the_count_where_no_worker_runs(hand: Hand) -> None:
    for _ in range(5):
        audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    hand.forward(minutes=10)
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="another")

    assert [details.get("more_times") for _, details in told()] == [None, 4, None]
    in_order()


@pytest.mark.django_db
def test_one_who_did_it_once_leaves_one_event(hand: Hand) -> None:
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    audit_round(now=hand.forward(hours=1))
    assert told() == [("x", {})]
    assert not RepeatCount.objects.exists()


@pytest.mark.django_db
def test_other_people_places_details_and_addresses_are_counted_apart() -> None:
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    audit_record(tag=Tag.EXPORTED, actor=BOB, subject="x")
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x", filters={"q": "a"})
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x", place=ACME)
    audit_record(tag=Tag.EXPORTED, actor=Actor(ADA.name, 1, "198.51.100.7"), subject="x")
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x", same_as="y")
    assert AuditEvent.objects.count() == 6


@pytest.mark.django_db
def test_different_ones_beyond_the_limit_are_one_count(hand: Hand) -> None:
    for number in range(500):
        audit_record(tag=Tag.ACCESS_DENIED, actor=ADA, place=ACME, subject=f"/{number}/")
    assert AuditEvent.objects.count() == DIFFERENT_A_MINUTE
    # One that is counted already goes on being counted as what it is.
    audit_record(tag=Tag.ACCESS_DENIED, actor=ADA, place=ACME, subject="/0/")
    audit_round(now=hand.forward(minutes=10))
    last = [(s, d) for s, d in told() if d]
    assert sorted(last, key=str) == [
        ("", {"differing": True, "more_times": 490, "until": "2026-03-02T12:00:00Z"}),
        ("/0/", {"more_times": 1, "until": "2026-03-02T12:00:00Z"}),
    ]
    assert AuditEvent.objects.filter(details__differing=True, organisation_id=1).count() == 1
    in_order()


@pytest.mark.django_db
def test_a_minute_later_different_ones_are_written_again(hand: Hand) -> None:
    for minute in range(3):
        for number in range(50):
            audit_record(tag=Tag.EXPORTED, actor=ADA, subject=f"{minute}.{number}")
        hand.forward(seconds=61)
    assert AuditEvent.objects.count() == 3 * DIFFERENT_A_MINUTE
    assert total() == 150


@pytest.mark.django_db
def test_one_flood_silences_neither_another_person_nor_another_kind() -> None:
    for number in range(50):
        audit_record(tag=Tag.EXPORTED, actor=ADA, subject=str(number))
    before = AuditEvent.objects.count()
    audit_record(tag=Tag.EXPORTED, actor=BOB, subject="x")
    audit_record(tag=Tag.ACCESS_DENIED, actor=ADA, subject="x")
    audit_record(tag=Tag.KEY_REVOKED, actor=ADA, subject="x")
    assert AuditEvent.objects.count() == before + 3


@pytest.mark.django_db
def test_visitors_of_one_network_are_one_and_from_everywhere_have_a_limit_together(
    hand: Hand,
) -> None:
    near = [Actor("somebody not signed in", address=f"2001:db8:0:1::{n:x}") for n in range(1, 30)]
    for actor in near:
        audit_record(tag=Tag.SIGN_IN_FAILED, actor=actor, subject="ab…")
    assert AuditEvent.objects.count() == 1
    for network in range(1, 200):
        audit_record(tag=Tag.SIGN_IN_FAILED, actor=visitor(network), subject="ab…")
    assert AuditEvent.objects.count() == VISITORS_A_MINUTE
    # Somebody who is signed in is no visitor.
    audit_record(tag=Tag.SIGN_IN_FAILED, actor=ADA, subject="ab…")
    assert AuditEvent.objects.count() == VISITORS_A_MINUTE + 1

    audit_round(now=hand.forward(minutes=10))
    (rest,) = AuditEvent.objects.filter(details__differing=True)
    assert rest.details["more_times"] == 200 - VISITORS_A_MINUTE
    assert rest.address is None
    assert total() == 29 + 199 + 1
    in_order()


@pytest.mark.django_db
def test_what_a_transaction_took_back_is_not_counted() -> None:
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    with transaction.atomic():
        audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
        audit_record(tag=Tag.EXPORTED, actor=ADA, subject="new")
        transaction.set_rollback(True)
    assert total() == 1
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="new")
    assert AuditEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_count_is_kept_where_the_event_of_it_could_not_be_written(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    now = hand.forward(minutes=10)
    with monkeypatch.context() as patch:
        patch.setattr(repeats, "chain_soon", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            repeats_close(now=now)
    assert (AuditEvent.objects.count(), total()) == (1, 4)
    repeats_close(now=hand())
    repeats_close(now=hand())
    assert (AuditEvent.objects.count(), total()) == (2, 4)


@pytest.mark.django_db
def test_a_count_begun_while_the_clock_was_a_year_ahead_is_written_soon(hand: Hand) -> None:
    hand.forward(days=365)
    for _ in range(3):
        audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    hand.at = START
    audit_round(now=hand())
    assert not RepeatCount.objects.exists()
    audit_record(tag=Tag.EXPORTED, actor=ADA, subject="x")
    assert (AuditEvent.objects.count(), total()) == (3, 4)


@pytest.mark.django_db
def test_the_worker_writes_counts_in_batches_without_an_end_in_sight(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "BATCH", 4)
    for number in range(9):
        for _ in range(2):
            audit_record(tag=Tag.EXPORTED, actor=Actor("P", id=number + 1), subject="x")
    now = hand.forward(minutes=10)
    assert [repeats_close(now=now) for _ in range(3)] == [True, True, False]
    assert AuditEvent.objects.count() == 18


@pytest.mark.django_db
def test_counts_that_say_the_same_are_events_of_their_own(hand: Hand) -> None:
    for typed in ("vi1@example.org", "vi2@example.org") * 3:
        audit_record(tag=Tag.SIGN_IN_FAILED, actor=visitor(1), subject="vi…", same_as=typed)
        hand.forward(microseconds=1)
    audit_round(now=hand.forward(minutes=10))
    assert [details.get("more_times") for _, details in told()] == [None, None, 2, 2]
    in_order()


@pytest.mark.django_db
def test_what_somebody_typed_into_a_wrong_field_is_kept_as_a_keyed_hash_alone() -> None:
    typed = "hunter2-is-my-password"
    audit_record(tag=Tag.SIGN_IN_FAILED, actor=visitor(1), subject="hu…", same_as=typed)
    (row,) = RepeatCount.objects.values()
    assert typed not in str(row)
    assert typed not in str(AuditEvent.objects.values())


@pytest.mark.django_db
def test_a_database_that_cannot_be_written_holds_no_reader_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> bool:
        raise DatabaseError

    monkeypatch.setattr("freddy_admin.audit.services.repeat_count", full)
    audit_record_if_possible(tag=Tag.EXPORTED, actor=ADA)
    assert "could not be written down" in caplog.text


@pytest.mark.django_db
def test_counting_takes_one_statement_and_a_first_one_no_more_than_one_besides() -> None:
    def statements(tag: Tag) -> int:
        with CaptureQueriesContext(connection) as queries:
            audit_record(tag=tag, actor=ADA, subject="x")
        return len(queries)

    always = statements(Tag.KEY_PAUSED)
    assert statements(Tag.EXPORTED) <= always + 1
    assert statements(Tag.EXPORTED) == 1

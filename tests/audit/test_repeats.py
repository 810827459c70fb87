"""The log cannot be flooded: repeats are counted exactly and become one event."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.audit import services
from freddy_admin.audit.chain_verification import audit_verification_run_step
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.services import (
    MAX_DISTINCT_PER_MINUTE,
    MAX_VISITOR_EVENTS_PER_MINUTE,
    OPERATOR,
    WORKER,
    Actor,
    audit_event_record,
    audit_event_record_if_possible,
    repeat_counts_flush,
)
from freddy_admin.audit.tags import RECORDING_MODES, AuditTag
from tests.audit.repeat_scenarios import (
    ACME,
    ADA,
    ALWAYS_RECORDED_TAGS,
    BOB,
    COUNTED_TAGS,
    assert_chain_valid,
    recorded_occurrences,
    recorded_subjects_and_details,
    visitor_actor,
)
from tests.hand_clock import NOON, HandClock


def test_every_tag_has_a_recording_mode() -> None:
    assert set(RECORDING_MODES) == set(AuditTag)


def test_tags_of_changes_and_operations_are_always_recorded() -> None:
    own_tags = ("person_changed", "organisation_rename_refused", "organisation_exported")
    prefixes = ("key", "member", "invitation", "organisation", "token", "second", "admin")
    prefixes += ("person", "password", "single", "check", "sync", "connector", "master")
    counted_tags = {tag.value for tag in COUNTED_TAGS} - {*own_tags, "person_exported"}
    assert [tag for tag in counted_tags if tag.startswith(prefixes)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("tag", COUNTED_TAGS)
def test_the_first_event_is_recorded_at_once_and_its_repeats_as_one_event(
    tag: AuditTag, hand_clock: HandClock
) -> None:
    for _ in range(38):
        audit_event_record(tag=tag, actor=ADA, organisation=ACME, subject="x", kind="a")
        hand_clock.advance(seconds=15)
    assert recorded_subjects_and_details() == [("x", {"kind": "a"})]
    audit_verification_run_step(now=hand_clock())
    assert AuditEvent.objects.count() == 1

    hand_clock.at = NOON + timedelta(minutes=10)
    audit_verification_run_step(now=hand_clock())
    first, summary = AuditEvent.objects.order_by("pk")
    assert summary.details == {"kind": "a", "more_times": 37, "until": "2026-03-02T12:09:15Z"}
    for name in ("tag", "actor_id", "actor_name", "organisation_id", "organisation_name"):
        assert getattr(summary, name) == getattr(first, name)
    assert (summary.subject, summary.address, summary.request_id) == ("x", "192.0.2.1", "")
    assert not RepeatCount.objects.exists()
    assert_chain_valid()


@pytest.mark.django_db
def test_an_always_recorded_tag_is_an_event_each_time() -> None:
    for tag in ALWAYS_RECORDED_TAGS:
        for _ in range(MAX_DISTINCT_PER_MINUTE + 2):
            audit_event_record(tag=tag, actor=ADA, organisation=ACME, subject="x")
    assert AuditEvent.objects.count() == (MAX_DISTINCT_PER_MINUTE + 2) * len(ALWAYS_RECORDED_TAGS)


@pytest.mark.django_db
@pytest.mark.parametrize("actor", [OPERATOR, WORKER])
def test_events_of_operator_and_worker_are_never_counted(actor: Actor) -> None:
    for _ in range(3):
        audit_event_record(tag=AuditTag.EXPORTED, actor=actor, subject="x")
    assert AuditEvent.objects.count() == 3


@pytest.mark.django_db
def test_the_next_event_flushes_the_count_where_no_worker_runs(
    hand_clock: HandClock,
) -> None:
    for _ in range(5):
        audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    hand_clock.advance(minutes=10)
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="another")

    assert [details.get("more_times") for _, details in recorded_subjects_and_details()] == [
        None,
        4,
        None,
    ]
    assert_chain_valid()


@pytest.mark.django_db
def test_an_event_without_repeats_leaves_no_count(hand_clock: HandClock) -> None:
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    audit_verification_run_step(now=hand_clock.advance(hours=1))
    assert recorded_subjects_and_details() == [("x", {})]
    assert not RepeatCount.objects.exists()


@pytest.mark.django_db
def test_other_actors_organisations_details_and_addresses_are_counted_apart() -> None:
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    audit_event_record(tag=AuditTag.EXPORTED, actor=BOB, subject="x")
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x", filters={"q": "a"})
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x", organisation=ACME)
    audit_event_record(tag=AuditTag.EXPORTED, actor=Actor(ADA.name, 1, "198.51.100.7"), subject="x")
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x", same_as="y")
    assert AuditEvent.objects.count() == 6


@pytest.mark.django_db
def test_different_events_beyond_the_limit_are_one_count(hand_clock: HandClock) -> None:
    for number in range(500):
        audit_event_record(
            tag=AuditTag.ACCESS_DENIED, actor=ADA, organisation=ACME, subject=f"/{number}/"
        )
    assert AuditEvent.objects.count() == MAX_DISTINCT_PER_MINUTE
    # A repeat of an event that is counted already stays in that count.
    audit_event_record(tag=AuditTag.ACCESS_DENIED, actor=ADA, organisation=ACME, subject="/0/")
    audit_verification_run_step(now=hand_clock.advance(minutes=10))
    summaries = [
        (subject, details) for subject, details in recorded_subjects_and_details() if details
    ]
    assert sorted(summaries, key=str) == [
        ("", {"differing": True, "more_times": 490, "until": "2026-03-02T12:00:00Z"}),
        ("/0/", {"more_times": 1, "until": "2026-03-02T12:00:00Z"}),
    ]
    assert AuditEvent.objects.filter(details__differing=True, organisation_id=1).count() == 1
    assert_chain_valid()


@pytest.mark.django_db
def test_a_minute_later_different_events_are_recorded_again(hand_clock: HandClock) -> None:
    for minute in range(3):
        for number in range(50):
            audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject=f"{minute}.{number}")
        hand_clock.advance(seconds=61)
    assert AuditEvent.objects.count() == 3 * MAX_DISTINCT_PER_MINUTE
    assert recorded_occurrences() == 150


@pytest.mark.django_db
def test_a_flood_of_one_person_counts_no_other_person_or_tag() -> None:
    for number in range(50):
        audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject=str(number))
    events_before = AuditEvent.objects.count()
    audit_event_record(tag=AuditTag.EXPORTED, actor=BOB, subject="x")
    audit_event_record(tag=AuditTag.ACCESS_DENIED, actor=ADA, subject="x")
    audit_event_record(tag=AuditTag.KEY_REVOKED, actor=ADA, subject="x")
    assert AuditEvent.objects.count() == events_before + 3


@pytest.mark.django_db
def test_visitors_of_one_network_are_one_actor_and_all_visitors_share_a_limit(
    hand_clock: HandClock,
) -> None:
    neighbours = [
        Actor("somebody not signed in", address=f"2001:db8:0:1::{n:x}") for n in range(1, 30)
    ]
    for actor in neighbours:
        audit_event_record(tag=AuditTag.SIGN_IN_FAILED, actor=actor, subject="ab…")
    assert AuditEvent.objects.count() == 1
    for network in range(1, 200):
        audit_event_record(tag=AuditTag.SIGN_IN_FAILED, actor=visitor_actor(network), subject="ab…")
    assert AuditEvent.objects.count() == MAX_VISITOR_EVENTS_PER_MINUTE
    # Somebody who is signed in is no visitor.
    audit_event_record(tag=AuditTag.SIGN_IN_FAILED, actor=ADA, subject="ab…")
    assert AuditEvent.objects.count() == MAX_VISITOR_EVENTS_PER_MINUTE + 1

    audit_verification_run_step(now=hand_clock.advance(minutes=10))
    (summary,) = AuditEvent.objects.filter(details__differing=True)
    assert summary.details["more_times"] == 200 - MAX_VISITOR_EVENTS_PER_MINUTE
    assert summary.address is None
    assert recorded_occurrences() == 29 + 199 + 1
    assert_chain_valid()


@pytest.mark.django_db
def test_a_rolled_back_event_is_not_counted() -> None:
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    with transaction.atomic():
        audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
        audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="new")
        transaction.set_rollback(True)
    assert recorded_occurrences() == 1
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="new")
    assert AuditEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_count_stays_where_its_event_could_not_be_recorded(
    hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    now = hand_clock.advance(minutes=10)
    with monkeypatch.context() as patch:
        patch.setattr(services, "chain_append_on_commit", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            repeat_counts_flush(now=now)
    assert (AuditEvent.objects.count(), recorded_occurrences()) == (1, 4)
    repeat_counts_flush(now=hand_clock())
    repeat_counts_flush(now=hand_clock())
    assert (AuditEvent.objects.count(), recorded_occurrences()) == (2, 4)


@pytest.mark.django_db
def test_a_count_of_a_clock_a_year_ahead_is_flushed_at_once(
    hand_clock: HandClock,
) -> None:
    hand_clock.advance(days=365)
    for _ in range(3):
        audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    hand_clock.at = NOON
    audit_verification_run_step(now=hand_clock())
    assert not RepeatCount.objects.exists()
    audit_event_record(tag=AuditTag.EXPORTED, actor=ADA, subject="x")
    assert (AuditEvent.objects.count(), recorded_occurrences()) == (3, 4)


@pytest.mark.django_db
def test_the_worker_flushes_counts_in_batches(
    hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "FLUSH_BATCH_SIZE", 4)
    for number in range(9):
        for _ in range(2):
            audit_event_record(tag=AuditTag.EXPORTED, actor=Actor("P", id=number + 1), subject="x")
    now = hand_clock.advance(minutes=10)
    assert [repeat_counts_flush(now=now) for _ in range(3)] == [True, True, False]
    assert AuditEvent.objects.count() == 18


@pytest.mark.django_db
def test_counts_that_look_alike_are_separate_events(hand_clock: HandClock) -> None:
    for typed in ("vi1@example.org", "vi2@example.org") * 3:
        audit_event_record(
            tag=AuditTag.SIGN_IN_FAILED, actor=visitor_actor(1), subject="vi…", same_as=typed
        )
        hand_clock.advance(microseconds=1)
    audit_verification_run_step(now=hand_clock.advance(minutes=10))
    assert [details.get("more_times") for _, details in recorded_subjects_and_details()] == [
        None,
        None,
        2,
        2,
    ]
    assert_chain_valid()


@pytest.mark.django_db
def test_same_as_is_stored_as_a_keyed_hash_alone() -> None:
    typed = "hunter2-is-my-password"
    audit_event_record(
        tag=AuditTag.SIGN_IN_FAILED, actor=visitor_actor(1), subject="hu…", same_as=typed
    )
    (row,) = RepeatCount.objects.values()
    assert typed not in str(row)
    assert typed not in str(AuditEvent.objects.values())


@pytest.mark.django_db
def test_an_event_that_cannot_be_recorded_raises_no_error_if_only_possible(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise DatabaseError

    monkeypatch.setattr("freddy_admin.audit.services.repeat_count_increment", fail)
    audit_event_record_if_possible(tag=AuditTag.EXPORTED, actor=ADA)
    assert "could not be written down" in caplog.text


@pytest.mark.django_db
def test_counting_a_repeat_takes_one_statement() -> None:
    def statement_count(tag: AuditTag) -> int:
        with CaptureQueriesContext(connection) as queries:
            audit_event_record(tag=tag, actor=ADA, subject="x")
        return len(queries)

    uncounted = statement_count(AuditTag.KEY_PAUSED)
    assert statement_count(AuditTag.EXPORTED) <= uncounted + 1
    assert statement_count(AuditTag.EXPORTED) == 1

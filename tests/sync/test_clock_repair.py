"""A machine's clock is a year off for a few seconds: nothing is lost, and nothing is stuck after.

The other clock is the real one: of PostgreSQL's server, or of the machine since its start.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create, api_token_verify
from freddy_admin.accounts.auth.password_reset import (
    password_reset_request_create,
    password_reset_requests_prune,
)
from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import machine_clock_confirmation_record
from freddy_admin.core.errors import NotFound
from freddy_admin.core.models import ClockState, OutboxMessage
from freddy_admin.core.outbox import outbox_prune
from freddy_admin.organisations.invitations import (
    invitation_create,
    invitation_get_by_token,
    token_digest,
)
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.clock_repair import WRITTEN_AHEAD_DETAIL
from freddy_admin.sync.history.recorder import history_event_create
from freddy_admin.sync.history.timeline import TimelineFilters, timeline_page
from freddy_admin.sync.models import (
    CatalogKind,
    CatalogSnapshot,
    CheckRun,
    EventKind,
    HistoryEvent,
    RemoteOperation,
    SyncStatus,
    WorkerHeartbeat,
)
from freddy_admin.sync.worker import loop
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.mails import due_mails_send
from tests.skewed_clock import SkewedClock
from tests.sync.conftest import MakeKey, sync_status_of
from tests.sync.deletable_rows import (
    ANA,
    DAY,
    HOUR,
    MINUTE,
    create_deletable_rows,
    create_event,
    missing_ids,
    stored_ids,
)
from tests.sync.test_worker_loop import tick_until, worker_loop_for

YEAR = timedelta(days=365)


@pytest.fixture
def machine_clock(organisation: Organisation) -> Iterator[SkewedClock]:
    source = SkewedClock()
    with clock.override_clock(source):
        yield source


@pytest.fixture
def worker_loop(
    machine_clock: SkewedClock, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkerLoop]:
    """A worker that prunes with every tick."""
    monkeypatch.setattr(loop, "MINUTE_SECONDS", 0.0)  # each tick does what is due once a minute
    with worker_loop_for(sandbox) as worker_loop:
        yield worker_loop


@pytest.fixture
def monitored_key(machine_clock: SkewedClock, make_key: MakeKey) -> ApiKey:
    return make_key(secret=sandbox_key(Scenario.HEALTHY, "clocks"))


@pytest.fixture
def key_with_rows(monitored_key: ApiKey, operator: User) -> ApiKey:
    """A key, with rows of each kind that is deleted one day; none of them is old enough."""
    create_deletable_rows(monitored_key, operator)
    return monitored_key


def _run_worker(worker_loop: WorkerLoop) -> None:
    """Do everything that the worker does, three times or more, the mails included."""
    for _ in range(2):
        worker_loop.tick(wait=0)
    tick_until(worker_loop, lambda: True)
    due_mails_send()
    password_reset_requests_prune()
    outbox_prune()


@pytest.mark.parametrize("skew", [YEAR, 40 * DAY, -YEAR])
def test_a_clock_that_is_far_off_for_seconds_erases_nothing(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    key_with_rows: ApiKey,
    sandbox: SandboxServer,
    skew: timedelta,
) -> None:
    _run_worker(worker_loop)
    previous = stored_ids()
    machine_clock.skew = skew
    _run_worker(worker_loop)
    with worker_loop_for(sandbox) as restarted_loop:
        _run_worker(restarted_loop)
    assert missing_ids(previous) == {}
    machine_clock.skew = timedelta()
    _run_worker(worker_loop)
    with worker_loop_for(sandbox) as restarted_loop:
        _run_worker(restarted_loop)
    assert missing_ids(previous) == {}


def test_a_worker_that_starts_first_with_the_clock_ahead_erases_nothing(
    worker_loop: WorkerLoop, machine_clock: SkewedClock, key_with_rows: ApiKey
) -> None:
    """After an upgrade no comparison was ever made, but there are rows and heartbeats."""
    previous = stored_ids()
    ClockState.objects.all().delete()
    machine_clock.skew = YEAR
    _run_worker(worker_loop)
    machine_clock.skew = timedelta()
    _run_worker(worker_loop)
    assert missing_ids(previous) == {}


@pytest.mark.usefixtures("trusted_clock")
def test_a_believed_clock_a_year_ahead_erases_nearly_all_rows(
    worker_loop: WorkerLoop, machine_clock: SkewedClock, key_with_rows: ApiKey
) -> None:
    _run_worker(worker_loop)
    previous = stored_ids()
    now = clock.now()
    ClockState.objects.update(history_pruned_to=now + YEAR, history_pruned_at=now)
    machine_clock.skew = YEAR
    _run_worker(worker_loop)
    assert {
        "HistoryEvent",
        "CheckRun",
        "RemoteOperation",
        "KeyCandidate",
        "ImportDraft",
        "Invitation",
    } <= (missing_ids(previous).keys())


def test_even_a_trusted_clock_erases_only_two_days_of_history_an_hour(
    worker_loop: WorkerLoop, machine_clock: SkewedClock, key_with_rows: ApiKey, trusted_clock: None
) -> None:
    _run_worker(worker_loop)
    previous = stored_ids()
    machine_clock.skew = YEAR
    _run_worker(worker_loop)
    assert "HistoryEvent" not in missing_ids(previous)


def test_moments_written_ahead_are_repaired_when_the_clock_is_back(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    key_with_rows: ApiKey,
    organisation: Organisation,
) -> None:
    tick_until(worker_loop, lambda: sync_status_of(key_with_rows).outcome == "good")
    machine_clock.skew = YEAR
    ahead = clock.now() - HOUR
    SyncStatus.objects.update(hold_until=clock.now() + HOUR)
    CatalogSnapshot.objects.create(
        organisation=organisation,
        key=key_with_rows,
        key_version=1,
        kind=CatalogKind.CONNECTORS,
        observed_at=clock.now(),
        checked_at=clock.now(),
    )
    WorkerHeartbeat.objects.create(
        name="dead", version="1", started_at=clock.now(), heartbeat_at=clock.now()
    )
    tick_until(worker_loop, lambda: sync_status_of(key_with_rows).checked_at > ahead)
    assert HistoryEvent.objects.filter(noticed_at__gt=ahead).exists()

    machine_clock.skew = timedelta()
    worker_loop.tick(wait=0)
    limit = clock.now() + 12 * HOUR
    for model in (
        SyncStatus,
        CatalogSnapshot,
        HistoryEvent,
        CheckRun,
        WorkerHeartbeat,
        RemoteOperation,
    ):
        for values in model._default_manager.values():
            late_columns = [
                name
                for name, value in values.items()
                # The plans of Aitronos are its own.
                if isinstance(value, datetime) and value > limit and "sync" not in name
            ]
            assert late_columns == [], model
    tick_until(worker_loop, lambda: clock.now() - sync_status_of(key_with_rows).checked_at < MINUTE)
    assert sync_status_of(key_with_rows).state == "up_to_date"
    assert clock.now() < sync_status_of(key_with_rows).next_check_at < clock.now() + HOUR


def test_the_timeline_marks_and_sorts_events_written_ahead(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    monitored_key: ApiKey,
    organisation: Organisation,
) -> None:
    tick_until(worker_loop, lambda: sync_status_of(monitored_key).outcome == "good")
    machine_clock.skew = YEAR
    worker_loop.tick(wait=0)
    history_event_create(
        key=monitored_key, kind=EventKind.PERSON_ACTION, details={"what": "check"}, actor="Ana"
    )
    event = HistoryEvent.objects.filter(details__what="check").get()
    machine_clock.skew = timedelta()
    tick_until(worker_loop, lambda: True)
    worker_loop.tick(wait=0)  # sets right what a call that ended ahead of time has brought since
    create_event(monitored_key, clock.now())

    entries = timeline_page(organisation=organisation, filters=TimelineFilters()).entries
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    marked_entries = [entry for entry in entries if entry.details.get(WRITTEN_AHEAD_DETAIL)]
    assert event.pk in {entry.id for entry in marked_entries}
    assert entries[0] not in marked_entries


def test_a_clock_that_was_behind_changes_no_time_that_was_right(
    worker_loop: WorkerLoop, machine_clock: SkewedClock, key_with_rows: ApiKey
) -> None:
    tick_until(worker_loop, lambda: sync_status_of(key_with_rows).outcome == "good")
    previous = dict(HistoryEvent.objects.values_list("pk", "at"))
    machine_clock.skew = -YEAR
    _run_worker(worker_loop)
    machine_clock.skew = timedelta()
    _run_worker(worker_loop)
    assert dict(HistoryEvent.objects.filter(pk__in=previous).values_list("pk", "at")) == previous
    tick_until(worker_loop, lambda: clock.now() - sync_status_of(key_with_rows).checked_at < MINUTE)
    assert sync_status_of(key_with_rows).state == "up_to_date"


def test_tokens_and_invitations_made_ahead_live_no_longer_than_meant(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    monitored_key: ApiKey,
    organisation: Organisation,
    operator: User,
) -> None:
    worker_loop.tick(wait=0)
    machine_clock.skew = YEAR
    worker_loop.tick(wait=0)
    token = api_token_create(
        actor=ANA, user=operator, name="ci", token_options=ApiTokenOptions(days=30)
    )
    invitation = invitation_create(
        organisation=organisation, actor=ANA, email="eve@example.org", role="viewer"
    )
    Invitation.objects.filter(pk=invitation.pk).update(digest=token_digest("link"))
    assert api_token_verify(token=token) is not None

    machine_clock.skew = timedelta()
    assert api_token_verify(token=token) is None
    with pytest.raises(NotFound):
        invitation_get_by_token(token="link")
    worker_loop.tick(wait=0)
    assert api_token_verify(token=token) is not None
    assert invitation_get_by_token(token="link") == invitation
    expires_at = ApiToken.objects.get().expires_at
    assert expires_at is not None
    assert abs(expires_at - clock.now() - 30 * DAY) < MINUTE
    invitation.refresh_from_db()
    assert invitation.expires_at - clock.now() <= 7 * DAY
    (message,) = OutboxMessage.objects.all()
    assert message.requested_at <= clock.now()
    assert message.next_attempt_at <= clock.now()


@pytest.mark.parametrize("skew", [YEAR, 2 * HOUR])
def test_moments_that_only_a_web_server_wrote_ahead_are_repaired_within_a_minute(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    monitored_key: ApiKey,
    organisation: Organisation,
    operator: User,
    skew: timedelta,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker's clock is right all the time, so that it sees no jump."""
    tick_until(worker_loop, lambda: sync_status_of(monitored_key).outcome == "good")
    machine_clock.skew = skew
    token = api_token_create(
        actor=ANA, user=operator, name="ci", token_options=ApiTokenOptions(days=30)
    )
    invitation_create(organisation=organisation, actor=ANA, email="eve@example.org", role="viewer")
    password_reset_request_create(email=operator.email)
    history_event_create(
        key=monitored_key, kind=EventKind.PERSON_ACTION, details={"what": "check"}, actor="Ana"
    )
    machine_clock.skew = timedelta()
    assert (due_mails_send(), api_token_verify(token=token)) == (0, None)

    worker_loop.tick(wait=0)
    assert api_token_verify(token=token) is not None
    assert ApiToken.objects.filter(expires_at__lt=clock.now() + 31 * DAY).exists()
    assert due_mails_send() == 2
    assert not HistoryEvent.objects.filter(noticed_at__gt=clock.now()).exists()
    event = HistoryEvent.objects.get(details__what="check")
    assert event.details[WRITTEN_AHEAD_DETAIL]


def test_a_clock_that_was_set_back_changes_no_event(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    key_with_rows: ApiKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tick_until(worker_loop, lambda: sync_status_of(key_with_rows).outcome == "good")
    previous = dict(HistoryEvent.objects.values_list("pk", "at"))
    machine_clock.skew = -YEAR
    worker_loop.tick(wait=0)
    machine_clock_confirmation_record()
    worker_loop.tick(wait=0)
    assert dict(HistoryEvent.objects.filter(pk__in=previous).values_list("pk", "at")) == previous


def test_a_queued_operation_is_neither_sent_nor_given_up_while_the_clock_is_ahead(
    worker_loop: WorkerLoop,
    machine_clock: SkewedClock,
    monitored_key: ApiKey,
    organisation: Organisation,
) -> None:
    worker_loop.tick(wait=0)
    operation = RemoteOperation.objects.create(
        organisation=organisation,
        key=monitored_key,
        key_version=1,
        kind="sync",
        requested_at=clock.now(),
        requested_by="Ana",
    )
    machine_clock.skew = YEAR
    for _ in range(5):
        worker_loop.tick(wait=0)
    operation.refresh_from_db()
    assert operation.state == "queued"
    machine_clock.skew = timedelta()
    tick_until(worker_loop, lambda: RemoteOperation.objects.get(pk=operation.pk).state != "queued")
    operation.refresh_from_db()
    assert operation.error_kind != "not_taken"

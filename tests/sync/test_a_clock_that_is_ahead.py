"""A machine's clock is a year off for a few seconds: nothing is lost, and nothing is stuck after.

The other clock is the real one: of PostgreSQL's server, or of the machine since its start.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.accounts.signing_in.resets import reset_ask, resets_prune, resets_send_due
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create, api_token_find
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import clocks_confirm
from freddy_admin.core.errors import NotFound
from freddy_admin.core.models import ClockState
from freddy_admin.organisations.invitation_mail import invitations_send_due
from freddy_admin.organisations.invitations import invitation_create, invitation_find, token_digest
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.ahead import WRITTEN_AHEAD
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.history.telling import happened_tell
from freddy_admin.sync.history.timeline import TimelineFilters, timeline_page
from freddy_admin.sync.models import (
    CheckRun,
    EventKind,
    HistoryEvent,
    KeySync,
    Listing,
    ListingKind,
    Order,
    WorkerBeat,
)
from freddy_admin.vault.models import ApiKey
from tests.clocks import SkewedClock
from tests.sync.clock_scene import ANA, DAY, HOUR, MINUTE, event, fill, ids_kept, lost_of
from tests.sync.conftest import MakeKey, row_of
from tests.sync.test_engine import engine_for, settle

YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@pytest.fixture
def machine(organisation: Organisation) -> Iterator[SkewedClock]:
    source = SkewedClock()
    with clock.using(source):
        yield source


@pytest.fixture
def engine(machine: SkewedClock, sandbox: SandboxServer) -> Iterator[Engine]:
    with engine_for(sandbox) as engine:
        yield engine


@pytest.fixture
def watched(machine: SkewedClock, make_key: MakeKey) -> ApiKey:
    return make_key(secret=key_for(Scenario.HEALTHY, "clocks"))


@pytest.fixture
def rows(watched: ApiKey, person: User) -> ApiKey:
    """A key, with something of each kind that is deleted one day; none of it is old enough."""
    fill(watched, person)
    return watched


def _work(engine: Engine) -> None:
    """Some rounds of everything that the worker does, the mails included."""
    for _ in range(4):
        engine.tick(wait=0)
        engine._pruned_at = None
    settle(engine, lambda: True)
    resets_send_due()
    resets_prune()
    invitations_send_due()


@pytest.mark.parametrize("skew", [YEAR, 40 * DAY, -YEAR])
def test_a_clock_that_is_far_off_for_seconds_erases_nothing(
    engine: Engine, machine: SkewedClock, rows: ApiKey, sandbox: SandboxServer, skew: timedelta
) -> None:
    _work(engine)
    before = ids_kept()
    machine.skew = skew
    _work(engine)
    with engine_for(sandbox) as restarted:
        _work(restarted)
    assert lost_of(before) == {}
    machine.skew = timedelta()
    _work(engine)
    with engine_for(sandbox) as restarted:
        _work(restarted)
    assert lost_of(before) == {}


def test_a_worker_that_starts_first_with_the_clock_ahead_erases_nothing(
    engine: Engine, machine: SkewedClock, rows: ApiKey
) -> None:
    """As after an upgrade: no comparison was ever made, but there are rows and heartbeats."""
    before = ids_kept()
    ClockState.objects.all().delete()
    machine.skew = YEAR
    _work(engine)
    machine.skew = timedelta()
    _work(engine)
    assert lost_of(before) == {}


@pytest.mark.usefixtures("believed_clock")
def test_believed_it_would_erase_nearly_all(
    engine: Engine, machine: SkewedClock, rows: ApiKey
) -> None:
    _work(engine)
    before = ids_kept()
    now = clock.now()
    ClockState.objects.update(pruned_to=now + YEAR, pruned_at=now)
    machine.skew = YEAR
    _work(engine)
    assert {"HistoryEvent", "CheckRun", "Order", "KeyCandidate", "ImportDraft", "Invitation"} <= (
        lost_of(before).keys()
    )


def test_even_believed_it_erases_two_days_of_history_an_hour(
    engine: Engine, machine: SkewedClock, rows: ApiKey, believed_clock: None
) -> None:
    _work(engine)
    before = ids_kept()
    machine.skew = YEAR
    _work(engine)
    assert "HistoryEvent" not in lost_of(before)


def test_what_was_written_ahead_is_set_right_when_the_clock_is_back(
    engine: Engine, machine: SkewedClock, rows: ApiKey, organisation: Organisation
) -> None:
    settle(engine, lambda: row_of(rows).outcome == "good")
    machine.skew = YEAR
    ahead = clock.now() - HOUR
    KeySync.objects.update(hold_until=clock.now() + HOUR)
    Listing.objects.create(
        organisation=organisation,
        key=rows,
        key_version=1,
        kind=ListingKind.CONNECTORS,
        observed_at=clock.now(),
        checked_at=clock.now(),
    )
    WorkerBeat.objects.create(name="dead", version="1", started_at=clock.now(), beat_at=clock.now())
    settle(engine, lambda: row_of(rows).checked_at > ahead)
    assert HistoryEvent.objects.filter(noticed_at__gt=ahead).exists()

    machine.skew = timedelta()
    engine.tick(wait=0)
    soon = clock.now() + 12 * HOUR
    for model in (KeySync, Listing, HistoryEvent, CheckRun, WorkerBeat, Order):
        for values in model._default_manager.values():
            late = [
                name
                for name, value in values.items()
                # The plans of Aitronos are its own.
                if isinstance(value, datetime) and value > soon and "sync" not in name
            ]
            assert late == [], model
    settle(engine, lambda: clock.now() - row_of(rows).checked_at < MINUTE)
    assert row_of(rows).state == "up_to_date"
    assert clock.now() < row_of(rows).next_check_at < clock.now() + HOUR


def test_the_timeline_says_what_was_written_ahead_and_puts_it_in_its_place(
    engine: Engine, machine: SkewedClock, watched: ApiKey, organisation: Organisation
) -> None:
    settle(engine, lambda: row_of(watched).outcome == "good")
    machine.skew = YEAR
    engine.tick(wait=0)
    happened_tell(key=watched, kind=EventKind.PERSON_DID, details={"what": "check"}, actor="Ana")
    written = HistoryEvent.objects.filter(details__what="check").get()
    machine.skew = timedelta()
    engine.tick(wait=0)
    event(watched, clock.now())

    found = timeline_page(organisation=organisation, filters=TimelineFilters()).entries
    assert [one.id for one in found] == sorted((one.id for one in found), reverse=True)
    marked = [one for one in found if one.details.get(WRITTEN_AHEAD)]
    assert written.pk in {one.id for one in marked}
    assert found[0] not in marked


def test_a_clock_that_was_behind_changes_no_time_that_was_right(
    engine: Engine, machine: SkewedClock, rows: ApiKey
) -> None:
    settle(engine, lambda: row_of(rows).outcome == "good")
    before = dict(HistoryEvent.objects.values_list("pk", "at"))
    machine.skew = -YEAR
    _work(engine)
    machine.skew = timedelta()
    _work(engine)
    assert dict(HistoryEvent.objects.filter(pk__in=before).values_list("pk", "at")) == before
    settle(engine, lambda: clock.now() - row_of(rows).checked_at < MINUTE)
    assert row_of(rows).state == "up_to_date"


def test_what_was_made_ahead_lives_no_longer_than_it_was_made_for(
    engine: Engine, machine: SkewedClock, watched: ApiKey, organisation: Organisation, person: User
) -> None:
    engine.tick(wait=0)
    machine.skew = YEAR
    engine.tick(wait=0)
    token = api_token_create(actor=ANA, user=person, name="ci", wish=TokenWish(days=30))
    made = invitation_create(
        organisation=organisation, actor=ANA, email="eve@example.org", role="viewer"
    )
    Invitation.objects.filter(pk=made.pk).update(digest=token_digest("link"))
    assert api_token_find(token=token) is not None

    machine.skew = timedelta()
    assert api_token_find(token=token) is None
    with pytest.raises(NotFound):
        invitation_find(token="link")
    engine.tick(wait=0)
    assert api_token_find(token=token) is not None
    assert invitation_find(token="link") == made
    ends = ApiToken.objects.get().expires_at
    assert ends is not None
    assert abs(ends - clock.now() - 30 * DAY) < MINUTE
    made.refresh_from_db()
    assert made.expires_at - clock.now() <= 7 * DAY
    assert made.next_attempt_at <= clock.now() + 4 * HOUR


@pytest.mark.parametrize("skew", [YEAR, 2 * HOUR])
def test_what_only_a_web_server_stamped_ahead_is_set_right_within_a_minute(
    engine: Engine,
    machine: SkewedClock,
    watched: ApiKey,
    organisation: Organisation,
    person: User,
    skew: timedelta,
) -> None:
    """The worker's clock is right all the time, so that it sees no jump."""
    engine.tick(wait=0)
    machine.skew = skew
    token = api_token_create(actor=ANA, user=person, name="ci", wish=TokenWish(days=30))
    invitation_create(organisation=organisation, actor=ANA, email="eve@example.org", role="viewer")
    reset_ask(email=person.email)
    happened_tell(key=watched, kind=EventKind.PERSON_DID, details={"what": "check"}, actor="Ana")
    machine.skew = timedelta()
    assert (resets_send_due(), invitations_send_due(), api_token_find(token=token)) == (0, 0, None)

    engine._clocks_at = clock.now() - MINUTE
    engine.tick(wait=0)
    assert api_token_find(token=token) is not None
    assert ApiToken.objects.filter(expires_at__lt=clock.now() + 31 * DAY).exists()
    assert (resets_send_due(), invitations_send_due()) == (1, 1)
    assert not HistoryEvent.objects.filter(noticed_at__gt=clock.now()).exists()
    written = HistoryEvent.objects.get(details__what="check")
    assert written.details[WRITTEN_AHEAD]


def test_a_clock_that_was_set_back_takes_nothing_for_stamped_ahead(
    engine: Engine, machine: SkewedClock, rows: ApiKey
) -> None:
    settle(engine, lambda: row_of(rows).outcome == "good")
    before = dict(HistoryEvent.objects.values_list("pk", "at"))
    machine.skew = -YEAR
    engine.tick(wait=0)
    clocks_confirm()
    engine._clocks_at = None
    engine.tick(wait=0)
    assert dict(HistoryEvent.objects.filter(pk__in=before).values_list("pk", "at")) == before


def test_a_queued_order_is_neither_sent_nor_given_up_while_the_clock_is_ahead(
    engine: Engine, machine: SkewedClock, watched: ApiKey, organisation: Organisation
) -> None:
    engine.tick(wait=0)
    order = Order.objects.create(
        organisation=organisation,
        key=watched,
        key_version=1,
        kind="sync",
        requested_at=clock.now(),
        requested_by="Ana",
    )
    machine.skew = YEAR
    for _ in range(5):
        engine.tick(wait=0)
    order.refresh_from_db()
    assert order.state == "queued"
    machine.skew = timedelta()
    settle(engine, lambda: Order.objects.get(pk=order.pk).state != "queued")
    order.refresh_from_db()
    assert order.error_kind != "not_taken"

"""One key as the lists and pages show it: read-only values, worked out for one moment."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync import expiry, health
from freddy_admin.sync.models.orders import UNFINISHED, OrderState
from freddy_admin.sync.outage import Outage
from freddy_admin.sync.policy import orders_since
from freddy_admin.sync.states import NEEDS_YOU, State


@dataclass(frozen=True, slots=True)
class Figures:
    """The last good figures, as received."""

    total_tools: int
    enabled_tools: int
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int
    incremental_sync_enabled: bool

    @property
    def schedule(self) -> health.Schedule:
        """The part the health rule looks at."""
        return health.Schedule(self.last_sync_at, self.next_sync_at, self.sync_interval_hours)

    @property
    def inconsistent(self) -> bool:
        """More tools on than there are, or a next sync before the last one."""
        last, after = self.last_sync_at, self.next_sync_at
        return self.enabled_tools > self.total_tools or bool(last and after and after < last)


@dataclass(frozen=True, slots=True)
class CheckError:
    """Why the latest finished check brought no figures. Texts come cleaned from outside."""

    kind: str  # a value of aitronos.errors.FailureKind, or one of sync.outcomes
    code: str
    http_status: int | None
    message: str
    field: str
    detail: str
    trace_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key, at the moment `now` it was read for."""

    now: datetime
    key_id: int
    key_label: str
    key_version: int
    organisation_id: int
    organisation_name: str
    organisation_slug: str
    keys_in_organisation: int
    owner_name: str
    owner_is_reader: bool  # whoever looks at this page looks after this key
    organization_id: str  # at Aitronos, as entered
    reported_organization_id: str  # at Aitronos, as the API said
    paused_at: datetime | None
    paused_by: str
    state: State  # effective at `now`
    state_since: datetime
    state_rule: int
    known_state: State  # that of the last observation: the last known one while Unknown
    figures: Figures | None
    figures_are_former: bool
    observed_at: datetime | None
    first_observed_at: datetime | None
    first_next_sync_at: datetime | None
    skipped_at: datetime | None
    checked_at: datetime | None
    failing_since: datetime | None
    failures: int
    refusals: int
    error: CheckError | None
    unknown_at: datetime | None
    next_check_at: datetime
    hold_until: datetime | None
    requested_at: datetime | None
    requested_by: str
    order_at: datetime | None  # the sync a person asked for, until a new one is seen
    order_by: str
    order_state: str  # how far it came: a value of OrderState, "" without one
    checking: bool  # a check runs right now
    grace_minutes: int | None
    expires_on: date | None
    updated_at: datetime
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    told_state: str = ""  # how far the history tells it; "": nothing yet

    @property
    def needs_you(self) -> bool:
        """Whether somebody of ours has to do something."""
        return self.state in NEEDS_YOU

    @property
    def expires_in(self) -> int | None:
        """Days until the key stops working, as entered; None without a date."""
        return expiry.days_left(self.expires_on, now=self.now)

    @property
    def expires_soon(self) -> bool:
        """Whether that is to be said: within 30 days, or over."""
        return self.expires_in is not None and self.expires_in <= expiry.SOON_DAYS

    @property
    def expires_urgently(self) -> bool:
        """Whether somebody has to make a new key now: within 7 days, or over."""
        left = self.expires_in
        return left is not None and left <= expiry.URGENT_DAYS and self.paused_at is None

    @property
    def wants_somebody(self) -> bool:
        """Whether it counts among those that need somebody: for its state or for its expiry."""
        return self.needs_you or self.expires_urgently

    @property
    def check_pending(self) -> bool:
        """A check runs, or was asked for and has not finished yet."""
        asked = self.requested_at
        waiting = asked is not None and (self.checked_at is None or self.checked_at < asked)
        return self.checking or waiting

    @property
    def sync_running(self) -> bool:
        """A sync that a person asked for is on its way: nobody may start another one."""
        if self.order_state == OrderState.QUEUED and self.order_at is not None:
            return self.order_at > orders_since(self.now)  # later on nobody sends it any more
        return self.order_state in UNFINISHED

    @property
    def order_is_late(self) -> bool:
        """The sync that was asked for has not been seen although its grace is over."""
        return self.order_at is not None and self.now > self.order_at + self.grace

    @property
    def grace(self) -> timedelta:
        """G of the health rule, for this key."""
        own = None if self.grace_minutes is None else timedelta(minutes=self.grace_minutes)
        schedule = self.figures.schedule if self.figures else health.Schedule(None, None, 0)
        return health.grace_of(schedule, own)

    @property
    def due_at(self) -> datetime | None:
        """When the next (or the very first) sync is due; None without figures or schedule."""
        if self.figures is None:
            return None
        if self.figures.last_sync_at is not None:
            return self.figures.schedule.due
        facts = health.Facts(
            first_observed_at=self.first_observed_at, first_next_sync_at=self.first_next_sync_at
        )
        return health.first_due(facts, self.figures.schedule)

    @property
    def overdue_at(self) -> datetime | None:
        """The promise: from then on we call it overdue (or never synced)."""
        due = self.due_at
        if self.figures is None or self.figures.last_sync_at is None:
            return due + self.grace if due else None
        return health.overdue_at(
            self.figures.schedule, grace=self.grace, skipped_at=self.skipped_at
        )


NOBODY = 0


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person asked the overview to show. Values not in the allowed sets are ignored."""

    q: str = ""
    states: tuple[State, ...] = ()
    tag: str = ""
    owner: int | None = None  # NOBODY: those without one
    sort: str = "state"  # one of selectors.SORTS, with a leading "-" for the other way round
    page: int = 1
    same: str = ""  # a mark of figures: the keys that report these
    expiring: bool = False  # those that expire soon, whatever their state

    @property
    def wants_somebody(self) -> bool:
        """Whether those that need somebody are asked for, and so also those that expire."""
        return set(self.states) == NEEDS_YOU

    organisation_ids: frozenset[int] | None = None  # of these alone; None for all

    def shape(self, *, states: tuple[State, ...], sort: str) -> "Filters | None":
        """What a statement that is put together once depends on; None where it holds more."""
        chosen = (self.q, self.tag, self.same, self.owner is not None)
        if any(chosen) or self.organisation_ids is not None:
            return None
        return Filters(states=states, sort=sort, expiring=self.expiring)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a filter."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Alike:
    """Keys in view that report the very same sync."""

    mark: str  # of their figures
    keys: int
    organisations: int
    names: tuple[str, ...]  # of two of these organisations, or of the only one


@dataclass(frozen=True, slots=True)
class Overview:
    """One page of the overview, and the sums over everything the person may see."""

    now: datetime
    filters: Filters
    rows: list[KeyRow]
    counts: dict[State, int]  # of what the filters (without `states`) leave; non-zero only
    all_counts: dict[State, int]  # of everything the person sees; non-zero only
    matching: int  # rows the filters leave, over all pages
    page: int
    pages: int
    checked_at: datetime | None  # the latest finished check of any key in view
    next_check_at: datetime | None  # the earliest scheduled one
    worker_seen_at: datetime | None  # the latest sign of life of any worker
    master_key_fault: bool  # that worker's master key does not fit the database
    outage: Outage | None  # Aitronos as a whole seems out of reach
    empty_organisations: list[tuple[str, str]]  # (name, slug) of some without a key
    urgent: int  # keys that expire within days, of those whose state needs nobody
    urgent_left: int  # the same, of what the filters (without `states`) leave
    expiring: int  # keys that expire soon, of what the filters (without `states`) leave
    alike: list[Alike]  # the largest groups of keys that report the same sync
    more_alike: int  # how many more groups there are
    tags: list[Option] = field(default_factory=list)  # to choose from, once they are asked for
    owners: list[Option] = field(default_factory=list)

    @property
    def needs_you(self) -> int:
        """How many keys need somebody: the number on the tab."""
        counts = self.all_counts.items()
        return self.urgent + sum(count for state, count in counts if state in NEEDS_YOU)

    @property
    def total(self) -> int:
        """All keys the person sees."""
        return sum(self.all_counts.values())

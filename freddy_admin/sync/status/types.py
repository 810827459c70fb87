"""One key as the lists and pages show it: read-only values, worked out for one moment."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync import health
from freddy_admin.sync.checks.policy import unsent_operations_cutoff
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.models.operations import UNFINISHED_STATES, OperationState
from freddy_admin.sync.status import key_expiry
from freddy_admin.sync.status.outage import Outage


@dataclass(frozen=True, slots=True)
class SyncFigures:
    """The last good figures, as received."""

    total_tools: int
    enabled_tools: int
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int
    incremental_sync_enabled: bool

    @property
    def schedule(self) -> health.SyncSchedule:
        """The part that the health rule reads."""
        return health.SyncSchedule(self.last_sync_at, self.next_sync_at, self.sync_interval_hours)

    @property
    def is_inconsistent(self) -> bool:
        """More tools on than there are, or a next sync before the last one."""
        last_sync_at, next_sync_at = self.last_sync_at, self.next_sync_at
        return self.enabled_tools > self.total_tools or bool(
            last_sync_at and next_sync_at and next_sync_at < last_sync_at
        )


@dataclass(frozen=True, slots=True)
class CheckError:
    """Why the latest finished check brought no figures. Texts come cleaned from outside."""

    kind: str  # a value of aitronos.errors.FailureKind, or of sync.checks.results.LocalFailureKind
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
    owner_is_user: bool  # the user who reads this row owns the key
    organization_id: str  # at Aitronos, as entered
    reported_organization_id: str  # at Aitronos, as the API said
    paused_at: datetime | None
    paused_by: str
    state: HealthState  # effective at `now`
    state_since: datetime
    state_rule: int
    last_known_state: HealthState  # that of the last observation
    figures: SyncFigures | None
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
    operation_requested_at: (
        datetime | None
    )  # of the sync a person asked for, until a new one is seen
    operation_requested_by: str
    operation_state: str  # how far it came: a value of OperationState, "" without one
    is_checking: bool  # a check runs right now
    grace_minutes: int | None
    expires_on: date | None
    updated_at: datetime
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    recorded_state: str = ""  # the latest state in the history; "": none yet

    @property
    def needs_action(self) -> bool:
        """Whether somebody of ours has to do something."""
        return self.state in STATES_NEEDING_ACTION

    @property
    def days_until_expiry(self) -> int | None:
        """Days until the key stops working, as entered; None without a date."""
        return key_expiry.days_until_expiry(self.expires_on, now=self.now)

    @property
    def is_expiring_soon(self) -> bool:
        """Whether the key stops working within 30 days, or has."""
        return self.days_until_expiry is not None and self.days_until_expiry <= key_expiry.SOON_DAYS

    @property
    def is_expiry_urgent(self) -> bool:
        """Whether somebody has to make a new key now: it expires within 7 days, or has."""
        days_left = self.days_until_expiry
        return (
            days_left is not None and days_left <= key_expiry.URGENT_DAYS and self.paused_at is None
        )

    @property
    def needs_attention(self) -> bool:
        """Whether the key needs somebody: for its state or for its expiry."""
        return self.needs_action or self.is_expiry_urgent

    @property
    def is_check_pending(self) -> bool:
        """Whether a check runs, or was requested and has not finished yet."""
        requested_at = self.requested_at
        is_waiting = requested_at is not None and (
            self.checked_at is None or self.checked_at < requested_at
        )
        return self.is_checking or is_waiting

    @property
    def is_sync_running(self) -> bool:
        """Whether a sync that a person asked for is under way: nobody may start another one."""
        if (
            self.operation_state == OperationState.QUEUED
            and self.operation_requested_at is not None
        ):
            return self.operation_requested_at > unsent_operations_cutoff(
                self.now
            )  # later on no worker sends it
        return self.operation_state in UNFINISHED_STATES

    @property
    def is_operation_late(self) -> bool:
        """Whether the sync that was asked for has not been seen although its grace is over."""
        return (
            self.operation_requested_at is not None
            and self.now > self.operation_requested_at + self.grace
        )

    @property
    def grace(self) -> timedelta:
        """G of the health rule, for this key."""
        own_grace = None if self.grace_minutes is None else timedelta(minutes=self.grace_minutes)
        schedule = self.figures.schedule if self.figures else health.SyncSchedule(None, None, 0)
        return health.grace_period(schedule, own_grace)

    @property
    def due_at(self) -> datetime | None:
        """When the next (or the very first) sync is due; None without figures or schedule."""
        if self.figures is None:
            return None
        if self.figures.last_sync_at is not None:
            return self.figures.schedule.due_at
        facts = health.HealthFacts(
            first_observed_at=self.first_observed_at, first_next_sync_at=self.first_next_sync_at
        )
        return health.first_sync_due_at(facts, self.figures.schedule)

    @property
    def overdue_at(self) -> datetime | None:
        """From when on the sync is called overdue (or never synced), as the page promises."""
        due_at = self.due_at
        if self.figures is None or self.figures.last_sync_at is None:
            return due_at + self.grace if due_at else None
        return health.overdue_at(
            self.figures.schedule, grace=self.grace, skipped_at=self.skipped_at
        )


NO_OWNER = 0


@dataclass(frozen=True, slots=True)
class OverviewFilters:
    """What a person asked the overview to show. Values not in the allowed sets are ignored."""

    q: str = ""
    states: tuple[HealthState, ...] = ()
    tag: str = ""
    owner: int | None = None  # NO_OWNER: keys without one
    sort: str = "state"  # one of selectors.OVERVIEW_SORTS, with a leading "-" for descending
    page: int = 1
    figures_digest: str = ""  # the keys that report figures with this digest
    expiring: bool = False  # those that expire soon, whatever their state

    @property
    def needs_attention(self) -> bool:
        """Whether those that need somebody are asked for, and so also those that expire."""
        return set(self.states) == STATES_NEEDING_ACTION

    organisation_ids: frozenset[int] | None = None  # of these alone; None for all

    def compilable_part(
        self, *, states: tuple[HealthState, ...], sort: str
    ) -> "OverviewFilters | None":
        """The filters that a compiled query depends on; None where others are set."""
        uncompilable = (self.q, self.tag, self.figures_digest, self.owner is not None)
        if any(uncompilable) or self.organisation_ids is not None:
            return None
        return OverviewFilters(states=states, sort=sort, expiring=self.expiring)


@dataclass(frozen=True, slots=True)
class FilterOption:
    """One choice of a filter."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class SharedSyncGroup:
    """Keys in view that report the very same sync."""

    figures_digest: str  # of their figures
    keys: int
    organisations: int
    names: tuple[str, ...]  # of two of these organisations, or of the only one


@dataclass(frozen=True, slots=True)
class Overview:
    """One page of the overview, and the aggregates of everything the person may see."""

    now: datetime
    filters: OverviewFilters
    rows: list[KeyRow]
    counts: dict[HealthState, int]  # of what the filters (without `states`) leave; non-zero only
    all_counts: dict[HealthState, int]  # of everything the person sees; non-zero only
    matching: int  # rows the filters leave, over all pages
    page: int
    pages: int
    checked_at: datetime | None  # the latest finished check of any key in view
    next_check_at: datetime | None  # the earliest scheduled one
    latest_worker_heartbeat_at: datetime | None  # the latest sign of life of any worker
    master_key_fault: bool  # that worker's master key does not fit the database
    outage: Outage | None  # Aitronos as a whole seems out of reach
    empty_organisations: list[tuple[str, str]]  # (name, slug) of some without a key
    urgent: int  # keys that expire within days, of those whose state needs nobody
    urgent_matching: int  # of these, how many the filters (without `states`) leave
    expiring: int  # keys that expire soon, of what the filters (without `states`) leave
    shared_sync_groups: list[
        SharedSyncGroup
    ]  # the largest groups of keys that report the same sync
    more_shared_sync_groups: int  # how many more groups there are
    tags: list[FilterOption] = field(
        default_factory=list
    )  # to choose from, once they are asked for
    owners: list[FilterOption] = field(default_factory=list)

    @property
    def action_needed_count(self) -> int:
        """How many keys need somebody: the number on the tab."""
        counts = self.all_counts.items()
        return self.urgent + sum(count for state, count in counts if state in STATES_NEEDING_ACTION)

    @property
    def total(self) -> int:
        """All keys the person sees."""
        return sum(self.all_counts.values())

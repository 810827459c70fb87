"""One key as the lists and pages show it: read-only values, worked out for one moment."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any

from django.conf import settings

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.organisations.access import (
    actor_display_name,
    effective_permissions,
    person_display_name,
)
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync import health
from freddy_admin.sync.checks.policy import unsent_operations_cutoff
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.health_states import (
    MISSING_SYNC_STATES,
    NEW_SECRET_STATES,
    REFUSED_STATES,
    STATES_NEEDING_ACTION,
    HealthState,
)
from freddy_admin.sync.models.operations import UNFINISHED_STATES, OperationState
from freddy_admin.sync.refusals import NOBODY_ALLOWED_REFUSAL
from freddy_admin.sync.status.moves import MEMBERS_CAN, OWNER_CAN
from freddy_admin.sync.status.observation_cache import ObservationValues
from freddy_admin.sync.status.refused_alike import RefusedGroup, refused_group_of

# When a key stops working at Aitronos, as a person entered it: what is soon, urgent, the last
# reminder. Nothing blocks a call for it: whether a key still works is for Aitronos to say.
SOON_DAYS, URGENT_DAYS, LAST_DAYS = 30, 7, 1
_COPIED_COLUMNS = (
    "reported_organization_id",
    "figures_are_former",
    "observed_at",
    "first_observed_at",
    "first_next_sync_at",
    "skipped_at",
    "checked_at",
    "failing_since",
    "failures",
    "refusals",
    "refusal",
    "unknown_at",
    "next_check_at",
    "hold_until",
    "check_period_seconds",
    "requested_at",
    "operation_requested_at",
    "operation_state",
    "recorded_state",
    "updated_at",
    "incident",
)


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
    message: str = ""
    field: str = ""
    detail: str = ""
    trace_id: str = ""
    request_id: str = ""
    system_message: str = ""
    error_type: str = ""
    timestamp: str = ""


@dataclass(slots=True)  # not frozen: fifty fields would take three times as long to set
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
    # Of the sync a person asked for, until a new one is seen.
    operation_requested_at: datetime | None
    operation_requested_by: str
    operation_state: str  # how far it came: a value of OperationState, "" without one
    is_checking: bool  # a check runs right now
    grace_minutes: int | None
    expires_on: date | None
    updated_at: datetime
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    recorded_state: str = ""  # the latest state in the history; "": none yet
    incident: Mapping[str, Any] | None = None  # that is open, as `alerts` gives it to the lists
    environment: str = DEFAULT_ENVIRONMENT  # where the key belongs
    check_period_seconds: float | None = None  # None: no check was stored by this version yet
    refusal: str | None = None  # how the latest conclusive check refused the key
    refused_group: RefusedGroup | None = None  # the keys that are refused in the same way
    others_work: bool = False  # another key of the same organisation at Aitronos does
    owner_can: bool = False  # the owner's role suffices for the next move
    members_can: bool = False  # that of some member does
    candidate_state: str = ""  # of a new secret that waits for a decision, where it was read
    tags: tuple[str, ...] = ()  # in order; for exports and programs alone

    @property
    def needs_action(self) -> bool:
        """Whether somebody of ours has to do something."""
        return self.state in STATES_NEEDING_ACTION

    @property
    def known_organization_id(self) -> str:
        """The organisation's id at Aitronos: as entered, else as the API reported it; or ""."""
        return self.organization_id or self.reported_organization_id

    @property
    def days_until_expiry(self) -> int | None:
        """Days until the key stops working, as entered: 0 on the day, negative afterwards."""
        return None if self.expires_on is None else (self.expires_on - utc_date(self.now)).days

    @property
    def is_expiring_soon(self) -> bool:
        """Whether the key stops working within 30 days, or has."""
        return self.days_until_expiry is not None and self.days_until_expiry <= SOON_DAYS

    @property
    def is_expiry_urgent(self) -> bool:
        """Whether somebody has to make a new key now: it expires within 7 days, or has."""
        days_left = self.days_until_expiry
        return days_left is not None and days_left <= URGENT_DAYS and self.paused_at is None

    @property
    def has_master_key_failure(self) -> bool:
        """Whether the panel's own master key does not open the key, which no manager can mend."""
        return self.error is not None and self.error.kind == LocalFailureKind.MASTER_KEY_MISFIT

    @property
    def is_environment_missing(self) -> bool:
        """Whether the key was not called, for its environment is not set up here."""
        return self.error is not None and self.error.kind == FailureKind.ENVIRONMENT_MISSING

    @property
    def is_panel_fault(self) -> bool:
        """Whether the key was not called for what only the people who run the panel can mend."""
        return self.has_master_key_failure or self.is_environment_missing

    @property
    def needs_attention(self) -> bool:
        """Whether the key needs somebody: for its state or for its expiry."""
        return self.needs_action or self.is_expiry_urgent

    @property
    def is_refused_alike(self) -> bool:
        """Whether the key is rejected in the same way as others: hardly the key's own fault."""
        return self.refused_group is not None and self.state in REFUSED_STATES

    @property
    def is_nobodys_move(self) -> bool:
        """Whether nobody of the organisation can end the refusal, whatever their role."""
        return self.state in REFUSED_STATES and (
            self.is_refused_alike or self.refusal == NOBODY_ALLOWED_REFUSAL
        )

    @property
    def move_permission(self) -> Permission | None:
        """What the next move takes; None where nobody of the organisation can do anything."""
        if self.state in MISSING_SYNC_STATES:
            return Permission.START_SYNC
        if self.is_nobodys_move:
            return None
        needs_new_secret = self.state in NEW_SECRET_STATES or self.is_expiry_urgent
        return Permission.MANAGE_KEYS if needs_new_secret else None

    @property
    def is_own_move(self) -> bool:
        """Whether the user who reads this row can do what the key needs."""
        return self.needs_attention and self.move_permission in self.permissions

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
    def check_period(self) -> timedelta:
        """P of the health rule: how often the key is checked on schedule."""
        return timedelta(seconds=self.check_period_seconds or settings.STATUS_CHECK_SECONDS)

    @property
    def is_check_stretched(self) -> bool:
        """Whether it is checked less often than set, to stay within the day's calls."""
        return self.check_period.total_seconds() > settings.STATUS_CHECK_SECONDS

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


# The columns in the order of the fields of `SyncFigures` and `CheckError`.
_figure_values = itemgetter(*(figure.name for figure in fields(SyncFigures)))
_error_values = itemgetter(
    *("error_kind", "error_code", "error_http_status", "error_message", "error_field"),
    *("error_detail", "trace_id", "request_id", "error_system_message", "error_type"),
    "error_timestamp",
)


def own_move_count(rows: Iterable[KeyRow]) -> int:
    """How many moves are the reader's own; what several keys are refused for is one."""
    groups = {row.refused_group for row in rows if row.is_refused_alike}
    group_count = sum(group is not None and group.is_readers_move for group in groups)
    return sum(row.is_own_move for row in rows) + group_count


def key_row_from_values(
    values: ObservationValues,
    *,
    user: User,
    now: datetime,
    refused_groups: Collection[RefusedGroup] = (),
) -> KeyRow:
    """The values as a `KeyRow`, for this user and this moment."""
    last_known_state = HealthState(values["state"])
    verdict = health.effective_verdict(
        health.HealthVerdict(last_known_state, values["state_since"], values["state_rule"]),
        paused_at=values["key__paused_at"],
        stale_at=values["unknown_at"],
        now=now,
    )
    lease = values["lease_until"]
    permissions = effective_permissions(user, values["role"])
    return KeyRow(
        now=now,
        key_id=values["pk"],
        key_label=values["key__label"],
        key_version=values["key_version"],
        organisation_id=values["organisation_id"],
        organisation_name=values["organisation__name"],
        organisation_slug=values["organisation__slug"],
        keys_in_organisation=values["siblings"] or 0,
        owner_name=_owner_display_name(values, user, permissions),
        owner_is_user=values["key__owner_id"] == user.pk,
        environment=values["key__environment"],
        organization_id=values["key__organization_id"],
        paused_at=values["key__paused_at"],
        paused_by=actor_display_name(values["key__paused_by"], permissions),
        requested_by=actor_display_name(values["requested_by"], permissions),
        operation_requested_by=actor_display_name(values["operation_requested_by"], permissions),
        grace_minutes=values["key__grace_minutes"],
        expires_on=values["key__expires_on"],
        state=verdict.state,
        state_since=verdict.since,
        state_rule=verdict.rule,
        last_known_state=last_known_state,
        figures=SyncFigures(*_figure_values(values)) if values["observed_at"] else None,
        error=CheckError(*_error_values(values)) if values["error_kind"] else None,
        is_checking=lease is not None and lease > now,
        permissions=permissions,
        others_work=bool(values["others_work"]),
        refused_group=refused_group_of(
            refused_groups,
            refusal=values["refusal"] or "",
            environment=values["key__environment"],
            reported_organization_id=values["reported_organization_id"],
            others_work=bool(values["others_work"]),
        )
        if refused_groups
        else None,
        owner_can=values["mover"] == OWNER_CAN
        or bool(values["key__owner__is_active"] and values["key__owner__is_platform_admin"]),
        members_can=(values["mover"] or 0) >= MEMBERS_CAN,
        **{name: values[name] for name in _COPIED_COLUMNS},
    )


def _owner_display_name(
    values: ObservationValues, user: User, permissions: frozenset[Permission]
) -> str:
    name, address = values["key__owner__name"] or "", values["key__owner__email"] or ""
    if values["key__owner_id"] == user.pk:
        return name or address
    return person_display_name(name, address, permissions)


def utc_date(now: datetime) -> date:
    """The day on which a key's expiry is counted: that of UTC, the same for everybody."""
    return now.astimezone(UTC).date()


def urgent_cutoff_date(now: datetime) -> date:
    """The last day on which a key's expiry is urgent."""
    return utc_date(now) + timedelta(days=URGENT_DAYS)

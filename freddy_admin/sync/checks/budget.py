"""The day's calls of each Aitronos organisation: counted together, spread evenly, held together.

Aitronos limits by organisation, not by key. Which keys are of one organisation there is told by a
header of its answers: that joins keys of all organisations here. What a person entered, and where
nothing is known the organisation here, joins keys of that organisation alone, so that nobody can
slow the keys of others by typing an id. The environments of Aitronos count apart: an organisation
of one is none of another, whatever its id.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Q

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.types import CallInfo
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.bulk_update import moment_from_database
from freddy_admin.sync.checks.policy import MAX_PLANNING_HORIZON, CheckPolicy
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.health import REFUSALS_TO_REJECT
from freddy_admin.sync.models import CallBudget, SyncStatus
from freddy_admin.sync.worker.schedule import hold_until_from_failure
from freddy_admin.vault.models import ApiKey, KeyLifecycle

DAY: Final = timedelta(days=1)
_RECOUNT_AFTER: Final = timedelta(hours=1)
_SIBLING_SPACING: Final = timedelta(seconds=1)  # of keys held together: 60 a minute, of 100
_HOLD_TOLERANCE: Final = timedelta(seconds=5)  # calls under way when the first 429 came
_RETENTION: Final = timedelta(days=7)
_REPORTED, _ENTERED, _ORGANISATION = "reported", "entered", "organisation"
_LIMIT_KINDS: Final = frozenset({FailureKind.RATE_LIMITED, FailureKind.SPENDING_LIMIT})
_COUNT_SQL = """
    INSERT INTO sync_callbudget (budget_group, day, calls, key_count, hold_until)
    VALUES {placeholders}
    ON CONFLICT (budget_group, day) DO UPDATE SET
        calls = sync_callbudget.calls + excluded.calls,
        hold_until = CASE
            WHEN excluded.hold_until IS NULL OR sync_callbudget.hold_until > excluded.hold_until
            THEN sync_callbudget.hold_until ELSE excluded.hold_until END
    RETURNING id, budget_group, calls, key_count, counted_at, hold_until
"""
_KEY_COUNT_SQL = "UPDATE sync_callbudget SET key_count = %s, counted_at = %s WHERE id = %s"
_HOLD_SQL = """
    UPDATE sync_syncstatus SET hold_until = %s,
        next_check_at = CASE WHEN next_check_at < %s THEN %s ELSE next_check_at END
    WHERE key_id = %s
"""


@dataclass(frozen=True, slots=True)
class CallUsage:
    """What one result tells of the budget: requests sent, for whom they counted, a 429's wait.

    `environment` is where they were sent; `organization_id` is that of the response's header, ""
    where none was sent.
    """

    calls: int = 0
    organization_id: str = ""
    hold_until: datetime | None = None
    environment: str = DEFAULT_ENVIRONMENT


def check_usage(result: CheckResult) -> CallUsage:
    """The usage of a check."""
    return call_usage(
        result.info, result.failure, at=result.finished_at, environment=result.environment
    )


def call_usage(
    info: CallInfo | None, failure: CallFailure | None, *, at: datetime, environment: str
) -> CallUsage:
    """The usage of a call in `environment` that ended at `at`, with `info` or with a failure."""
    if failure is None:
        calls, organization_id = (info.requests_sent, info.organization_id) if info else (0, "")
        return CallUsage(calls, organization_id, environment=environment)
    is_limited = failure.kind in _LIMIT_KINDS
    hold_until = hold_until_from_failure(failure, now=at) if is_limited else None
    return CallUsage(failure.calls, failure.organization_id, hold_until, environment)


def budget_group(
    usage: CallUsage, *, organisation_id: int, entered_id: str, former_group: str = ""
) -> str:
    """The name of the group of keys whose calls are counted together, after this one.

    Where the answer names no organisation a key stays where an earlier answer of the same
    environment put it (`former_group`).
    """
    environment = usage.environment
    if usage.organization_id:
        return f"{environment}:{_REPORTED}:{usage.organization_id}"
    if former_group.startswith(f"{environment}:{_REPORTED}:"):
        return former_group
    if entered_id:
        return f"{environment}:{_ENTERED}:{organisation_id}:{entered_id}"
    return f"{environment}:{_ORGANISATION}:{organisation_id}"


@dataclass(frozen=True, slots=True)
class BudgetGroupParts:
    """What the name of a group says; `organisation_id` (here) is None where Aitronos named it."""

    environment: str
    organisation_id: int | None
    id: str  # at Aitronos; "" where none is known


def budget_group_parse(group: str) -> BudgetGroupParts:
    """The parts of a name that `budget_group` made; an id may hold any character."""
    environment, origin, rest = group.split(":", 2)
    if origin == _REPORTED:
        return BudgetGroupParts(environment, None, rest)
    organisation_id, _separator, entered_id = rest.partition(":")
    return BudgetGroupParts(environment, int(organisation_id), entered_id)


def is_budget_group_of(group: str, environment: str) -> bool:
    """Whether the group is one of this environment; "" is of none."""
    return group.startswith(f"{environment}:")


@dataclass(frozen=True, slots=True)
class GroupBudget:
    """One group at one moment: calls made today (UTC), keys checked on schedule, its hold."""

    calls: int = 0
    key_count: int = 0
    hold_until: datetime | None = None

    def apply_to(self, policy: CheckPolicy, *, now: datetime) -> CheckPolicy:
        """The spans for a key of this group.

        With the day's calls used up nothing is checked more often than the period says, and that
        leads into the next day.
        """
        period = stretched_period(policy.period, self, now=now, daily=settings.AITRONOS_DAILY_CALLS)
        is_used_up = self.calls >= settings.AITRONOS_DAILY_CALLS
        hold_until = self.hold_until
        # Further ahead than any wait: our clock was set back.
        is_held = hold_until is not None and now < hold_until <= now + MAX_PLANNING_HORIZON
        return replace(
            policy,
            period=period,
            fresh=period if is_used_up else policy.fresh,
            hold_until=hold_until if is_held else None,
        )


def stretched_period(
    period: timedelta, budget: GroupBudget, *, now: datetime, daily: int
) -> timedelta:
    """`period`, or as much longer as it takes for all keys to stay within `daily` calls.

    An even day, and what is left of this one, whichever takes longer; at most until the next
    day's turn. In whole seconds where it is stretched.
    """
    even_period = budget.key_count * DAY / daily
    rest_of_day = _start_of_day(now) + DAY - now
    until_next_turn = rest_of_day + even_period
    calls_left = daily - budget.calls
    wait = budget.key_count * rest_of_day / calls_left if calls_left > 0 else until_next_turn
    stretched = min(max(wait, even_period), until_next_turn)
    if stretched <= period:
        return period
    return timedelta(seconds=math.ceil(stretched.total_seconds()))


def calls_count(
    usages: Iterable[tuple[str, CallUsage]], *, now: datetime, joined_groups: Collection[str] = ()
) -> dict[str, GroupBudget]:
    """Count these calls by their group, in one statement; returns the groups as they are then.

    `joined_groups` names the new group of each key that comes into one with this very result and
    is not saved in it yet. Call it inside a transaction, after the rows of keys are locked.
    """
    calls, holds = Counter[str](), dict[str, datetime]()
    for group, usage in usages:
        calls[group] += usage.calls
        if usage.hold_until is not None:
            holds[group] = max(usage.hold_until, holds.get(group, usage.hold_until))
    if not calls:
        return {}
    day, adapt = _start_of_day(now).date(), connection.ops.adapt_datetimefield_value
    # In order, so that two workers never wait for each other's rows.
    values = [
        value
        for group in sorted(calls)
        for value in (group, day, calls[group], 0, adapt(holds[group]) if group in holds else None)
    ]
    placeholders = ", ".join(["(%s, %s, %s, %s, %s)"] * len(calls))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_SQL.format(placeholders=placeholders), values)
        rows = cursor.fetchall()
    budgets, outdated, joined = dict[str, GroupBudget](), dict[str, int](), Counter(joined_groups)
    for pk, group, call_count, key_count, counted_at, hold_until in rows:
        budgets[group] = GroupBudget(call_count, key_count, moment_from_database(hold_until))
        counted_at = moment_from_database(counted_at)
        if counted_at is None or abs(now - counted_at) >= _RECOUNT_AFTER or group in joined:
            outdated[group] = pk
    for group, key_count in _recount_keys(outdated, joined, now=now).items():
        budgets[group] = replace(budgets[group], key_count=key_count)
    return budgets


def _recount_keys(
    outdated: dict[str, int], joined: Counter[str], *, now: datetime
) -> dict[str, int]:
    """Count the keys of these groups and store it: those whose count is an hour old, or into which
    a key has just come. Returns the counts; `outdated` has the ids of the groups' rows.
    """
    if not outdated:
        return {}
    # Refused keys are tried once an hour: their share of the day is small, and counted as it comes.
    rows = SyncStatus.objects.filter(
        budget_group__in=list(outdated),
        refusals__lt=REFUSALS_TO_REJECT,
        key__status=KeyLifecycle.ACTIVE,
        key__paused_at=None,
    )
    counts = dict(rows.values_list("budget_group").annotate(Count("pk")).order_by())
    key_counts = {group: counts.get(group, 0) + joined[group] for group in outdated}
    counted_at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.executemany(
            _KEY_COUNT_SQL,
            [(key_counts[group], counted_at, pk) for group, pk in outdated.items()],
        )
    return key_counts


def siblings_hold(usages: Iterable[tuple[str, int, CallUsage]], *, now: datetime) -> None:
    """Let all keys of a group wait where a 429 asked one of them to: (group, organisation, usage).

    They come back one after the other. Rows that another process is storing are passed over: they
    read the group's hold from its budget. Call it inside a transaction.
    """
    holds = dict[tuple[str, int], datetime]()
    for group, organisation_id, usage in usages:
        if usage.hold_until is not None and usage.hold_until > now:
            former = holds.get((group, organisation_id), usage.hold_until)
            holds[group, organisation_id] = max(former, usage.hold_until)
    for (group, organisation_id), until in sorted(holds.items()):
        rows = SyncStatus.objects.select_for_update(skip_locked=True, no_key=True)
        rows = rows.filter(_sibling_q(group, organisation_id)).exclude(
            hold_until__gte=until - _HOLD_TOLERANCE, next_check_at__gte=until - _HOLD_TOLERANCE
        )
        ids = list(rows.order_by("next_check_at", "pk").values_list("pk", flat=True))
        adapt = connection.ops.adapt_datetimefield_value
        values = [
            (adapt(until), adapt(until), adapt(until + position * _SIBLING_SPACING), pk)
            for position, pk in enumerate(ids)
        ]
        with connection.cursor() as cursor:
            cursor.executemany(_HOLD_SQL, values)


def _sibling_q(group: str, organisation_id: int) -> Q:
    """The keys of the group; of the same organisation here also those that entered this id."""
    siblings, parts = Q(budget_group=group), budget_group_parse(group)
    if not parts.id:
        return siblings
    if parts.organisation_id is None:
        entered_group = f"{parts.environment}:{_ENTERED}:{organisation_id}:{parts.id}"
        return siblings | Q(budget_group=entered_group)
    reported_group = f"{parts.environment}:{_REPORTED}:{parts.id}"
    return siblings | Q(budget_group=reported_group, organisation=organisation_id)


def key_calls_record(
    usages: Sequence[tuple[int, CallUsage]], *, is_candidate: bool = False
) -> None:
    """Count calls made with these keys (id, usage) beside their checks, and hold their siblings.

    A candidate is another secret than the key's own: what is known of that says nothing of it.
    """
    sent = [(key_id, usage) for key_id, usage in usages if usage.calls]
    if not sent:
        return
    columns = ("organisation_id", "organization_id", "sync_status__budget_group")
    keys = ApiKey.objects.filter(pk__in={key_id for key_id, _usage in sent})
    values = {pk: rest for pk, *rest in keys.values_list("pk", *columns)}
    organisation_calls_record(
        [
            (organisation_id, entered_id, "" if is_candidate else group or "", usage)
            for key_id, usage in sent
            if key_id in values
            for organisation_id, entered_id, group in (values[key_id],)
        ]
    )


def organisation_calls_record(usages: Sequence[tuple[int, str, str, CallUsage]]) -> None:
    """Count calls, each with the organisation here, the id entered and the key's group so far."""
    now = clock.now()
    grouped = [
        (
            budget_group(
                usage,
                organisation_id=organisation_id,
                entered_id=entered_id,
                former_group=former_group,
            ),
            organisation_id,
            usage,
        )
        for organisation_id, entered_id, former_group, usage in usages
        if usage.calls
    ]
    with transaction.atomic():
        siblings_hold(grouped, now=now)
        calls_count([(group, usage) for group, _organisation, usage in grouped], now=now)


def call_budgets_prune() -> None:
    """Delete the counts of days that are over for a week."""
    now = trusted_now()
    if now is not None:
        CallBudget.objects.filter(day__lt=_start_of_day(now - _RETENTION).date()).delete()


@dataclass(frozen=True, slots=True)
class BudgetsToday:
    """The day's calls as a whole: of how many groups, and the fullest ones."""

    day: date
    calls: int
    stretched_groups: int
    fullest: list[CallBudget]
    organisation_names: dict[int, str]  # of the organisations here that `fullest` names


def budgets_today(*, now: datetime, limit: int = 5) -> BudgetsToday:
    """The counts of this day (UTC); `fullest` are up to `limit` groups, most calls first."""
    day = _start_of_day(now).date()
    budgets = list(CallBudget.objects.filter(day=day).order_by("-calls", "budget_group"))
    period = timedelta(seconds=settings.STATUS_CHECK_SECONDS)
    stretched = sum(budget_period(budget, now=now) > period for budget in budgets)
    fullest = budgets[:limit]
    parts = [budget_group_parse(budget.budget_group) for budget in fullest]
    organisation_ids = [part.organisation_id for part in parts if part.organisation_id is not None]
    names = Organisation.objects.filter(pk__in=organisation_ids).values_list("pk", "name")
    calls = sum(budget.calls for budget in budgets)
    return BudgetsToday(day, calls, stretched, fullest, dict(names))


def budget_period(budget: CallBudget, *, now: datetime) -> timedelta:
    """How often the keys of this group are checked now."""
    return stretched_period(
        timedelta(seconds=settings.STATUS_CHECK_SECONDS),
        GroupBudget(budget.calls, budget.key_count),
        now=now,
        daily=settings.AITRONOS_DAILY_CALLS,
    )


def _start_of_day(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

"""`/metrics` for Prometheus, read from the database at each scrape.

So several web processes, and a worker elsewhere, need nothing in common but the database. No
organisation and no key is named: their number has no limit, and a scrape is read by many.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from freddy_admin.accounts.api_tokens import api_token_authenticate
from freddy_admin.alerts.condition import alerts_condition_get
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import deletion_hold_get
from freddy_admin.core.errors import NotAllowed, PublicError
from freddy_admin.core.json_responses import error_response
from freddy_admin.core.outbox import outbox_lane_state, outbox_lanes
from freddy_admin.core.tasks import OUTBOX_QUEUE, QueueName, is_engine_installed, queue_jobs_list
from freddy_admin.core.write_failures import write_failure_probe
from freddy_admin.organisations.access import can_create_organisations
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.metrics import ApiMetrics, LabelPair, PlatformMetrics, platform_metrics
from freddy_admin.sync.models.operations import OperationKind, OperationState
from freddy_admin.sync.waiting_work import waiting_work_list

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MetricFamily:
    """One metric: its name, what it is, and its samples; a value of None is left out."""

    name: str
    kind: str  # gauge or counter
    text: str
    samples: Sequence[tuple[Labels, float | None]]


def render_metric_families(families: Iterable[MetricFamily]) -> str:
    """The families in Prometheus' text format."""
    lines: list[str] = []
    for family in families:
        samples = [(labels, value) for labels, value in family.samples if value is not None]
        if not samples:
            continue
        lines += [
            f"# HELP {family.name} {_escape_text(family.text, quotes=False)}",
            f"# TYPE {family.name} {family.kind}",
            *(f"{family.name}{_render_labels(labels)} {value:.10g}" for labels, value in samples),
        ]
    return "".join(f"{line}\n" for line in lines)


def _render_labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_escape_text(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escape_text(text: str, *, quotes: bool = True) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped


@login_not_required
@require_safe
def metrics_view(request: HttpRequest) -> HttpResponse:
    """The metrics, for a token of a platform admin that is good for all organisations."""
    try:
        grant = api_token_authenticate(request)
        if not can_create_organisations(user=grant.user) or grant.organisation_ids is not None:
            raise NotAllowed(
                _("Give a token of a platform admin that is good for all organisations.")
            )
    except PublicError as error:
        return error_response(error)
    text = render_metric_families(_metric_families(platform_metrics(now=clock.now())))
    return HttpResponse(text, content_type=CONTENT_TYPE)


def _metric_families(metrics: PlatformMetrics) -> Iterator[MetricFamily]:
    build_labels = {"version": settings.VERSION, "database": connection.vendor}
    yield MetricFamily("freddy_build_info", "gauge", "What runs here.", [(build_labels, 1)])
    yield from _key_metric_families(metrics)
    yield from _check_and_operation_families(metrics)
    yield from _call_budget_families(metrics)
    yield from _system_metric_families(metrics)
    yield from _outbox_metric_families(clock.now())
    yield from _alert_metric_families(clock.now())
    yield from _waiting_work_families(clock.now())
    if is_engine_installed():
        yield from _engine_families()


def _key_metric_families(metrics: PlatformMetrics) -> Iterator[MetricFamily]:
    states = [({"state": state}, metrics.states[state]) for state in HealthState.values]
    yield MetricFamily("freddy_keys", "gauge", "Active API keys by state.", states)
    latest_checks = _outcome_samples(metrics.latest_checks)
    text = "Active API keys by how their latest check ended; no kind where it was good."
    yield MetricFamily("freddy_keys_latest_check", "gauge", text, latest_checks)
    refused = [({"http_status": str(n)}, metrics.refused_alike[n]) for n in (401, 403)]
    text = "Active API keys that Aitronos refuses in the same way, by HTTP status."
    yield MetricFamily("freddy_keys_refused_alike", "gauge", text, refused)
    text = "Age of the oldest latest check among the keys that are not paused."
    yield _gauge_family("freddy_oldest_check_age_seconds", text, metrics.oldest_check_age)
    text = "Keys whose check is due and has not begun."
    yield _gauge_family("freddy_keys_due", text, metrics.due)
    text = "How long the key has waited that waits longest for its check."
    yield _gauge_family("freddy_keys_due_longest_seconds", text, metrics.longest_due_age or 0.0)


def _check_and_operation_families(metrics: PlatformMetrics) -> Iterator[MetricFamily]:
    checks = _outcome_samples(metrics.checks)
    text = "Checks that ended, by outcome and kind of failure, since the panel was set up."
    yield MetricFamily("freddy_checks_total", "counter", text, checks)
    operations = [
        ({"kind": kind, "state": state}, metrics.operations[kind, state])
        for kind in OperationKind.values
        for state in OperationState.values
    ]
    text = "Syncs and switches that were asked for, by how far they came."
    yield MetricFamily("freddy_orders", "gauge", text, operations)


def _call_budget_families(metrics: PlatformMetrics) -> Iterator[MetricFamily]:
    text = "Calls of Aitronos since midnight UTC, of all its organisations together."
    yield _gauge_family("freddy_api_calls_today", text, metrics.calls_today)
    text = "Calls that Aitronos allows each of its organisations a day: AITRONOS_DAILY_CALLS."
    yield _gauge_family("freddy_api_calls_daily_limit", text, settings.AITRONOS_DAILY_CALLS)
    text = "Organisations at Aitronos whose keys are checked less often, to stay within that."
    yield _gauge_family("freddy_api_organisations_stretched", text, metrics.stretched_groups)
    text = "Keys whose latest check was planned less often than STATUS_CHECK_SECONDS."
    yield _gauge_family("freddy_keys_stretched", text, metrics.stretched_keys)


def _system_metric_families(metrics: PlatformMetrics) -> Iterator[MetricFamily]:
    text = "Whether the database takes writes: 1, or 0 where it can only be read or is full."
    is_writable = write_failure_probe(write_row=True) is None
    yield _gauge_family("freddy_database_writable", text, is_writable)
    text = "Workers with a recent sign of life."
    yield _gauge_family("freddy_workers_alive", text, metrics.workers_alive)
    text = "Age of the latest sign of life of any worker."
    yield _gauge_family("freddy_worker_beat_age_seconds", text, metrics.latest_heartbeat_age)
    text = "Workers whose master key does not fit the database."
    yield _gauge_family("freddy_workers_master_key_fault", text, metrics.master_key_faults)
    text = "1 while nothing is deleted, for the clock jumped."
    yield _gauge_family("freddy_deletion_held", text, deletion_hold_get() is not None)
    yield from _api_metric_families(metrics.apis)
    text = "Keys of environments that are not set up, so that they are not called."
    counts: list[tuple[Labels, float | None]] = [
        ({"environment": name}, n) for name, n in metrics.missing_environments.items()
    ]
    yield MetricFamily("freddy_keys_without_environment", "gauge", text, counts)


def _api_metric_families(apis: Sequence[ApiMetrics]) -> Iterator[MetricFamily]:
    # Without a label for the default one, as long before there were others.
    labels: list[Labels] = [
        {} if api.environment == DEFAULT_ENVIRONMENT else {"environment": api.environment}
        for api in apis
    ]
    families = (
        (
            "freddy_api_reachable",
            "Whether Aitronos answers, and that it is well: 1 or 0.",
            [api.reachable for api in apis],
        ),
        (
            "freddy_api_components_not_well",
            "Parts of Aitronos that are not well, as it says itself.",
            [api.components_not_well for api in apis],
        ),
        (
            "freddy_api_checked_age_seconds",
            "Age of that answer.",
            [api.age for api in apis],
        ),
        (
            "freddy_api_answer_seconds",
            "How long that answer took.",
            [api.answer_seconds for api in apis],
        ),
    )
    for name, text, values in families:
        yield MetricFamily(name, "gauge", text, list(zip(labels, values, strict=True)))


def _outbox_metric_families(now: datetime) -> Iterator[MetricFamily]:
    lanes = [outbox_lane_state(lane) for lane in outbox_lanes()]
    text = "Messages that wait to be sent, by lane."
    counts = [({"lane": lane.lane}, lane.waiting) for lane in lanes]
    yield MetricFamily("freddy_outbox_waiting", "gauge", text, counts)
    text = "How long the message has waited that waits longest, by lane."
    ages = [({"lane": lane.lane}, _age_seconds(lane.waiting_since, now)) for lane in lanes]
    yield MetricFamily("freddy_outbox_oldest_age_seconds", "gauge", text, ages)
    text = "Messages given up within seven days, by lane and reason."
    given_up = [
        ({"lane": lane.lane, "reason": reason}, count)
        for lane in lanes
        for reason, count in lane.given_up.items()
    ]
    yield MetricFamily("freddy_outbox_given_up", "gauge", text, given_up)


def _alert_metric_families(now: datetime) -> Iterator[MetricFamily]:
    alerts = alerts_condition_get(now=now)
    open_incidents = [({"severity": s.value}, n) for s, n in alerts.incidents_open.items()]
    text = "Incidents that are open or acknowledged, by severity."
    yield MetricFamily("freddy_incidents_open", "gauge", text, open_incidents)
    outcomes = [
        ({"channel": kind, "outcome": state}, count)
        for (kind, state), count in alerts.outcomes.items()
    ]
    text = "Messages of incidents within seven days, by kind of channel and how far they came."
    yield MetricFamily("freddy_deliveries", "gauge", text, outcomes)
    text = "How long the message of an incident has waited that waits longest."
    age = _age_seconds(alerts.waiting_since, now)
    yield _gauge_family("freddy_deliveries_oldest_age_seconds", text, age)
    text = "Channels that do not take what they are sent for ten minutes."
    yield _gauge_family("freddy_channels_failing", text, alerts.failing_count)
    text = "Channels that are off, for the other side refused them for good."
    yield _gauge_family("freddy_channels_refused", text, alerts.disabled_count)
    text = "Whether messages are due and nobody sends them: 1 or 0."
    yield _gauge_family("freddy_messages_stand_still", text, alerts.stands_still)
    sent_at = alerts.heartbeat.sent_at
    text = "How long ago HEARTBEAT_URL was told that the panel works."
    heartbeat_age = _age_seconds(sent_at, now) if sent_at else None
    yield _gauge_family("freddy_outside_heartbeat_age_seconds", text, heartbeat_age)


def _age_seconds(since: datetime | None, now: datetime) -> float:
    """How long ago it is; 0 where there is nothing, and for what lies ahead."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _waiting_work_families(now: datetime) -> Iterator[MetricFamily]:
    waiting = waiting_work_list()
    text = "What is due or was asked for and no worker has begun, by queue."
    counts = [({"queue": work.queue}, work.count) for work in waiting]
    yield MetricFamily("freddy_queue_waiting", "gauge", text, counts)
    text = "How long that has waited which waits longest, by queue."
    ages = [({"queue": work.queue}, _age_seconds(work.since, now)) for work in waiting]
    yield MetricFamily("freddy_queue_oldest_age_seconds", "gauge", text, ages)
    text = "What workers have begun and not finished, by queue."
    running = [({"queue": work.queue}, work.running) for work in waiting]
    yield MetricFamily("freddy_queue_running", "gauge", text, running)


def _engine_families() -> Iterator[MetricFamily]:
    jobs = {job.queue: job for job in queue_jobs_list()}
    queues = sorted({*QueueName, OUTBOX_QUEUE, *jobs})
    text = "Jobs that wake a worker, by queue and whether one has taken them."
    counts: list[tuple[Labels, float | None]] = []
    for queue in queues:
        job = jobs.get(queue)
        counts.append(({"queue": queue, "state": "waiting"}, job.waiting if job else 0))
        counts.append(({"queue": queue, "state": "running"}, job.running if job else 0))
    yield MetricFamily("freddy_jobs", "gauge", text, counts)
    text = "How long the oldest job has waited that none has taken; under a second with workers."
    age = max((job.age for job in jobs.values()), default=0.0)
    yield _gauge_family("freddy_jobs_oldest_age_seconds", text, age)


def _gauge_family(name: str, text: str, value: float | None) -> MetricFamily:
    return MetricFamily(name, "gauge", text, [({}, value)])


def _outcome_samples(
    counts: Mapping[LabelPair, int],
) -> list[tuple[Labels, float | None]]:
    return [
        ({"outcome": outcome, "kind": kind}, count)
        for (outcome, kind), count in sorted(counts.items())
    ]

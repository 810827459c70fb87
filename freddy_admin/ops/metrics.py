"""`/metrics` for Prometheus, read from the database at each scrape.

So several web processes, and a worker elsewhere, need nothing in common but the database. No
organisation and no key is named: their number has no limit, and a scrape is read by many.
"""

from collections.abc import Iterator, Mapping

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from freddy_admin.accounts.tokens.bearer import bearer_grant
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import deletion_hold
from freddy_admin.core.database_writes import write_fault_now
from freddy_admin.core.errors import NotAllowed, PublicError
from freddy_admin.core.machines import refusal
from freddy_admin.ops.exposition import CONTENT_TYPE, Family, exposed
from freddy_admin.organisations.selectors import may_create_organisations
from freddy_admin.sync.gauges import Gauges, Pair, gauges_read
from freddy_admin.sync.models.orders import OrderKind, OrderState
from freddy_admin.sync.states import State


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a token of a platform admin that is good for all organisations."""
    try:
        grant = bearer_grant(request)
        if not may_create_organisations(user=grant.user) or grant.organisation_ids is not None:
            raise NotAllowed(
                _("Give a token of a platform admin that is good for all organisations.")
            )
    except PublicError as refused:
        return refusal(refused)
    text = exposed(_families(gauges_read(now=clock.now())))
    return HttpResponse(text, content_type=CONTENT_TYPE)


def _families(found: Gauges) -> Iterator[Family]:
    about = {"version": settings.VERSION, "database": connection.vendor}
    yield Family("freddy_build_info", "gauge", "What runs here.", [(about, 1)])
    yield from _keys(found)
    yield from _work(found)
    yield from _surroundings(found)


def _keys(found: Gauges) -> Iterator[Family]:
    states = [({"state": state.value}, float(found.states[state.value])) for state in State]
    yield Family("freddy_keys", "gauge", "Active API keys by state.", states)
    latest = _by(found.latest_checks, "outcome", "kind")
    text = "Active API keys by how their latest check ended; no kind where it was good."
    yield Family("freddy_keys_latest_check", "gauge", text, latest)
    text = "Age of the oldest latest check among the keys that are not paused."
    yield _one("freddy_oldest_check_age_seconds", text, found.oldest_check)
    text = "Keys whose check is due and has not begun."
    yield _one("freddy_keys_due", text, found.due)
    text = "How long the key has waited that waits longest for its check."
    yield _one("freddy_keys_due_longest_seconds", text, found.longest_due or 0.0)


def _work(found: Gauges) -> Iterator[Family]:
    checks = _by(found.checks, "outcome", "kind")
    text = "Checks that ended, by outcome and kind of failure, since the panel was set up."
    yield Family("freddy_checks_total", "counter", text, checks)
    orders = [
        ({"kind": kind.value, "state": state.value}, float(found.orders[kind.value, state.value]))
        for kind in OrderKind
        for state in OrderState
    ]
    text = "Syncs and switches that were asked for, by how far they came."
    yield Family("freddy_orders", "gauge", text, orders)


def _surroundings(found: Gauges) -> Iterator[Family]:
    text = "Whether the database takes writes: 1, or 0 where it can only be read or is full."
    yield _one("freddy_database_writable", text, float(write_fault_now(writing=True) is None))
    yield _one("freddy_workers_alive", "Workers with a recent sign of life.", found.workers_alive)
    text = "Age of the latest sign of life of any worker."
    yield _one("freddy_worker_beat_age_seconds", text, found.latest_beat)
    text = "Workers whose master key does not fit the database."
    yield _one("freddy_workers_master_key_fault", text, found.master_key_faults)
    reachable = None if found.api_reachable is None else float(found.api_reachable)
    held = float(deletion_hold() is not None)
    yield _one("freddy_deletion_held", "1 while nothing is deleted, for the clock jumped.", held)
    yield _one("freddy_api_reachable", "Whether Aitronos answers: 1 or 0.", reachable)
    yield _one("freddy_api_checked_age_seconds", "Age of that answer.", found.api_age)
    yield _one("freddy_api_answer_seconds", "How long that answer took.", found.api_seconds)


def _one(name: str, text: str, value: float | None) -> Family:
    return Family(name, "gauge", text, [({}, value)])


def _by(counts: Mapping[Pair, int], *names: str) -> list[tuple[Mapping[str, str], float | None]]:
    return [
        (dict(zip(names, pair, strict=True)), float(times))
        for pair, times in sorted(counts.items())
    ]

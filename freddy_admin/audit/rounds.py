"""What the worker does for the log: writes counts, links what was left, walks the chain."""

import logging
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.audit.chain import HEAD, chain_catch_up
from freddy_admin.audit.models import AuditCheck, AuditHead
from freddy_admin.audit.repeats import repeats_close
from freddy_admin.audit.verifying import Problem, Walk, walk_from, walk_step

log = logging.getLogger(__name__)

EVERY: Final = timedelta(days=1)
SLICE: Final = 500


def audit_round(*, now: datetime) -> bool:
    """Do one small piece of work; whether more is left to be done soon."""
    if repeats_close(now=now):
        return True
    check = audit_check()
    due = check is None or check.verified_at is None or abs(now - check.verified_at) >= EVERY
    walking = check is not None and bool(check.walk)
    if not walking and not due:
        chain_catch_up()
        return False
    if not walking:
        chain_catch_up(whole=True)
    walk = walk_from(check.walk if check else {})
    problem = walk_step(walk, limit=SLICE)
    if walk.ended:
        _ended(walk, problem, now=now)
    else:
        AuditCheck.objects.update_or_create(pk=HEAD, defaults={"walk": walk.as_json()})
    return not walk.ended


def audit_check() -> AuditCheck | None:
    """How far the present walk is and what the last one found."""
    return AuditCheck.objects.filter(pk=HEAD).first()


def _ended(walk: Walk, problem: Problem | None, *, now: datetime) -> None:
    found = problem.as_json() if problem else {}
    values = {"walk": {}, "verified_at": now, "events": walk.place, "problem": found}
    AuditCheck.objects.update_or_create(pk=HEAD, defaults=values)
    if problem is not None:
        log.error("The audit log is not in order (%s): run `manage.py doctor`.", problem.wrong)
        return
    # Whoever keeps the log files elsewhere can see by these that the whole database is not older.
    head = AuditHead.objects.filter(pk=HEAD).first()
    last = (head and head.last[:16]) or "none"
    log.info("The audit log is in order: %d events, the last one %s.", walk.place, last)

"""The worker's job for the log: writes counts, links unlinked events, verifies the chain."""

import logging
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.audit.chain import HEAD_PK, chain_append_missing
from freddy_admin.audit.chain_verification import (
    ChainProblem,
    VerificationProgress,
    chain_verify_step,
    verification_progress_from_values,
)
from freddy_admin.audit.models import AuditHead, AuditVerification
from freddy_admin.audit.repeats import repeat_counts_flush

log = logging.getLogger(__name__)

VERIFICATION_INTERVAL: Final = timedelta(days=1)
EVENTS_PER_RUN: Final = 500


def audit_verification_run_step(*, now: datetime) -> bool:
    """Do one small piece of the job; whether more is left to be done soon."""
    if repeat_counts_flush(now=now):
        return True
    verification = audit_verification_get()
    is_due = (
        verification is None
        or verification.verified_at is None
        or abs(now - verification.verified_at) >= VERIFICATION_INTERVAL
    )
    is_running = verification is not None and bool(verification.progress)
    if not is_running and not is_due:
        chain_append_missing()
        return False
    if not is_running:
        chain_append_missing(whole=True)
    progress = verification_progress_from_values(verification.progress if verification else {})
    problem = chain_verify_step(progress, limit=EVENTS_PER_RUN)
    if progress.is_finished:
        _store_result(progress, problem, now=now)
    else:
        AuditVerification.objects.update_or_create(
            pk=HEAD_PK, defaults={"progress": progress.as_json()}
        )
    return not progress.is_finished


def audit_verification_get() -> AuditVerification | None:
    """The row with the progress of the current verification and the result of the last one."""
    return AuditVerification.objects.filter(pk=HEAD_PK).first()


def _store_result(
    progress: VerificationProgress, problem: ChainProblem | None, *, now: datetime
) -> None:
    values = {
        "progress": {},
        "verified_at": now,
        "events": progress.place,
        "problem": problem.as_json() if problem else {},
    }
    AuditVerification.objects.update_or_create(pk=HEAD_PK, defaults=values)
    if problem is not None:
        log.error("The audit log is not in order (%s): run `manage.py doctor`.", problem.kind)
        return
    # Log files that are kept elsewhere show by these that nobody restored an older database.
    head = AuditHead.objects.filter(pk=HEAD_PK).first()
    last_hash = (head and head.last[:16]) or "none"
    log.info("The audit log is in order: %d events, the last one %s.", progress.place, last_hash)

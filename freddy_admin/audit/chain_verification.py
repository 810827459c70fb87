"""Verifies the hash chain: finds the first event that was removed, changed or added by hand.

It runs in steps of bounded size, and its progress fits into a row, so that the worker can verify a
little at a time. Only what is keyed by a known SECRET_KEY can be proven; what a former one keyed is
still covered by the first link of the next one.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db.models import QuerySet, Subquery

from freddy_admin.audit.chain import (
    HEAD_PK,
    chain_append_missing,
    chain_keys_by_id,
    event_content,
    expected_head_mac,
    unlinked_events,
)
from freddy_admin.audit.models import (
    AuditEpoch,
    AuditEvent,
    AuditHead,
    AuditLink,
    AuditVerification,
    EpochKind,
)
from freddy_admin.audit.services import repeat_counts_flush
from freddy_admin.crypto.hash_chain import CHAIN_START, ChainKey, extend_digest

EVENTS_PER_STEP = 1_000


class ChainProblemKind(StrEnum):
    """What can be wrong with the log."""

    REMOVED = "removed"
    CHANGED = "changed"
    ADDED = "added"
    NEWEST_REMOVED = "newest_removed"
    END_CHANGED = "end_changed"
    END_MISSING = "end_missing"
    RESTARTED = "begun_anew"


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """The first problem of the log: its kind, an event's number where known, and a time near it.

    `at` is the event's own time, or, of one that was removed, that of the event before it.
    """

    kind: ChainProblemKind
    number: int | None = None
    at: str = ""

    def as_json(self) -> dict[str, Any]:
        """The value of `AuditVerification.problem`."""
        return {"wrong": self.kind, "number": self.number, "at": self.at}


@dataclass(slots=True)
class VerificationProgress:
    """How far a verification is: everything up to `place` fits together."""

    place: int = 0
    digest: str = CHAIN_START
    last: str = CHAIN_START
    at: str = ""
    # Since this place nothing could be proven, for want of the SECRET_KEY of that time.
    unproven_since: int = 0
    # Ranges of places that only a former key covers: first and last place of each.
    former: list[list[int]] = field(default_factory=list)
    is_finished: bool = False

    def as_json(self) -> dict[str, Any]:
        """The value of `AuditVerification.progress`."""
        values = asdict(self)
        values["ended"] = values.pop("is_finished")
        return values


def verification_progress_from_values(values: Mapping[str, Any]) -> VerificationProgress:
    """The progress stored in `AuditVerification.progress`; a new one where that is empty."""
    fields = {name: value for name, value in values.items() if name != "ended"}
    return VerificationProgress(**fields, is_finished=values.get("ended", False))


def chain_verify_step(
    progress: VerificationProgress, *, limit: int = EVENTS_PER_STEP
) -> ChainProblem | None:
    """Verify at most `limit` more events, which sets `progress.is_finished` at the end."""
    head = AuditHead.objects.filter(pk=HEAD_PK).first()
    if head is None:
        progress.is_finished = True
        return (
            ChainProblem(ChainProblemKind.END_MISSING)
            if AuditLink.objects.exists()
            else _find_foreign_unlinked_event()
        )
    links = list(_remaining_links(progress, head)[:limit])
    events = AuditEvent.objects.in_bulk([link.event_id for link in links])
    verifier = _LinkVerifier(progress)
    for link in links:
        problem = verifier.verify_link(link, events.get(link.event_id))
        if problem is not None:
            progress.is_finished = True
            return problem
    if len(links) == limit:
        return None
    progress.is_finished = True
    return (
        _verify_head(progress, head)
        or _find_link_beyond_head()
        or _find_foreign_unlinked_event()
        or _find_restarted_epoch()
    )


def chain_verify() -> tuple[VerificationProgress, ChainProblem | None]:
    """Verify the whole chain, step by step."""
    progress = VerificationProgress()
    while True:
        problem = chain_verify_step(progress)
        if progress.is_finished:
            return progress, problem


def secret_key_change_times() -> list[datetime]:
    """The moments at which another SECRET_KEY was first used, the oldest first."""
    epochs = AuditEpoch.objects.filter(kind=EpochKind.KEY_CHANGED)
    return list(epochs.order_by("pk").values_list("began_at", flat=True))


class _LinkVerifier:
    """Verifies links one after the other, with the keys and the epochs of the chain at hand."""

    def __init__(self, progress: VerificationProgress) -> None:
        self.progress = progress
        self.keys = chain_keys_by_id()
        self.epochs = list(AuditEpoch.objects.order_by("first_place", "pk"))

    def verify_link(self, link: AuditLink, event: AuditEvent | None) -> ChainProblem | None:
        """Verify the next link and its event; the problem, or None after recording the progress."""
        progress = self.progress
        if link.place < 1:
            return ChainProblem(ChainProblemKind.ADDED, link.event_id, progress.at)
        if event is None:
            return ChainProblem(ChainProblemKind.REMOVED, link.event_id, progress.at)
        if link.place != progress.place + 1:
            return ChainProblem(ChainProblemKind.REMOVED, None, progress.at)
        epoch = self._epoch_at(link.place)
        if epoch and epoch.first_place == link.place and epoch.kind == EpochKind.RESTARTED:
            progress.digest = CHAIN_START
        digest = extend_digest(progress.digest, event_content(event))
        key = self.keys.get(epoch.key_id) if epoch else None
        if epoch is None or (
            key and key.link_hash(former=progress.last, digest=digest) != link.hash
        ):
            return ChainProblem(ChainProblemKind.CHANGED, event.pk, event.at.isoformat())
        self._record_whether_proven(link.place, proven=key is not None)
        progress.place, progress.digest, progress.last = link.place, digest, link.hash
        progress.at = event.at.isoformat()
        return None

    def _epoch_at(self, place: int) -> AuditEpoch | None:
        epochs = [epoch for epoch in self.epochs if epoch.first_place <= place]
        return epochs[-1] if epochs else None

    def _record_whether_proven(self, place: int, *, proven: bool) -> None:
        progress = self.progress
        if not proven:
            progress.unproven_since = progress.unproven_since or place
        elif progress.unproven_since:
            progress.former.append([progress.unproven_since, place - 1])
            progress.unproven_since = 0


def _remaining_links(progress: VerificationProgress, head: AuditHead) -> QuerySet[AuditLink]:
    links = AuditLink.objects.filter(place__lte=head.count).order_by("place")
    # The panel writes no place below the first one.
    return links.filter(place__gt=progress.place) if progress.place else links


def _verify_head(progress: VerificationProgress, head: AuditHead) -> ChainProblem | None:
    if progress.place < head.count:
        return ChainProblem(ChainProblemKind.NEWEST_REMOVED, None, progress.at)
    key: ChainKey | None = chain_keys_by_id().get(head.key_id)
    is_same_end = (head.digest, head.last) == (progress.digest, progress.last)
    if not is_same_end or (key and head.proof != expected_head_mac(head, key)):
        return ChainProblem(ChainProblemKind.END_CHANGED, None, progress.at)
    return None


def _find_link_beyond_head() -> ChainProblem | None:
    # One statement, so that a link that is appended meanwhile comes with its head.
    head_count = AuditHead.objects.filter(pk=HEAD_PK).values("count")
    link = AuditLink.objects.filter(place__gt=Subquery(head_count)).order_by("place").first()
    return ChainProblem(ChainProblemKind.ADDED, link.event_id) if link else None


def _find_foreign_unlinked_event() -> ChainProblem | None:
    if AuditEvent.objects.count() <= AuditLink.objects.count():
        return None
    keys = chain_keys_by_id().values()
    for event in unlinked_events().order_by("pk").iterator(chunk_size=EVENTS_PER_STEP):
        content = event_content(event)
        if not any(key.verify_seal(content, event.seal) for key in keys):
            return ChainProblem(ChainProblemKind.ADDED, event.pk, event.at.isoformat())
    return None


def _find_restarted_epoch() -> ChainProblem | None:
    epoch = AuditEpoch.objects.filter(kind=EpochKind.RESTARTED).order_by("pk").first()
    return (
        ChainProblem(ChainProblemKind.RESTARTED, epoch.first_place, epoch.began_at.isoformat())
        if epoch
        else None
    )


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

"""Walks along the chain and finds the first event that was removed, changed or put in by hand.

A walk goes in steps of bounded size, and what it knows fits into a row, so that the worker can
walk a little at a time. Only what is keyed by a SECRET_KEY that is known can be proven; what a
former one keyed is still held by the first link of the next one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet, Subquery

from freddy_admin.audit.chain import HEAD, events_unlinked, head_proof, keys_known
from freddy_admin.audit.content import event_content
from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditHead, AuditLink, EpochKind
from freddy_admin.crypto.chains import START, ChainKey, digest_next

STEP = 1_000


class Wrong(StrEnum):
    """What can be wrong with the log."""

    REMOVED = "removed"
    CHANGED = "changed"
    ADDED = "added"
    NEWEST_REMOVED = "newest_removed"
    END_CHANGED = "end_changed"
    END_MISSING = "end_missing"
    BEGUN_ANEW = "begun_anew"


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong: an event's number where it has one, and a time near it.

    `at` is the event's own time, or, of one that is gone, that of the event before it.
    """

    wrong: Wrong
    number: int | None = None
    at: str = ""

    def as_json(self) -> dict[str, Any]:
        """For a row."""
        return asdict(self)


@dataclass(slots=True)
class Walk:
    """How far a walk is: everything up to `place` fits together."""

    place: int = 0
    digest: str = START
    last: str = START
    at: str = ""
    # Since this place nothing could be proven, for want of the SECRET_KEY of that time.
    unproven_since: int = 0
    # Stretches that a former key holds: first and last place.
    former: list[list[int]] = field(default_factory=list)
    ended: bool = False

    def as_json(self) -> dict[str, Any]:
        """For a row."""
        return asdict(self)


def walk_from(values: Mapping[str, Any]) -> Walk:
    """The walk that was kept; a new one where there is none."""
    return Walk(**values)


def walk_step(walk: Walk, *, limit: int = STEP) -> Problem | None:
    """Go on by at most `limit` events; `walk.ended` says that this was all."""
    head = AuditHead.objects.filter(pk=HEAD).first()
    if head is None:
        walk.ended = True
        return Problem(Wrong.END_MISSING) if AuditLink.objects.exists() else _unlinked()
    links = list(_links(walk, head)[:limit])
    events = AuditEvent.objects.in_bulk([link.event_id for link in links])
    path = _Path(walk)
    for link in links:
        problem = path.follow(link, events.get(link.event_id))
        if problem is not None:
            walk.ended = True
            return problem
    if len(links) == limit:
        return None
    walk.ended = True
    return _end(walk, head) or _beyond() or _unlinked() or _anew()


def chain_verify() -> tuple[Walk, Problem | None]:
    """Walk all the way, a step at a time."""
    walk = Walk()
    while True:
        problem = walk_step(walk)
        if walk.ended:
            return walk, problem


def key_changes() -> list[datetime]:
    """When another SECRET_KEY was first used."""
    changed = AuditEpoch.objects.filter(kind=EpochKind.KEY_CHANGED)
    return list(changed.order_by("pk").values_list("began_at", flat=True))


class _Path:
    """Follows links with the keys and the parts of the chain at hand."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.keys = keys_known()
        self.epochs = list(AuditEpoch.objects.order_by("first_place", "pk"))

    def follow(self, link: AuditLink, event: AuditEvent | None) -> Problem | None:
        """Take one step; what is wrong with it, if anything."""
        walk = self.walk
        if link.place < 1:
            return Problem(Wrong.ADDED, link.event_id, walk.at)
        if event is None:
            return Problem(Wrong.REMOVED, link.event_id, walk.at)
        if link.place != walk.place + 1:
            return Problem(Wrong.REMOVED, None, walk.at)
        epoch = self._epoch(link.place)
        if epoch and epoch.first_place == link.place and epoch.kind == EpochKind.BEGUN_ANEW:
            walk.digest = START
        digest = digest_next(walk.digest, event_content(event))
        key = self.keys.get(epoch.key_id) if epoch else None
        if epoch is None or (key and key.link(former=walk.last, digest=digest) != link.hash):
            return Problem(Wrong.CHANGED, event.pk, event.at.isoformat())
        self._prove(link.place, proven=key is not None)
        walk.place, walk.digest, walk.last = link.place, digest, link.hash
        walk.at = event.at.isoformat()
        return None

    def _epoch(self, place: int) -> AuditEpoch | None:
        begun = [epoch for epoch in self.epochs if epoch.first_place <= place]
        return begun[-1] if begun else None

    def _prove(self, place: int, *, proven: bool) -> None:
        walk = self.walk
        if not proven:
            walk.unproven_since = walk.unproven_since or place
        elif walk.unproven_since:
            walk.former.append([walk.unproven_since, place - 1])
            walk.unproven_since = 0


def _links(walk: Walk, head: AuditHead) -> QuerySet[AuditLink]:
    links = AuditLink.objects.filter(place__lte=head.count).order_by("place")
    # Places below the first one are not ours.
    return links.filter(place__gt=walk.place) if walk.place else links


def _end(walk: Walk, head: AuditHead) -> Problem | None:
    if walk.place < head.count:
        return Problem(Wrong.NEWEST_REMOVED, None, walk.at)
    key: ChainKey | None = keys_known().get(head.key_id)
    whole = (head.digest, head.last) == (walk.digest, walk.last)
    if not whole or (key and head.proof != head_proof(head, key)):
        return Problem(Wrong.END_CHANGED, None, walk.at)
    return None


def _beyond() -> Problem | None:
    # One statement, so that a link that is hung on meanwhile comes with its head.
    end = AuditHead.objects.filter(pk=HEAD).values("count")
    link = AuditLink.objects.filter(place__gt=Subquery(end)).order_by("place").first()
    return Problem(Wrong.ADDED, link.event_id) if link else None


def _unlinked() -> Problem | None:
    if AuditEvent.objects.count() <= AuditLink.objects.count():
        return None
    keys = keys_known().values()
    for event in events_unlinked().order_by("pk").iterator(chunk_size=STEP):
        content = event_content(event)
        if not any(key.seal_fits(content, event.seal) for key in keys):
            return Problem(Wrong.ADDED, event.pk, event.at.isoformat())
    return None


def _anew() -> Problem | None:
    epoch = AuditEpoch.objects.filter(kind=EpochKind.BEGUN_ANEW).order_by("pk").first()
    return (
        Problem(Wrong.BEGUN_ANEW, epoch.first_place, epoch.began_at.isoformat()) if epoch else None
    )

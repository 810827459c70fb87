"""Hangs events onto the chain, each after the commit that wrote it.

An event is inserted in its caller's transaction without any lock. Its link follows in a short
transaction of its own, which locks the head and nothing else: so writers wait for one another for
a moment, and never in a circle. What a killed process leaves unlinked, the worker links.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from freddy_admin.audit.content import event_content
from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditHead, AuditLink, EpochKind
from freddy_admin.core import clock
from freddy_admin.crypto.chains import START, ChainKey, chain_key, digest_next

log = logging.getLogger(__name__)

HEAD = 1
BATCH = 500
# Ids are given out before a commit: those just below the newest link may come late.
_LATE = 20_000

_waiting = threading.local()


def chain_soon(event_ids: Sequence[int]) -> None:
    """Link these events once the present transaction is committed; without one, now.

    What goes wrong then is logged and left to the worker: the deed itself was done.
    """
    ids: list[int] = _waiting.__dict__.setdefault("ids", [])
    # Those of a transaction that was rolled back are still here; they are not found later.
    ids.extend(event_ids)
    transaction.on_commit(_link_waiting, robust=True)


def chain_append(event_ids: Iterable[int]) -> int:
    """Link those of these events that are there and not linked yet; how many."""
    return sum(_append(batch) for batch in _batches(sorted(set(event_ids))))


def chain_catch_up(*, whole: bool = False) -> int:
    """Link what a killed process left: near the end of the chain, or in the `whole` log."""
    left = events_unlinked()
    if not whole:
        newest = AuditLink.objects.order_by("-place").values_list("event_id", flat=True).first()
        left = left.filter(pk__gt=(newest or 0) - _LATE)
    return chain_append(left.order_by("pk").values_list("pk", flat=True)[: 20 * BATCH])


def event_seal(event: AuditEvent) -> str:
    """Shows that this panel wrote the event; of every field but its number."""
    return str(chain_key(settings.SECRET_KEY).seal(event_content(event)))


def events_unlinked() -> QuerySet[AuditEvent]:
    """Events without a place in the chain."""
    own = AuditLink.objects.filter(event_id=OuterRef("pk"))
    return AuditEvent.objects.filter(~Exists(own))


def keys_known() -> dict[str, ChainKey]:
    """The chain's keys by their ids: of SECRET_KEY and of the former ones that are still named."""
    keys = [chain_key(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return {key.id: key for key in reversed(keys)}


def head_proof(head: AuditHead, key: ChainKey) -> str:
    """What the head's own proof must be."""
    return key.head(count=head.count, digest=head.digest, last=head.last)


def _link_waiting() -> None:
    ids: list[int] = _waiting.__dict__.get("ids", [])
    _waiting.ids = []
    if ids:
        chain_append(ids)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


@transaction.atomic
def _append(ids: Sequence[int]) -> int:
    key = chain_key(settings.SECRET_KEY)
    head = _head_lock(key)
    known, links = keys_known(), []
    for event in events_unlinked().filter(pk__in=ids).order_by("pk"):
        content = event_content(event)
        if not any(one.seal_fits(content, event.seal) for one in known.values()):
            log.error("Audit event %d was not written by this panel: it is not linked.", event.pk)
            continue
        head.digest = digest_next(head.digest, content)
        head.last = key.link(former=head.last, digest=head.digest)
        head.count += 1
        links.append(AuditLink(place=head.count, event_id=event.pk, hash=head.last))
    if links:
        AuditLink.objects.bulk_create(links)
        head.proof = head_proof(head, key)
        head.save()
    return len(links)


def _head_lock(key: ChainKey) -> AuditHead:
    """The head, locked; with another key than before, or without a head, an epoch begins."""
    heads = AuditHead.objects.select_for_update()
    head = heads.filter(pk=HEAD).first()
    if head is None:
        # Of two who find none, one makes it and the other one waits for it here.
        blank = AuditHead(pk=HEAD, digest=START, last=START, key_id="", proof="")
        AuditHead.objects.bulk_create([blank], ignore_conflicts=True)
        head = heads.get(pk=HEAD)
    if head.key_id != key.id:
        _epoch_begin(head, key)
    return head


def _epoch_begin(head: AuditHead, key: ChainKey) -> None:
    newest = None if head.key_id else AuditLink.objects.order_by("-place").first()
    kind = EpochKind.KEY_CHANGED if head.key_id else EpochKind.BEGUN
    if newest is not None:
        # Somebody took the head away. The log goes on, and `doctor` says from where.
        kind, head.count, head.last = EpochKind.BEGUN_ANEW, newest.place, newest.hash
    head.key_id = key.id
    first = head.count + 1
    AuditEpoch.objects.create(first_place=first, kind=kind, key_id=key.id, began_at=clock.now())
    level = logging.INFO if kind == EpochKind.BEGUN else logging.WARNING
    log.log(level, "The audit log's chain: a part begins with place %d (%s).", first, kind)

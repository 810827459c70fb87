"""Appends events to the hash chain, each after the commit that wrote it.

An event is inserted in its caller's transaction without any lock. Its link follows in a short
transaction of its own, which locks the head and nothing else: so writers wait for one another for
a moment, and never in a circle. What a killed process leaves unlinked, the worker links.
"""

import json
import logging
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditHead, AuditLink, EpochKind
from freddy_admin.core import clock
from freddy_admin.crypto.hash_chain import CHAIN_START, ChainKey, derive_chain_key, extend_digest

log = logging.getLogger(__name__)
HEAD_PK = 1
LINK_BATCH_SIZE = 500
# Ids are given out before a commit: those just below the newest link may come late.
_LATE_COMMIT_IDS = 20_000
_pending = threading.local()
# PostgreSQL stores neither, and no event may be lost because of one.
_UNSTORABLE_CHARACTERS = re.compile("[\x00\ud800-\udfff]")


def event_content(event: AuditEvent) -> bytes:
    """The bytes that the chain covers: all fields but the id, which the database assigns.

    Format 1, which never changes. They are the same before an event is stored and after it was
    read, from either database.
    """
    return json.dumps(
        [
            1,
            event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            str(event.tag),
            event.actor_id,
            event.actor_name,
            event.organisation_id,
            event.organisation_name,
            event.subject,
            _normalize_numbers(event.details),
            event.address,
            event.request_id,
        ],
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


def storable_text(text: str, limit: int) -> str:
    """The text as both databases store it: cut, with characters replaced that they cannot store."""
    return _UNSTORABLE_CHARACTERS.sub("\ufffd", str(text))[:limit]


def storable_details(value: Any) -> Any:
    """The JSON value as both databases return it."""
    if isinstance(value, dict):
        return {storable_text(name, 200): storable_details(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [storable_details(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return storable_text(value, 2_000)


def _normalize_numbers(value: Any) -> Any:
    # PostgreSQL writes 1e22 as a whole number, and 2.0 with another number of digits.
    if isinstance(value, dict):
        return {name: _normalize_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_normalize_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def chain_append_on_commit(event_ids: Sequence[int]) -> None:
    """Append these events once the current transaction is committed; without one, now.

    A failure is logged and left to the worker: what the events record was done.
    """
    ids: list[int] = _pending.__dict__.setdefault("ids", [])
    # Ids of a transaction that was rolled back stay in the list; no event is found for them.
    ids.extend(event_ids)
    transaction.on_commit(_append_events_pending_commit, robust=True)


def chain_append(event_ids: Iterable[int]) -> int:
    """Append those of these events that exist and are not linked yet; returns how many."""
    return sum(_append_batch(batch) for batch in _iter_batches(sorted(set(event_ids))))


def chain_append_missing(*, whole: bool = False) -> int:
    """Append what a killed process left unlinked, near the end or in the `whole` log; how many."""
    events = unlinked_events()
    if not whole:
        newest = AuditLink.objects.order_by("-place").values_list("event_id", flat=True).first()
        events = events.filter(pk__gt=(newest or 0) - _LATE_COMMIT_IDS)
    return chain_append(events.order_by("pk").values_list("pk", flat=True)[: 20 * LINK_BATCH_SIZE])


def event_seal(event: AuditEvent) -> str:
    """The seal that proves that this panel wrote the event; it covers every field but its id."""
    return str(derive_chain_key(settings.SECRET_KEY).seal(event_content(event)))


def unlinked_events() -> QuerySet[AuditEvent]:
    """The events without a place in the chain."""
    links = AuditLink.objects.filter(event_id=OuterRef("pk"))
    return AuditEvent.objects.filter(~Exists(links))


def chain_keys_by_id() -> dict[str, ChainKey]:
    """The chain's keys by their ids: of SECRET_KEY and of SECRET_KEY_FALLBACKS."""
    keys = [
        derive_chain_key(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    return {key.id: key for key in reversed(keys)}


def expected_head_mac(head: AuditHead, key: ChainKey) -> str:
    """The MAC that the head must carry, by this key."""
    return key.head_mac(count=head.count, digest=head.digest, last=head.last)


def _append_events_pending_commit() -> None:
    ids: list[int] = _pending.__dict__.get("ids", [])
    _pending.ids = []
    if ids:
        chain_append(ids)


def _iter_batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), LINK_BATCH_SIZE):
        yield ids[start : start + LINK_BATCH_SIZE]


@transaction.atomic
def _append_batch(ids: Sequence[int]) -> int:
    key = derive_chain_key(settings.SECRET_KEY)
    head = _get_or_create_locked_head(key)
    keys, links = chain_keys_by_id().values(), []
    for event in unlinked_events().filter(pk__in=ids).order_by("pk"):
        content = event_content(event)
        if not any(known_key.verify_seal(content, event.seal) for known_key in keys):
            log.error("Audit event %d was not written by this panel: it is not linked.", event.pk)
            continue
        head.digest = extend_digest(head.digest, content)
        head.last = key.link_hash(former=head.last, digest=head.digest)
        head.count += 1
        links.append(AuditLink(place=head.count, event_id=event.pk, hash=head.last))
    if links:
        AuditLink.objects.bulk_create(links)
        head.proof = expected_head_mac(head, key)
        head.save()
    return len(links)


def _get_or_create_locked_head(key: ChainKey) -> AuditHead:
    """The head, locked; an epoch starts where there is none, or its key is another one."""
    heads = AuditHead.objects.select_for_update()
    head = heads.filter(pk=HEAD_PK).first()
    if head is None:
        # Of two processes that find none, one creates it and the other one waits for it here.
        empty_head = AuditHead(
            pk=HEAD_PK, digest=CHAIN_START, last=CHAIN_START, key_id="", proof=""
        )
        AuditHead.objects.bulk_create([empty_head], ignore_conflicts=True)
        head = heads.get(pk=HEAD_PK)
    if head.key_id != key.id:
        _create_epoch(head, key)
    return head


def _create_epoch(head: AuditHead, key: ChainKey) -> None:
    newest_link = None if head.key_id else AuditLink.objects.order_by("-place").first()
    kind = EpochKind.KEY_CHANGED if head.key_id else EpochKind.STARTED
    if newest_link is not None:
        # Somebody deleted the head. The log continues, and `doctor` says from where.
        kind, head.count, head.last = EpochKind.RESTARTED, newest_link.place, newest_link.hash
    head.key_id = key.id
    first_place = head.count + 1
    AuditEpoch.objects.create(
        first_place=first_place, kind=kind, key_id=key.id, began_at=clock.now()
    )
    level = logging.INFO if kind == EpochKind.STARTED else logging.WARNING
    log.log(level, "The audit log's chain: a part begins with place %d (%s).", first_place, kind)

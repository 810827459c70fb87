"""The bytes of an event that the hash chain covers: format 1, which never changes.

They are the same before an event is stored and after it was read, from either database.
"""

import json
import re
from datetime import UTC
from typing import Any

from freddy_admin.audit.models import AuditEvent

# PostgreSQL stores neither, and no event may be lost because of one.
_UNSTORABLE_CHARACTERS = re.compile("[\x00\ud800-\udfff]")


def event_content(event: AuditEvent) -> bytes:
    """The event's fields as JSON, all but the id, which the database assigns."""
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

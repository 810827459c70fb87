"""What of an event is held by the chain: format 1, which never changes.

The same bytes before an event is stored and after it was read, from either database.
"""

import json
import re
from datetime import UTC
from typing import Any

from freddy_admin.audit.models import AuditEvent

# PostgreSQL keeps neither, and no line of the log is lost for the sake of one.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def event_content(event: AuditEvent) -> bytes:
    """Every field but the number, which the database gives."""
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
            _plain(event.details),
            event.address,
            event.request_id,
        ],
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


def text_stored(text: str, limit: int) -> str:
    """As both databases keep it: cut, and what cannot be stored replaced."""
    return _UNSTORABLE.sub("\ufffd", str(text))[:limit]


def details_stored(value: Any) -> Any:
    """JSON values as both databases give them back."""
    if isinstance(value, dict):
        return {text_stored(name, 200): details_stored(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [details_stored(one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return text_stored(value, 2_000)


def _plain(value: Any) -> Any:
    # PostgreSQL writes 1e22 as a whole number, and 2.0 with another number of digits.
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value

"""A 200's body as typed values: strict, because a wrong figure is worse than none."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from freddy_admin.aitronos.fields import STATUS_LENGTH, count, flag, moment, shown, unreadable
from freddy_admin.aitronos.text import cleaned
from freddy_admin.aitronos.types import Health, SyncStatus

_DIGITS = 20
_GONE = object()


class _Doubled(ValueError):
    """A name that stands twice in one object."""


def json_loads(body: bytes) -> Any:
    """JSON in UTF-8 without a mark; ValueError for anything else, however it was built.

    Refused as well, though the standard library takes it: names that stand twice, NaN and
    infinities, numbers of more than twenty digits, nesting deeper than the parser goes.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_int=_integer,
            parse_float=_float,
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def body_object(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The JSON object of a 200. Raises UnreadableAnswer."""
    media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not (
        media.startswith("application/") and media.endswith("+json")
    ):
        raise unreadable("Content-Type", media or "missing")
    try:
        told = json_loads(body)
    except _Doubled as doubled:
        field, told = str(doubled), None
    except ValueError:
        field, told = "body", None
    else:
        field = "body"
    if not isinstance(told, dict):
        raise unreadable(field, "not the JSON object that was expected")
    return told


def sync_status(told: dict[str, Any]) -> SyncStatus:
    """The answer of *Get sync status*. Raises UnreadableAnswer with the field."""
    return SyncStatus(
        total_tools=count(told, "total_tools"),
        enabled_tools=count(told, "enabled_tools"),
        last_sync_at=moment(told, "last_sync_at"),
        next_sync_at=moment(told, "next_sync_at"),
        sync_interval_hours=count(told, "sync_interval_hours"),
        incremental_sync_enabled=flag(told, "incremental_sync_enabled"),
    )


def health(told: dict[str, Any]) -> Health:
    """The answer of the public health route."""
    status = told.get("status")
    if not isinstance(status, str):
        raise unreadable("status", shown(status))
    return Health(status=cleaned(status, STATUS_LENGTH))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        left = dict(found)
        raise _Doubled(next(name for name, _ in pairs if left.pop(name, _GONE) is _GONE))
    return found


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("no number")


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError("a number too long")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number too large")
    return value

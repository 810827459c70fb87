"""A 200's body as typed values: strict, because a wrong figure is worse than none."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from freddy_admin.aitronos.field_parsing import (
    STATUS_LENGTH,
    describe_value,
    parse_bool,
    parse_count,
    parse_optional_datetime,
    unreadable_field_error,
)
from freddy_admin.aitronos.text_cleaning import clean_text
from freddy_admin.aitronos.types import HealthResponse, SyncStatusResponse

_MAX_DIGITS = 20
_MISSING = object()


class _DuplicateName(ValueError):
    """A name that stands twice in one object."""


def strict_json_loads(body: bytes) -> Any:
    """JSON in UTF-8 without a mark; ValueError for anything else, however it was built.

    Refused as well, though the standard library takes it: names that stand twice, NaN and
    infinities, numbers of more than twenty digits, nesting deeper than the parser goes.
    """
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_build_object_without_duplicates,
            parse_constant=_reject_nan_and_infinity,
            parse_int=_parse_bounded_integer,
            parse_float=_parse_finite_float,
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def parse_json_body(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The JSON object of a 200. Raises UnreadableResponse."""
    media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not (
        media.startswith("application/") and media.endswith("+json")
    ):
        raise unreadable_field_error("Content-Type", media or "missing")
    try:
        body_object = strict_json_loads(body)
    except _DuplicateName as error:
        field, body_object = str(error), None
    except ValueError:
        field, body_object = "body", None
    else:
        field = "body"
    if not isinstance(body_object, dict):
        raise unreadable_field_error(field, "not the JSON object that was expected")
    return body_object


def parse_sync_status(body_object: dict[str, Any]) -> SyncStatusResponse:
    """The response of *Get sync status*. Raises UnreadableResponse with the field."""
    return SyncStatusResponse(
        total_tools=parse_count(body_object, "total_tools"),
        enabled_tools=parse_count(body_object, "enabled_tools"),
        last_sync_at=parse_optional_datetime(body_object, "last_sync_at"),
        next_sync_at=parse_optional_datetime(body_object, "next_sync_at"),
        sync_interval_hours=parse_count(body_object, "sync_interval_hours"),
        incremental_sync_enabled=parse_bool(body_object, "incremental_sync_enabled"),
    )


def parse_health(body_object: dict[str, Any]) -> HealthResponse:
    """The response of the public health route."""
    status = body_object.get("status")
    if not isinstance(status, str):
        raise unreadable_field_error("status", describe_value(status))
    return HealthResponse(status=clean_text(status, STATUS_LENGTH))


def _build_object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        remaining = dict(result)
        raise _DuplicateName(
            next(name for name, _ in pairs if remaining.pop(name, _MISSING) is _MISSING)
        )
    return result


def _reject_nan_and_infinity(_constant: str) -> NoReturn:
    raise ValueError("no number")


def _parse_bounded_integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number too long")
    return int(text)


def _parse_finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number too large")
    return value

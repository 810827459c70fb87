"""The JSON of a response, and one field of it: its exact type or an error that names it.

A field is named like `connectors[3].category`; `prefix` stands before its name: "" in the response
itself, "connectors[3]." in an item.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from freddy_admin.aitronos.errors import FailureKind, UnreadableResponse
from freddy_admin.aitronos.text_cleaning import clean_text

JsonObject = dict[str, Any]
LARGEST_COUNT = 2**31 - 1
MAX_ITEMS = 2_000
STATUS_LENGTH = 64
ACCEPTED_YEARS = range(2000, 2101)
_DETAIL_LENGTH = 64
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
        return _DECODER.decode(body.decode("utf-8"))
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


def unreadable_field_error(field: str, detail: str) -> UnreadableResponse:
    """The error for a response that cannot be read, with the part that is wrong."""
    return UnreadableResponse(
        FailureKind.UNREADABLE_ANSWER,
        http_status=200,
        field=clean_text(field, _DETAIL_LENGTH) or "body",
        detail=clean_text(detail, 200),
    )


def describe_value(value: object) -> str:
    """What came instead, for the detail: a number or text as it is, of all else the type."""
    if isinstance(value, int | float):
        value = str(value)
    return clean_text(value if isinstance(value, str) else type(value).__name__, _DETAIL_LENGTH)


def parse_count(obj: JsonObject, name: str) -> int:
    """A whole number from 0 to 2^31 - 1."""
    value = obj.get(name)
    # `type` and not isinstance: a bool is an int to Python, and not to us.
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        raise _wrong_field_error(obj, name, "")
    return value


def parse_optional_count(obj: JsonObject, name: str) -> int | None:
    """A count, or None where it is null or absent."""
    return None if obj.get(name) is None else parse_count(obj, name)


def parse_bool(obj: JsonObject, name: str) -> bool:
    """True or false."""
    value = obj.get(name)
    if not isinstance(value, bool):
        raise _wrong_field_error(obj, name, "")
    return value


def parse_optional_datetime(obj: JsonObject, name: str, prefix: str = "") -> datetime | None:
    """A time in UTC, or None where it is null or absent."""
    value = obj.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong_field_error(obj, name, prefix)
    moment = parse_iso_datetime(value.strip()) if len(value) <= _DETAIL_LENGTH else None
    if moment is None:
        raise _wrong_field_error(obj, name, prefix)
    return moment


def parse_text(obj: JsonObject, name: str, limit: int, prefix: str = "") -> str:
    """A text that says something, cleaned and cut."""
    text = parse_optional_text(obj, name, limit, prefix)
    if not text:
        raise _wrong_field_error(obj, name, prefix)
    return text


def parse_optional_text(obj: JsonObject, name: str, limit: int, prefix: str = "") -> str:
    """A text, cleaned and cut; "" where it is null or absent."""
    value = obj.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong_field_error(obj, name, prefix)
    return clean_text(value, limit)


def free_text(obj: JsonObject, name: str, limit: int) -> str:
    """What stands there, cleaned and cut, of a field on which nothing hangs.

    A number as it is; "" for anything else that is no text. Raises nothing.
    """
    value = obj.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return clean_text(str(value) if is_number else value, limit)


def iterate_objects(obj: JsonObject, name: str) -> Iterator[tuple[str, JsonObject]]:
    """The objects of a list of at most `MAX_ITEMS`, each behind the prefix of its fields."""
    for position, item in enumerate(_parse_list(obj, name)):
        if not isinstance(item, dict):
            raise unreadable_field_error(f"{name}[{position}]", describe_value(item))
        yield f"{name}[{position}].", item


def parse_optional_texts(obj: JsonObject, name: str, limit: int) -> tuple[str, ...]:
    """The texts of a list, cleaned and cut, those that say something; none where it is absent."""
    if obj.get(name) is None:
        return ()
    texts = []
    for position, item in enumerate(_parse_list(obj, name)):
        if item is not None and not isinstance(item, str):
            raise unreadable_field_error(f"{name}[{position}]", describe_value(item))
        texts.append(clean_text(item, limit))
    return tuple(filter(None, texts))


def _parse_list(obj: JsonObject, name: str) -> list[Any]:
    value = obj.get(name)
    if not isinstance(value, list):
        raise _wrong_field_error(obj, name, "")
    if len(value) > MAX_ITEMS:
        raise unreadable_field_error(name, f"over {MAX_ITEMS} items")
    return value


def _wrong_field_error(obj: JsonObject, name: str, prefix: str) -> UnreadableResponse:
    detail = (describe_value(obj[name]) or "empty") if name in obj else "missing"
    return unreadable_field_error(f"{prefix}{name}", detail)


def parse_iso_datetime(text: str) -> datetime | None:
    """A moment in UTC, without a zone read as UTC; None for what is none between 2000 and 2100."""
    if "T" not in text.upper() and " " not in text:
        return None  # a date alone, a number: not a moment
    try:
        moment = datetime.fromisoformat(text.upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in ACCEPTED_YEARS else None


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


_DECODER = json.JSONDecoder(
    object_pairs_hook=_build_object_without_duplicates,
    parse_constant=_reject_nan_and_infinity,
    parse_int=_parse_bounded_integer,
    parse_float=_parse_finite_float,
)

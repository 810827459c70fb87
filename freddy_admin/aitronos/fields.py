"""One field of an answer: its exact type or an error that names it, like `connectors[3].category`.

`within` is what stands before the name: "" for the answer itself, "connectors[3]." for an item.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from freddy_admin.aitronos.errors import FailureKind, UnreadableAnswer
from freddy_admin.aitronos.text import cleaned

Told = dict[str, Any]

LARGEST = 2**31 - 1
MOST_ITEMS = 2_000
STATUS_LENGTH = 64
YEARS = range(2000, 2101)
_SHOWN = 64


def unreadable(field: str, detail: str) -> UnreadableAnswer:
    """The error for an answer that cannot be read, with the part that is wrong."""
    return UnreadableAnswer(
        FailureKind.UNREADABLE_ANSWER,
        http_status=200,
        field=cleaned(field, _SHOWN) or "body",
        detail=cleaned(detail, 200),
    )


def shown(value: object) -> str:
    """What came instead, for the detail: a number or text as it is, of all else the type."""
    if isinstance(value, int | float):
        value = str(value)
    return cleaned(value if isinstance(value, str) else type(value).__name__, _SHOWN)


def count(told: Told, name: str) -> int:
    """A whole number from 0 to 2^31 - 1."""
    value = told.get(name)
    # `type` and not isinstance: a bool is an int to Python, and not to us.
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise _wrong(told, name, "")
    return value


def count_if_told(told: Told, name: str) -> int | None:
    """A count, or None where it is null or absent."""
    return None if told.get(name) is None else count(told, name)


def flag(told: Told, name: str) -> bool:
    """True or false."""
    value = told.get(name)
    if not isinstance(value, bool):
        raise _wrong(told, name, "")
    return value


def flag_if_told(told: Told, name: str, within: str = "") -> bool | None:
    """True or false, or None where it is null or absent."""
    value = told.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(told, name, within)
    return value


def moment(told: Told, name: str, within: str = "") -> datetime | None:
    """A time in UTC, or None where it is null or absent."""
    value = told.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(told, name, within)
    found = _parsed(value.strip()) if len(value) <= _SHOWN else None
    if found is None:
        raise _wrong(told, name, within)
    return found


def text(told: Told, name: str, limit: int, within: str = "") -> str:
    """A text that says something, cleaned and cut."""
    found = text_if_told(told, name, limit, within)
    if not found:
        raise _wrong(told, name, within)
    return found


def text_if_told(told: Told, name: str, limit: int, within: str = "") -> str:
    """A text, cleaned and cut; "" where it is null or absent."""
    value = told.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(told, name, within)
    return cleaned(value, limit)


def objects(told: Told, name: str) -> Iterator[tuple[str, Told]]:
    """The objects of a list of at most `MOST_ITEMS`, each with what its fields stand within."""
    for position, one in enumerate(_listed(told, name)):
        if not isinstance(one, dict):
            raise unreadable(f"{name}[{position}]", shown(one))
        yield f"{name}[{position}].", one


def texts_if_told(told: Told, name: str, limit: int) -> tuple[str, ...]:
    """The texts of a list, cleaned and cut, those that say something; none where it is absent."""
    if told.get(name) is None:
        return ()
    found = []
    for position, one in enumerate(_listed(told, name)):
        if one is not None and not isinstance(one, str):
            raise unreadable(f"{name}[{position}]", shown(one))
        found.append(cleaned(one, limit))
    return tuple(filter(None, found))


def _listed(told: Told, name: str) -> list[Any]:
    value = told.get(name)
    if not isinstance(value, list):
        raise _wrong(told, name, "")
    if len(value) > MOST_ITEMS:
        raise unreadable(name, f"over {MOST_ITEMS} items")
    return value


def _wrong(told: Told, name: str, within: str) -> UnreadableAnswer:
    detail = (shown(told[name]) or "empty") if name in told else "missing"
    return unreadable(f"{within}{name}", detail)


def _parsed(words: str) -> datetime | None:
    if "T" not in words.upper() and " " not in words:
        return None  # a date alone, a number: not a moment
    try:
        found = datetime.fromisoformat(words.upper())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year in YEARS else None

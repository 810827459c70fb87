"""What the address asks of the audit log; a link is the same search for whoever may see it."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from freddy_admin.audit.selectors import Cursor
from freddy_admin.audit.tags import Tag

LONGEST = 100
_REQUEST = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CURSOR = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """As it stands in the address; what cannot be asked is left out."""

    q: str = ""
    tag: str = ""
    who: str = ""
    organisation: str = ""
    since: date | None = None
    until: date | None = None
    request: str = ""
    cursor: Cursor | None = None

    @property
    def narrowed(self) -> bool:
        """Whether anything is looked for."""
        return bool(self.pairs())

    def address(self, path: str, **changes: Any) -> str:
        """The same with changes; any change leads back to the newest."""
        wanted = replace(self, **({"cursor": None} | changes))
        pairs = wanted.pairs()
        if wanted.cursor:
            name = "after" if wanted.cursor.newer else "before"
            pairs[name] = _cursor_text(wanted.cursor)
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def from_day(self, zone: tzinfo) -> datetime | None:
        """The first moment of the first day, where the reader is."""
        return _midnight(self.since, zone)

    def to_day(self, zone: tzinfo) -> datetime | None:
        """The first moment after the last day."""
        return _midnight(self.until + timedelta(days=1), zone) if self.until else None

    def pairs(self) -> dict[str, str]:
        """What is looked for, as it stands in the address."""
        values = {
            "q": self.q,
            "tag": self.tag,
            "who": self.who,
            "organisation": self.organisation,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            "request": self.request,
        }
        return {name: value for name, value in values.items() if value}


def audit_query(values: QueryDict) -> AuditQuery:
    """What is asked for; a word that is not offered is ignored."""
    tag, request = values.get("tag", ""), values.get("request", "").strip()
    return AuditQuery(
        q=_text(values.get("q", "")),
        tag=tag if tag in Tag.values else "",
        who=_text(values.get("who", "")),
        organisation=_text(values.get("organisation", "")),
        since=_day(values.get("from", "")),
        until=_day(values.get("to", "")),
        request=request if _REQUEST.fullmatch(request) else "",
        cursor=_cursor(values.get("before", "")) or _cursor(values.get("after", ""), newer=True),
    )


def _text(value: str) -> str:
    return "".join(sign for sign in value if sign.isprintable()).strip()[:LONGEST]


def _day(value: str) -> date | None:
    try:
        day = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2100 else None


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC) if day else None


def _cursor_text(cursor: Cursor) -> str:
    return f"{(cursor.at - _EPOCH) // timedelta(microseconds=1)}-{cursor.id}"


def _cursor(value: str, *, newer: bool = False) -> Cursor | None:
    found = _CURSOR.fullmatch(value)
    if not found:
        return None
    try:
        at = _EPOCH + timedelta(microseconds=int(found[1]))
    except OverflowError:
        return None
    return Cursor(at=at, id=int(found[2]), newer=newer)

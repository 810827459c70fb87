"""The audit log's search in the address: a link is the same search for whoever may open it."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from freddy_admin.audit.selectors import AuditCursor
from freddy_admin.audit.tags import AuditTag

TEXT_LIMIT = 100
_REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CURSOR_PATTERN = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """The search; empty or None where the address holds nothing or nothing valid."""

    q: str = ""
    tag: str = ""
    actor: str = ""
    organisation: str = ""
    since: date | None = None
    until: date | None = None
    request: str = ""
    cursor: AuditCursor | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is searched or filtered."""
        return bool(self.query_params())

    def build_url(self, path: str, **changes: Any) -> str:
        """The URL of this search with changes; any change leads back to the newest events."""
        query = replace(self, **({"cursor": None} | changes))
        query_params = query.query_params()
        if query.cursor:
            name = "after" if query.cursor.newer else "before"
            query_params[name] = _format_cursor(query.cursor)
        return f"{path}?{urlencode(query_params)}" if query_params else path

    def start_time(self, zone: tzinfo) -> datetime | None:
        """The first moment of the first day in this time zone, in UTC; None without one."""
        return _midnight_utc(self.since, zone)

    def end_time(self, zone: tzinfo) -> datetime | None:
        """The first moment after the last day in this time zone, in UTC; None without one."""
        return _midnight_utc(self.until + timedelta(days=1), zone) if self.until else None

    def query_params(self) -> dict[str, str]:
        """The parameters of the address that are not empty; without the cursor."""
        values = {
            "q": self.q,
            "tag": self.tag,
            "who": self.actor,
            "organisation": self.organisation,
            "from": self.since.isoformat() if self.since else "",
            "to": self.until.isoformat() if self.until else "",
            "request": self.request,
        }
        return {name: value for name, value in values.items() if value}


def parse_audit_query(values: QueryDict) -> AuditQuery:
    """The search in the address; values that are not offered are ignored."""
    tag, request = values.get("tag", ""), values.get("request", "").strip()
    return AuditQuery(
        q=_clean_text(values.get("q", "")),
        tag=tag if tag in set(AuditTag) else "",
        actor=_clean_text(values.get("who", "")),
        organisation=_clean_text(values.get("organisation", "")),
        since=_parse_day(values.get("from", "")),
        until=_parse_day(values.get("to", "")),
        request=request if _REQUEST_ID_PATTERN.fullmatch(request) else "",
        cursor=_parse_cursor(values.get("before", ""))
        or _parse_cursor(values.get("after", ""), newer=True),
    )


def _clean_text(value: str) -> str:
    return "".join(character for character in value if character.isprintable()).strip()[:TEXT_LIMIT]


def _parse_day(value: str) -> date | None:
    try:
        day = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2100 else None


def _midnight_utc(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC) if day else None


def _format_cursor(cursor: AuditCursor) -> str:
    return f"{(cursor.at - _EPOCH) // timedelta(microseconds=1)}-{cursor.id}"


def _parse_cursor(value: str, *, newer: bool = False) -> AuditCursor | None:
    match = _CURSOR_PATTERN.fullmatch(value)
    if not match:
        return None
    try:
        at = _EPOCH + timedelta(microseconds=int(match[1]))
    except OverflowError:
        return None
    return AuditCursor(at=at, id=int(match[2]), newer=newer)

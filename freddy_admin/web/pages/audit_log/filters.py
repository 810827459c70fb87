"""The audit log's search in the address: a link is the same search for whoever may open it."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from freddy_admin.audit.selectors import AuditCursor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.web.query_params import (
    QueryParams,
    choice_param,
    cursor_param,
    day_param,
    parsed_param,
    text_param,
)

_REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


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
        return AUDIT_PARAMS.is_narrowed(self)

    def build_url(self, path: str, **changes: Any) -> str:
        """The URL of this search with changes, without them that of the newest events."""
        return AUDIT_PARAMS.build_url(self, path, **{"cursor": None} | changes)

    def query_params(self) -> dict[str, str]:
        """The parameters of the address that are not empty; without the cursor."""
        return dict(AUDIT_PARAMS.pairs(self, cursor=None))

    def start_time(self, zone: tzinfo) -> datetime | None:
        """The first moment of the first day in this time zone, in UTC; None without one."""
        return _midnight_utc(self.since, zone)

    def end_time(self, zone: tzinfo) -> datetime | None:
        """The first moment after the last day in this time zone, in UTC; None without one."""
        return _midnight_utc(self.until + timedelta(days=1), zone) if self.until else None


def _parse_request_id(text: str) -> str | None:
    return text.strip() if _REQUEST_ID_PATTERN.fullmatch(text.strip()) else None


AUDIT_PARAMS = QueryParams(
    AuditQuery,
    q=text_param("q"),
    tag=choice_param("tag", AuditTag),
    actor=text_param("who"),
    organisation=text_param("organisation"),
    since=day_param("from"),
    until=day_param("to"),
    request=parsed_param("request", _parse_request_id, default=""),
    cursor=cursor_param("before", "after"),
)


def _midnight_utc(day: date | None, zone: tzinfo) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC) if day else None

"""The audit log's lines in words."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.web.presenters.times import Reading

PAGE_SIZE = 50
LAST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is looked for."""

    search: str
    tag: str
    page: int

    def address(self, page: int) -> str:
        """The same on another page."""
        values = {"q": self.search, "tag": self.tag, "page": "" if page == 1 else str(page)}
        return "?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class EventView:
    """One line."""

    when: SafeString
    exact: str
    who: str
    did: str
    subject: str
    where: str
    address: str
    details: list[str]
    icon: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """The page."""

    query: AuditQuery
    events: list[EventView]
    tags: list[tuple[str, str]]
    earlier: str
    later: str
    narrowed: bool


def audit_query(values: QueryDict) -> AuditQuery:
    """What the address asks for; a tag that does not exist is ignored."""
    tag, page = values.get("tag", ""), values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    search = "".join(sign for sign in values.get("q", "") if sign.isprintable()).strip()[:100]
    return AuditQuery(
        search=search, tag=tag if tag in Tag.values else "", page=min(max(1, number), LAST_PAGE)
    )


def audit_view(found: list[AuditEvent], query: AuditQuery, on: Reading) -> AuditView:
    """The page; `found` may hold one event more than is shown."""
    return AuditView(
        query=query,
        events=[_event(event, on) for event in found[:PAGE_SIZE]],
        tags=[(tag.value, str(tag.label)) for tag in Tag],
        earlier=query.address(query.page - 1) if query.page > 1 else "",
        later=query.address(query.page + 1) if len(found) > PAGE_SIZE else "",
        narrowed=bool(query.search or query.tag),
    )


def _event(event: AuditEvent, on: Reading) -> EventView:
    known = event.tag in Tag.values
    return EventView(
        when=on.cell(event.at),
        exact=on.exact(event.at),
        who=event.actor_name,
        did=str(Tag(event.tag).label) if known else event.tag,
        subject="" if event.subject in event.actor_name else event.subject,
        where=event.organisation_name,
        address=event.address or "",
        details=_details(event.details, role=event.tag.startswith("member_")),
        icon=_ICONS.get(event.tag.partition("_")[0], "info-circle"),
    )


_ICONS = {
    "key": "key",
    "keys": "key",
    "organisation": "building",
    "member": "users",
    "person": "user",
    "sign": "lock",
    "signed": "lock",
    "token": "password",
    "check": "refresh",
    "sync": "refresh",
    "connector": "tools",
    "exported": "download",
    "master": "shield-lock",
}
_HIDDEN = {"key_id", "changes", "old", "new", "enable"}


def _details(details: Any, *, role: bool) -> list[str]:
    """Old and new values, and what else was written down, as short lines."""
    if not isinstance(details, dict):
        return []
    lines = []
    changes = details.get("changes")
    if isinstance(changes, dict):
        lines += [
            _line(name, *pair)
            for name, pair in changes.items()
            if isinstance(pair, list) and len(pair) == 2
        ]
    if "new" in details:
        lines.append(_changed(_("role") if role else "", details.get("old"), details["new"]))
    if "enable" in details:
        lines.append(_("on") if details["enable"] else _("off"))
    lines += [
        f"{_name(name)}: {_value(value)}"
        for name, value in details.items()
        if name not in _HIDDEN and value not in (None, "", [], False)
    ]
    return lines


def _changed(name: str, old: Any, new: Any) -> str:
    """What began with an event had no value before it."""
    if old is not None:
        return _line(name, old, new)
    return f"{name}: {_value(new)}" if name else _value(new)


def _line(name: str, old: Any, new: Any) -> str:
    head = f"{_name(name)}: " if name else ""
    return f"{head}{_value(old)} → {_value(new)}"


def _name(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if value in (None, "", []):
        return _("nothing")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)

"""The audit log's lines in words."""

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.selectors import AuditPage, AuditScope, cursor_after
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.organisations.names import addresses_hidden
from freddy_admin.web.audit_query import AuditQuery
from freddy_admin.web.presenters.audit_details import details_lines
from freddy_admin.web.presenters.times import Reading

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class EventView:
    """One line."""

    number: int
    when: SafeString
    exact: str
    who: str
    did: str
    subject: str
    where: str
    address: str
    request: str
    request_href: str
    details: list[str]
    icon: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """The page."""

    query: AuditQuery
    sentence: str
    events: list[EventView]
    tags: list[tuple[str, str]]
    organisations: list[str]
    newer: str
    older: str
    further: str
    further_to: str
    csv: str


def audit_view(
    page: AuditPage, query: AuditQuery, on: Reading, *, scope: AuditScope, organisations: list[str]
) -> AuditView:
    """The page for one moment."""
    path, back = reverse("audit"), page.looked_back_to
    newer, older = _neighbours(page, query)
    return AuditView(
        query=query,
        sentence=_sentence(scope),
        events=[_event(event_as_read(event, scope), on) for event in page.events],
        tags=sorted(((tag.value, str(tag.label)) for tag in Tag), key=lambda tag: tag[1]),
        organisations=organisations,
        newer=newer,
        older=older,
        further=query.address(path, cursor=back) if back else "",
        further_to=on.exact(back.at) if back else "",
        csv=query.address(reverse("audit_csv")),
    )


def event_as_read(event: AuditEvent, scope: AuditScope) -> AuditEvent:
    """The same event; of one that is not for its managers to read, less other people's addresses.

    The event is changed in memory and must not be saved, which the log would refuse.
    """
    if not scope.everything and event.organisation_id not in scope.managed:
        for name in ("actor_name", "subject", "details"):
            setattr(event, name, addresses_hidden(getattr(event, name), but=scope.email))
    return event


def event_did(event: AuditEvent) -> str:
    """What happened, as a phrase that follows a name."""
    return str(Tag(event.tag).label) if event.tag in Tag.values else event.tag


def event_details(event: AuditEvent, on: Reading | None = None) -> list[str]:
    """What was written down beside it; times as the reader `on` reads them, else in UTC."""
    lines = details_lines(event.details, tag=event.tag, on=on)
    if clock.is_ahead(event.at):
        lines.append(_("Written while the clock was ahead."))
    return lines


def _neighbours(page: AuditPage, query: AuditQuery) -> tuple[str, str]:
    """Addresses of the pages before and behind this one; empty where there is none."""
    path, events, cursor = reverse("audit"), page.events, query.cursor
    if not events:
        return (path if query.cursor and not query.narrowed else ""), ""
    came_back = cursor is not None and cursor.newer
    first, last = replace(cursor_after(events[0]), newer=True), cursor_after(events[-1])
    newer = query.address(path, cursor=first) if (page.more if came_back else cursor) else ""
    older = query.address(path, cursor=last) if came_back or page.more else ""
    return newer, older


def _sentence(scope: AuditScope) -> str:
    if scope.everything:
        return _("Who did what, when, in every organisation. Nothing here can be changed.")
    if scope.managed:
        return _(
            "What happened in the organisations that you manage, and what you did yourself. "
            "Nothing here can be changed."
        )
    return _(
        "What you did yourself. The log of an organisation is for its managers. "
        "Nothing here can be changed."
    )


def _event(event: AuditEvent, on: Reading) -> EventView:
    request = event.request_id
    return EventView(
        number=event.pk,
        when=on.cell(event.at),
        exact=on.exact(event.at),
        who=event.actor_name,
        did=event_did(event),
        subject="" if event.subject in event.actor_name else event.subject,
        where=event.organisation_name,
        address=event.address or "",
        request=request,
        request_href=AuditQuery(request=request).address(reverse("audit")) if request else "",
        details=event_details(event, on),
        icon=_ICONS.get(event.tag.partition("_")[0], "info-circle"),
    )


_ICONS = {
    "access": "shield-lock",
    "admin": "shield-lock",
    "check": "refresh",
    "confirmation": "lock",
    "connector": "tools",
    "exported": "download",
    "invitation": "users",
    "key": "key",
    "keys": "key",
    "master": "shield-lock",
    "member": "users",
    "organisation": "building",
    "password": "password",
    "person": "user",
    "second": "lock",
    "sessions": "lock",
    "sign": "lock",
    "signed": "lock",
    "single": "lock",
    "sync": "refresh",
    "token": "password",
}

"""Who was told of what, when, by which channel, and what it answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.outbox_lanes import sending_ends_before
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
)
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import Access, organisations_with_permission
from freddy_admin.organisations.roles import Permission

LOG_PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One delivery of an incident, with the message that carries it, if one does."""

    delivery: Delivery  # with `channel`, `channel.user` and `message`
    state: DeliveryState  # of this moment: one whose worker is lost may have arrived
    at: datetime  # when it was sent or given up, else when it was written
    attempts: int
    repeats: int
    answer: str  # what the other side said, plain text
    answer_status: int | None
    reason: str  # of the latest failure

    @property
    def channel(self) -> Channel:
        """The channel it went to."""
        return self.delivery.channel


@dataclass(frozen=True, slots=True)
class LogFilters:
    """What the log leaves; "" and None for all. `before` is the id of a delivery, for paging."""

    channel_id: int | None = None
    channel_kind: str = ""
    state: str = ""
    organisation_slug: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Deliveries, the newest first, each with incident and organisation read already."""

    entries: Sequence[LedgerEntry]
    older_before: int | None  # `LogFilters.before` of the next page; None where there is none


def incident_ledger(*, incident: Incident, access: Access) -> list[LedgerEntry]:
    """The deliveries of an incident, the earliest first; raises NotFound of another organisation.

    Channels of the whole panel are named to members without what the other side answered.
    """
    if incident.organisation_id != access.organisation.pk:
        raise NotFound(_("There is no such incident."))
    rows = _deliveries().filter(incident=incident).order_by("created_at", "pk")
    return _entries(rows, sees_fleet=access.role is None)


def deliveries_log(*, user: User, filters: LogFilters) -> LogPage:
    """A page of the deliveries of those organisations whose alerts the person manages; one query.

    Platform admins see all of them. Planned reminders are left out, unless the filter asks for
    what is planned.
    """
    rows = _managed_deliveries(user)
    if filters.channel_id is not None:
        rows = rows.filter(channel=filters.channel_id)
    if filters.channel_kind:
        rows = rows.filter(channel__kind=filters.channel_kind)
    if filters.state:
        rows = rows.filter(state=filters.state)
    else:
        # Each open incident has its next reminder planned: the log is of what was told.
        rows = rows.exclude(kind=DeliveryKind.REMINDER, state=DeliveryState.WAITING)
    if filters.organisation_slug:
        rows = rows.filter(incident__organisation__slug=filters.organisation_slug)
    if filters.before is not None:
        rows = rows.filter(pk__lt=filters.before)
    rows = rows.select_related("incident__organisation").order_by("-pk")[: LOG_PAGE_SIZE + 1]
    entries = _entries(rows, sees_fleet=user.is_platform_admin)
    page, has_older = entries[:LOG_PAGE_SIZE], len(entries) > LOG_PAGE_SIZE
    return LogPage(page, page[-1].delivery.pk if has_older else None)


def _deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("channel__user", "channel__organisation", "message")


def _managed_deliveries(user: User) -> QuerySet[Delivery]:
    if user.is_platform_admin:
        return _deliveries()
    managed = organisations_with_permission(user=user, permission=Permission.MANAGE_ALERTS)
    return _deliveries().filter(incident__organisation__in=managed.order_by().values("pk"))


def _entries(rows: QuerySet[Delivery], *, sees_fleet: bool) -> list[LedgerEntry]:
    now = clock.now()
    return [_entry(row, now, sees_fleet=sees_fleet) for row in rows]


def _entry(delivery: Delivery, now: datetime, *, sees_fleet: bool) -> LedgerEntry:
    message, channel = delivery.message, delivery.channel
    state, at = DeliveryState(delivery.state), delivery.finished_at or delivery.created_at
    if message is None:
        return LedgerEntry(delivery, state, at, 0, 0, "", None, "")
    if state == DeliveryState.SENDING and message.sending_since is not None:
        is_lost = message.sending_since < sending_ends_before(now)
        state = DeliveryState.MAY_HAVE_ARRIVED if is_lost else state
    is_fleet = channel.organisation_id is None and channel.kind != ChannelKind.MAIL
    may_read = sees_fleet or not is_fleet
    return LedgerEntry(
        delivery=delivery,
        state=state,
        at=at,
        attempts=message.attempts,
        repeats=message.repeats,
        answer=message.answer if may_read else "",
        answer_status=message.answer_status if may_read else None,
        reason=message.reason,
    )

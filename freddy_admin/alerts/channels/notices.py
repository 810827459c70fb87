"""Mails that tell of a channel that the other side has refused for good: another way than its own.

They go to those who can mend it: the organisation's managers, of the whole panel its platform
admins; where an organisation has nobody, the platform admins. Of a person's own mail, it is the
managers of their organisations.
"""

from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.links import channel_page_url
from freddy_admin.alerts.models import Channel, ChannelNotice
from freddy_admin.core import clock
from freddy_admin.core.clock import time_zone_or_utc
from freddy_admin.core.mail import MAIL_LANE, mail_send
from freddy_admin.core.outbox import outbox_enqueue
from freddy_admin.core.outbox_kinds import (
    NothingToSend,
    OutboxKind,
    Send,
    outbox_kind_register,
)
from freddy_admin.organisations.models import Membership
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission
from freddy_admin.wording.channels import channel_failure_sentence
from freddy_admin.wording.sentences import Moment, MomentStyle, render_text
from freddy_admin.wording.times import UserTime

CHANNEL_NOTICE: Final = "channel_notice"
_LIFETIME: Final = timedelta(days=2)
_RECEIVERS_LIMIT: Final = 50
_MANAGING_ROLES: Final = [
    role.value
    for role, permissions in ROLE_PERMISSIONS.items()
    if Permission.MANAGE_ALERTS in permissions
]


def channel_notices_create(*, channel: Channel) -> int:
    """Have everybody who can mend it told by mail; in the transaction that switched it off.

    Returns how many people that are.
    """
    notices = ChannelNotice.objects.bulk_create(
        ChannelNotice(channel=channel, user=user, disabled_at=channel.disabled_at or clock.now())
        for user in _receivers(channel)
    )
    for notice in notices:
        outbox_enqueue(kind=CHANNEL_NOTICE, object_id=notice.pk, party=f"channel {channel.pk}")
    return len(notices)


def _receivers(channel: Channel) -> list[User]:
    reachable = User.objects.filter(is_active=True)
    reachable = reachable.exclude(alert_preferences__gets_mail=False)
    if channel.user_id is not None:
        reachable = reachable.exclude(pk=channel.user_id)
    users = list(_managers(channel, reachable)[:_RECEIVERS_LIMIT])
    admins = reachable.filter(is_platform_admin=True).order_by("pk")
    return users or list(admins[:_RECEIVERS_LIMIT])


def _managers(channel: Channel, reachable: QuerySet[User]) -> QuerySet[User]:
    memberships = Membership.objects.filter(role__in=_MANAGING_ROLES)
    if channel.user_id is not None:
        own = Membership.objects.filter(user=channel.user_id).values("organisation")
        memberships = memberships.filter(organisation__in=own)
    elif channel.organisation_id is not None:
        memberships = memberships.filter(organisation=channel.organisation_id)
    else:
        return User.objects.none()
    return reachable.filter(pk__in=memberships.values("user")).order_by("pk")


def _notice_prepare(notice_id: int) -> Send:
    rows = ChannelNotice.objects.select_related("channel__organisation", "channel__user", "user")
    notice = rows.filter(pk=notice_id).first()
    # One that was switched on again meanwhile needs nobody any more.
    if notice is None or notice.channel.disabled_at != notice.disabled_at:
        raise NothingToSend
    if not notice.user.is_active or notice.channel.deleted_at is not None:
        raise NothingToSend
    return partial(mail_send, channel_notice_email(notice))


def _notice_record_sent(notice_id: int, _result: object) -> None:
    ChannelNotice.objects.filter(pk=notice_id).delete()


def channel_notice_email(notice: ChannelNotice) -> EmailMessage:
    """The mail, in its receiver's language and zone."""
    channel, user = notice.channel, notice.user
    zone = time_zone_or_utc(user.time_zone)
    with translation.override(settings.LANGUAGE_CODE), timezone.override(zone):
        user_time = UserTime(now=clock.now(), zone=zone)
        name = channel.name or (channel.user.name if channel.user else "") or _("a person's mail")
        context = {
            "name": name,
            "kind": channel.get_kind_display(),
            "organisation": channel.organisation.name if channel.organisation else "",
            "reason": render_text(channel_failure_sentence(channel.kind, channel.disabled_reason)),
            "since": Moment(notice.disabled_at, MomentStyle.EXACT).as_text(user_time),
            "link": channel_page_url(channel),
        }
        subject = _("Alerts no longer reach %(name)s") % context
        return EmailMessage(
            subject,
            render_to_string("mail/channel_off.txt", context),
            to=[user.email],
            headers={"Auto-Submitted": "auto-generated"},
        )


outbox_kind_register(
    OutboxKind(
        name=CHANNEL_NOTICE,
        lane=MAIL_LANE,
        lifetime=_LIFETIME,
        gives_up_after=_LIFETIME,
        prepare=_notice_prepare,
        record_sent=_notice_record_sent,
    )
)

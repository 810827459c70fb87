"""Icons, script integrity, JSON and the request's id for templates."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.request_ids import current_request_id
from freddy_admin.organisations.access import (
    has_platform_permission,
    organisations_with_permission,
)
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.web import staticfiles
from freddy_admin.wording.next_steps import SUPPORT_MAIL_SUBJECT

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One icon of the sprite, hidden from screen readers: a label stands beside it."""
    return _render_icon(name, extra, static("img/icons.svg"))


@register.simple_tag
def integrity(name: str) -> SafeString:
    """The `integrity` attribute of a script: the browser runs the file only as it is here."""
    return format_html('integrity="{}"', staticfiles.subresource_integrity(name))


@register.simple_tag
def support_href(details: str) -> str:
    """Where *Send this to support* leads: a mail with `details` in it, a page, or "" for none."""
    contact: str = settings.SUPPORT_CONTACT
    if not contact.startswith("mailto:"):
        return contact
    query = urlencode({"subject": SUPPORT_MAIL_SUBJECT, "body": details}, quote_via=quote)
    return f"{contact}?{query}"


@register.simple_tag
def alert_tabs(user: User) -> list[dict[str, str]]:
    """The parts of *Alerts* that this person may use: name, URL name, label and icon of each."""
    may_manage = has_platform_permission(
        user=user, permission=PlatformPermission.MANAGE_FLEET_ALERTS
    )
    may_manage = may_manage or (
        organisations_with_permission(user=user, permission=Permission.MANAGE_ALERTS).exists()
    )
    return [
        {"name": name, "url_name": url_name, "label": label, "icon": icon_name}
        for name, url_name, label, icon_name, is_for_managers in (
            ("incidents", "incident_list", _("Incidents"), "alert-triangle", False),
            ("rules", "alert_rules", _("Rules"), "adjustments", False),
            ("channels", "alert_channels", _("Channels"), "mail", True),
            ("windows", "alert_windows", _("Windows"), "calendar-event", False),
            ("rehearsal", "alert_rehearsal", _("Rehearsal"), "history", False),
            ("log", "alert_log", _("Log"), "layout-list", True),
        )
        if may_manage or not is_for_managers
    ]


@register.simple_tag(takes_context=True)
def incident_care(context: Mapping[str, Any], line: Mapping[str, Any]) -> SafeString:
    """The form beside an incident's line: mute it, acknowledge it, look after it.

    Python, not a template: an overview shows it up to six times. *Mute* comes first, for it is
    what the key Enter in the reason presses.
    """
    is_acknowledged, anchor = line["is_acknowledged"], line["anchor"]
    return format_html(
        '<form class="incident-actions" method="post" action="{href}mute/" data-lock>'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
        '<input type="hidden" name="from" value="{origin}">'
        '<span class="incident-line-mute">'
        '<select class="form-select" name="hours" aria-label="{length}">'
        '<option value="1">{hour}</option><option value="4" selected>{hours}</option>'
        '<option value="24">{day}</option></select>'
        '<input class="form-control" id="{anchor}-reason" name="reason" maxlength="200" required'
        ' aria-label="{reason}" placeholder="{reason}">'
        '<button type="submit" class="btn btn-quiet btn-sm">{mute}</button></span>'
        '<button type="submit" class="btn btn-quiet btn-sm" formnovalidate'
        ' formaction="{href}{verb}/">{acknowledge}</button>'
        '<button type="submit" class="btn btn-quiet btn-sm" formnovalidate name="assignee"'
        ' value="{reader}" formaction="{href}assign/">{take}</button>'
        '<a href="{href}#assign">{give}</a></form>',
        href=line["href"],
        token=context["csrf_token"],
        origin=line["origin"],
        anchor=anchor,
        reader=context["request"].user.pk,
        verb="unacknowledge" if is_acknowledged else "acknowledge",
        acknowledge=_("Withdraw the acknowledgement") if is_acknowledged else _("Acknowledge"),
        length=_("Mute it"),
        hour=_("for an hour"),
        hours=_("for 4 hours"),
        day=_("for a day"),
        reason=_("Reason"),
        mute=_("Mute"),
        take=_("I look after it"),
        give=_("Give it to somebody else"),
    )


@register.filter
def as_json(value: Any) -> str:
    """JSON for a data attribute: plain text, which the template escapes."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.simple_tag
def request_reference() -> str:
    """The id of this request, which its log lines and audit events carry, too."""
    return current_request_id.get()


@lru_cache(maxsize=256)
def _render_icon(name: str, extra: str, sprite: str) -> SafeString:
    classes = f"icon {extra}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        classes,
        sprite,
        name,
    )

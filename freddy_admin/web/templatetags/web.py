"""Icons, script integrity, JSON and the request's id for templates."""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from freddy_admin.core.request_ids import current_request_id
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

"""What all mails of the alerts have: headers, who reads them and where, styles at the elements."""

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from freddy_admin.accounts.models import User
from freddy_admin.alerts.preferences import MailKind, unsubscribe_token
from freddy_admin.core.clock import time_zone_or_utc
from freddy_admin.core.panel_urls import panel_url

SUBJECT_LENGTH: Final = 150  # characters: what a list of mails can show, and more
_LINK_SIGNS: Final = re.compile(r"(?<=\w)([.@])(?=[^\W\d])|(?<=\w)(:)(?=//)")
_NO_LINK: Final = "\u200b"  # no width, and no part of an address


def user_language(user: User) -> str:
    """The language in which the person reads; the panel has one so far."""
    del user
    return settings.LANGUAGE_CODE


def user_zone(user: User) -> ZoneInfo:
    """The zone in which the person reads times."""
    return time_zone_or_utc(user.time_zone)


def message_id(uid: object) -> str:
    """The Message-ID of a message: the same over all attempts, and in what refers to it."""
    return f"<{uid}@{urlsplit(settings.PANEL_URL).hostname or 'localhost'}>"


def unsubscribe_url(user: User, kind: MailKind) -> str:
    """Where the person ends the mails of this kind, without signing in."""
    return panel_url("unsubscribe", unsubscribe_token(user=user, kind=kind))


def footer_context(user: User, kind: MailKind) -> dict[str, Any]:
    """What stands below every mail of the alerts: whose times they are, and how to leave."""
    return {
        "zone": user_zone(user).key,
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "preferences_url": panel_url("profile_alerts"),
        "unsubscribe_url": unsubscribe_url(user, kind),
    }


def mail_build(
    *, user: User, uid: object, kind: MailKind, body: dict[str, Any]
) -> EmailMultiAlternatives:
    """The mail of a body (subject, text, html), with its id and how it is left (RFC 8058).

    It goes to the person's present address.
    """
    headers = {
        "Message-ID": message_id(uid),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Unsubscribe": f"<{unsubscribe_url(user, kind)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    mail = EmailMultiAlternatives(body["subject"], body["text"], to=[user.email], headers=headers)
    if body["html"]:
        mail.attach_alternative(body["html"], "text/html")
    return mail


def html_inline(html: str) -> str:
    """The page with its styles at the elements, and those for dark mail programs in its head."""
    return _inliner().inline(html)


def unlinked(text: str) -> str:
    """The text with nothing in it that a mail program would make a link of.

    Names are written by others: `evil.example` in one would become a link beneath our words.
    """
    return _LINK_SIGNS.sub(lambda sign: f"{sign[0]}{_NO_LINK}", text)


def cut_at_word(text: str, length: int) -> str:
    """The text on one line, at most so many characters, cut between words where there are any."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    start = line[: length - 1]
    head = start.rpartition(" ")[0]
    return f"{head if len(head) > length // 2 else start}…"


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

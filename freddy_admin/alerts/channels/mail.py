"""Mail to a person: HTML and text, one thread for what belongs together, left with one click.

A mail loads nothing from anywhere and tells nobody that it was read. It is written in the
receiver's language and zone.
"""

from typing import Any, Final

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.answers import ChannelAnswer
from freddy_admin.alerts.messages.content import MessageContent, MessageItem
from freddy_admin.alerts.messages.mail_format import (
    SUBJECT_LENGTH,
    cut_at_word,
    footer_context,
    html_inline,
    mail_build,
    message_id,
    unlinked,
    user_language,
    user_zone,
)
from freddy_admin.alerts.models import Channel, DeliveryKind, Message, Severity
from freddy_admin.alerts.preferences import MailKind, preferences_get
from freddy_admin.core.mail import MailFailure, mail_send
from freddy_admin.core.outbox import NothingToSend, NotSent
from freddy_admin.core.panel_urls import panel_url
from freddy_admin.wording.alert_deliveries import WORDS_REFUSED
from freddy_admin.wording.alerts import keys_phrase, more_incidents
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.states import BAD, GOOD, WARN
from freddy_admin.wording.times import UserTime

HTML_LIMIT: Final = 90_000  # bytes; Gmail cuts what is longer than 102 kB, our last lines with it
_TAKEN: Final = 250  # what a mail server answers that takes a mail; another one is an error


def render(content: MessageContent, *, channel: Channel) -> dict[str, Any]:
    """The mail as JSON: subject, text, html, and the uid of the first message of its thread."""
    user = _channel_user(channel)
    with translation.override(user_language(user)), timezone.override(user_zone(user)):
        return _body(content, user)


def send(body: dict[str, Any], *, channel: Channel, message: Message) -> ChannelAnswer:
    """Send the mail to the person's present address.

    A mail server that refuses the words for good is given a mail without them, once: a link alone.
    Raises NotSent, and NothingToSend where the person has left or may not come in any more.
    """
    user = _channel_user(channel)
    if not user.is_active or not preferences_get(user=user).gets_mail:
        raise NothingToSend
    try:
        mail_send(alert_email(body, user=user, message=message))
    except NotSent as error:
        if error.reason != MailFailure.MAIL_REFUSED or not error.is_permanent:
            raise
        mail_send(alert_email(_body_without_words(body, user), user=user, message=message))
        return ChannelAnswer(_TAKEN, str(WORDS_REFUSED))
    return ChannelAnswer(_TAKEN)


def alert_email(body: dict[str, Any], *, user: User, message: Message) -> EmailMultiAlternatives:
    """The mail with its headers, the same at each attempt."""
    mail = mail_build(user=user, uid=message.uid, kind=MailKind.INCIDENTS, body=body)
    if body["thread"] != str(message.uid):
        first_id = message_id(body["thread"])
        mail.extra_headers |= {"In-Reply-To": first_id, "References": first_id}
    return mail


def _channel_user(channel: Channel) -> User:
    if channel.user is None:
        raise NothingToSend
    return channel.user


def _body(content: MessageContent, user: User) -> dict[str, Any]:
    """The mail, with fewer incidents where all of them would be too long."""
    count = len(content.items)
    while True:
        body = _body_of_first(count, content, user)
        if count == 1 or len(body["html"].encode()) <= HTML_LIMIT:
            return body
        count //= 2


def _body_of_first(count: int, content: MessageContent, user: User) -> dict[str, Any]:
    user_time = UserTime(now=content.now, zone=user_zone(user))
    title = render_text(content.title, user_time)
    context = {
        "title": unlinked(title),
        "sentences": [render_text(sentence, user_time) for sentence in content.sentences],
        "items": [_item_context(item, user_time) for item in content.items[:count]],
        "more": render_text(more_incidents(content.count - count), user_time),
        "kind": content.kind.value,
        "tone": _tone(content),
        "url": content.url,
        **footer_context(user, MailKind.INCIDENTS),
    }
    return {
        "subject": cut_at_word(title, SUBJECT_LENGTH),
        "text": render_to_string("mail/alert.txt", context).strip() + "\n",
        "html": html_inline(render_to_string("mail/alert.html", context)),
        "thread": str(content.thread_uid),
    }


def _item_context(item: MessageItem, user_time: UserTime) -> dict[str, Any]:
    keys = keys_phrase(item.key_labels, more=item.more_keys)
    return {
        "organisation": unlinked(item.organisation_name),
        "keys": unlinked(render_text(keys, user_time)),
        "state": item.state.label,
        "lines": [unlinked(render_text(line, user_time)) for line in item.sentences],
        "url": item.url,
    }


def _tone(content: MessageContent) -> str:
    if content.kind is DeliveryKind.RESOLVED:
        return GOOD
    return BAD if content.severity is Severity.ACTION_NEEDED else WARN


def _body_without_words(body: dict[str, Any], user: User) -> dict[str, Any]:
    """The mail without a word of what happened: that there is news, and where to read it."""
    with translation.override(user_language(user)):
        context = footer_context(user, MailKind.INCIDENTS) | {"url": panel_url("incident_list")}
        return {
            "subject": _("News from Freddy Admin (%(id)s)") % {"id": body["thread"][:8]},
            "text": render_to_string("mail/alert_plain.txt", context).strip() + "\n",
            "html": "",
            "thread": body["thread"],
        }

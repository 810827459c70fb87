"""The mail of a digest, as the outbox sends it: made when it is sent, and of that moment."""

from datetime import datetime
from functools import partial
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation

from freddy_admin.alerts.deliveries.outbox_lanes import ALERT_MAIL_LANE
from freddy_admin.alerts.digest.content import DigestContent, digest_content
from freddy_admin.alerts.digest.services import ALERT_DIGEST, LATE_LIMIT, digest_schedule
from freddy_admin.alerts.messages.mail_format import (
    SUBJECT_LENGTH,
    cut_at_word,
    footer_context,
    html_inline,
    mail_build,
    unlinked,
    user_language,
    user_zone,
)
from freddy_admin.alerts.models import DigestFrequency, DigestRun
from freddy_admin.alerts.preferences import MailKind, preferences_get
from freddy_admin.core import clock
from freddy_admin.core.mail import mail_send
from freddy_admin.core.outbox import NothingToSend, OutboxKind, Send, outbox_kind_register
from freddy_admin.core.panel_urls import panel_url
from freddy_admin.wording.alert_digest import (
    digest_line,
    digest_since,
    digest_title,
    more_organisations,
)
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.states import BAD, GOOD
from freddy_admin.wording.times import UserTime


def digest_email(run: DigestRun, *, now: datetime) -> EmailMultiAlternatives:
    """The mail of this run; raises NothingToSend where its reader has left, or all is well."""
    user, preferences = run.user, preferences_get(user=run.user)
    if not user.is_active or preferences.digest == DigestFrequency.NONE:
        raise NothingToSend
    content = digest_content(user=user, since=run.since, until=run.created_at)
    if not content.organisations or (content.counts.is_quiet and preferences.digest_skips_quiet):
        raise NothingToSend
    length = digest_schedule(preferences).length
    is_one_period = run.created_at - run.since < 1.5 * length
    with translation.override(user_language(user)), timezone.override(user_zone(user)):
        body = _body(run, content, now, preferences.digest if is_one_period else "")
    uid = f"digest-{run.pk}-{run.period}"
    return mail_build(user=user, uid=uid, kind=MailKind.DIGEST, body=body)


def _body(run: DigestRun, content: DigestContent, now: datetime, frequency: str) -> dict[str, Any]:
    user, counts = run.user, content.counts
    user_time = UserTime(now=now, zone=user_zone(user))
    numbers = (counts.opened, counts.resolved, counts.unresolved)
    title = render_text(digest_title(run.period, *numbers), user_time)
    lines = [
        {
            "organisation": unlinked(line.organisation_name),
            "words": render_text(
                digest_line(line.counts.opened, line.counts.resolved, line.counts.unresolved)
            ),
            "url": line.url,
        }
        for line in content.lines
    ]
    context = {
        "title": render_text(digest_since(frequency, content.since, *numbers), user_time),
        "tone": BAD if counts.unresolved else GOOD,
        "lines": lines,
        "more": render_text(more_organisations(content.more)),
        "url": panel_url("incident_list"),
        **footer_context(user, MailKind.DIGEST),
    }
    return {
        "subject": cut_at_word(title, SUBJECT_LENGTH),
        "text": render_to_string("mail/digest.txt", context).strip() + "\n",
        "html": html_inline(render_to_string("mail/digest.html", context)),
    }


def _prepare(run_id: int) -> Send:
    run = DigestRun.objects.select_related("user").filter(pk=run_id, sent_at=None).first()
    if run is None:
        raise NothingToSend
    return partial(mail_send, digest_email(run, now=clock.now()))


def _record_sent(run_id: int, _answer: object) -> None:
    DigestRun.objects.filter(pk=run_id).update(sent_at=clock.now())


outbox_kind_register(
    OutboxKind(
        name=ALERT_DIGEST,
        lane=ALERT_MAIL_LANE,
        lifetime=LATE_LIMIT,
        gives_up_after=LATE_LIMIT,
        prepare=_prepare,
        record_sent=_record_sent,
    )
)

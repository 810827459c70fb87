"""Mails that wait, fail, or were given up."""

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.core.mail import RECEIVER_FAILURES, MailFailure
from freddy_admin.core.outbox import LaneState
from freddy_admin.wording.sentences import Moment, Sentence, Text, moment_ago, say, say_counted
from freddy_admin.wording.states import GOOD, WARN

_GIVEN_UP: Final[dict[str, Text]] = {
    MailFailure.ADDRESS_REFUSED: _("Could not be sent: the mail server refused the address"),
    MailFailure.MAIL_REFUSED: _("Could not be sent: the mail server refused the mail"),
    MailFailure.PANEL_REFUSED: _(
        "Could not be sent: the mail server has refused this panel since {since}"
    ),
    MailFailure.DEFERRED: _("Could not be sent: the mail server has put it off since {since}"),
    MailFailure.TLS: _(
        "Could not be sent: the secure connection with the mail server has failed since {since}"
    ),
    MailFailure.NO_ANSWER: _("Could not be sent: the mail server has not answered since {since}"),
}
_GIVEN_UP_OTHERWISE: Final = _("Could not be sent: it has failed in this panel since {since}")

_FAILURES: Final[dict[str, Text]] = {
    MailFailure.ADDRESS_REFUSED: _("The mail server refuses the address."),
    MailFailure.MAIL_REFUSED: _("The mail server refuses the mail."),
    MailFailure.PANEL_REFUSED: _(
        "The mail server refuses this panel: see EMAIL_URL and DEFAULT_FROM_EMAIL."
    ),
    MailFailure.DEFERRED: _("The mail server puts mails off: see its log."),
    MailFailure.TLS: _(
        "The secure connection with the mail server failed: see EMAIL_URL, whether it speaks TLS "
        "at that port, and its certificate."
    ),
    MailFailure.NO_ANSWER: _(
        "The mail server does not answer: see EMAIL_URL and whether this machine may reach it."
    ),
}
_FAILURE_OTHERWISE: Final = _("Mails fail in this panel: see the worker's log.")

_WAITING: Final[Any] = ngettext_lazy("{n} mail waits", "{n} mails wait", "n")
_GIVEN_UP_COUNT: Final[Any] = ngettext_lazy(
    "{n} mail was given up within seven days.", "{n} mails were given up within seven days.", "n"
)
_REFUSED_COUNT: Final[Any] = ngettext_lazy(
    "{n} mail was refused by its receiver within seven days.",
    "{n} mails were refused by their receivers within seven days.",
    "n",
)


def mail_given_up_sentence(reason: str, failing_since: datetime) -> Sentence:
    """What became of a mail that was given up."""
    return say(_GIVEN_UP.get(reason, _GIVEN_UP_OTHERWISE), since=Moment(failing_since))


def mail_server_failure(reason: str) -> Sentence:
    """Why the mail server took nothing, and what to look at."""
    return say(_FAILURES.get(reason, _FAILURE_OTHERWISE))


def mail_lane_condition(lane: LaneState, now: datetime) -> tuple[str, Sentence, list[Sentence]]:
    """Whether mails are sent, for those who run the panel: tone, label and sentences.

    An address that its server refuses is for whoever typed it, and no problem here.
    """
    refused = sum(count for reason, count in lane.given_up.items() if reason in RECEIVER_FAILURES)
    given_up = {
        reason: count for reason, count in lane.given_up.items() if reason not in RECEIVER_FAILURES
    }
    sentences: list[Sentence] = []
    if lane.is_late(now) and lane.waiting_since is not None:
        sentences.append(
            say(_("The oldest was asked for {ago}."), ago=moment_ago(lane.waiting_since))
        )
        sentences.append(
            say(_("Nobody has tried to send it: start `manage.py run_worker`."))
            if lane.failing_since is None
            else say(_FAILURES.get(lane.failing_reason, _FAILURE_OTHERWISE))
        )
    if given_up:
        sentences.append(say_counted(_GIVEN_UP_COUNT, sum(given_up.values())))
        sentences += [say(_FAILURES.get(reason, _FAILURE_OTHERWISE)) for reason in given_up]
    tone = WARN if sentences else GOOD
    if refused:
        sentences.append(say_counted(_REFUSED_COUNT, refused))
    label = say_counted(_WAITING, lane.waiting) if lane.waiting else say(_("nothing waits"))
    return tone, label, sentences

"""What is said above lists of keys where something concerns many of them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.core.message_faults import MessageFault
from freddy_admin.sync.status.outage import Outage
from freddy_admin.wording.sentences import (
    Moment,
    Sentence,
    Text,
    moment_ago,
    say,
)
from freddy_admin.wording.states import BAD, WARN


@dataclass(frozen=True, slots=True)
class NoticeWording:
    """Something that concerns all keys; `kind` changes when what it says does."""

    kind: str
    tone: str
    icon: str
    title: Sentence
    words: tuple[Sentence, ...]
    support_text: str = ""


_KEYS_NOT_LOST = _(
    "The keys are not lost and nobody needs to paste one again. The people who run this panel "
    "put the right master key back."
)


def master_key_notice(*, is_for_all_keys: bool) -> NoticeWording:
    """That the master key does not fit, for all keys or only some."""
    affected = (
        _("No key can be opened, so nothing is checked; what you see is the last known state.")
        if is_for_all_keys
        else _(
            "Keys that were sealed with the missing one cannot be opened and are not checked; "
            "they show as Unknown, with their last known state. Other keys are not affected."
        )
    )
    return NoticeWording(
        kind="misfit_all" if is_for_all_keys else "misfit_some",
        tone=BAD,
        icon="lock-x",
        title=say(_("The master key does not fit the database")),
        words=(say(affected), say(_KEYS_NOT_LOST)),
    )


_OUTAGES: Final[Mapping[Outage, Text]] = {
    Outage.NO_CONNECTION: _(
        "At least half of the keys tell the same: no connection to it comes about."
    ),
    Outage.TIMED_OUT: _("At least half of the keys tell the same: it does not answer in time."),
    Outage.SERVER_ERROR: _(
        "At least half of the keys tell the same: it answers with errors of its own."
    ),
    Outage.FIREWALL: _(
        "At least half of the keys tell the same: something on the way, most likely a firewall, "
        "turns us away."
    ),
}


def outage_notice(
    outage: Outage, *, condition: Sequence[Sentence] = (), places: Sequence[str] = ()
) -> NoticeWording:
    """That Aitronos is out of reach; `condition` is what it says of itself.

    `places` are the environments that are meant; without any, Aitronos as a whole.
    """
    return NoticeWording(
        kind=f"outage_{outage}",
        tone=WARN,
        icon="plug-connected-x",
        title=say(_("Aitronos cannot be reached at {places}"), places=", ".join(places))
        if places
        else say(_("Aitronos cannot be reached")),
        words=(
            say(_OUTAGES[outage]),
            *condition,
            say(
                _(
                    "What you see is the last known state. Nothing for you to do: we try again on "
                    "our own."
                )
            ),
        ),
    )


def silent_worker_notice(
    heartbeat_at: datetime | None, checked_at: datetime | None
) -> NoticeWording:
    """That no worker gives a sign of life; `checked_at` is that of the latest check."""
    return NoticeWording(
        kind="silent",
        tone=WARN,
        icon="plug-connected-x",
        title=say(_("Statuses not refreshed since {at}"), at=Moment(checked_at))
        if checked_at
        else say(_("Statuses are not being refreshed")),
        words=(
            say(
                _("The worker was last seen {ago}. What you see is getting older by the minute."),
                ago=moment_ago(heartbeat_at),
            )
            if heartbeat_at
            else say(_("No worker has been seen yet, so nothing is checked.")),
        ),
    )


_MESSAGE_FAULTS: Final[Mapping[str, tuple[Text, Text, Text]]] = {
    MessageFault.STANDSTILL: (
        _("Messages are not going out"),
        _("Some are due for more than ten minutes, and nobody tries to send them."),
        _("Start a worker, and see its log."),
    ),
    MessageFault.MAIL: (
        _("Mails are not going out"),
        _("The mail server has not taken any for more than ten minutes; they are kept and sent."),
        _("See Mail on the page System."),
    ),
    MessageFault.CHANNEL: (
        _("A channel does not take its messages"),
        _("They are kept and sent again; other channels are not affected."),
        _("The page System says which."),
    ),
}


def message_fault_notices(fault: str, *, is_platform_admin: bool) -> list[NoticeWording]:
    """That nobody is told of anything at present, or, for platform admins, a channel is not."""
    if fault not in _MESSAGE_FAULTS or (fault == MessageFault.CHANNEL and not is_platform_admin):
        return []
    title, happening, advice = _MESSAGE_FAULTS[fault]
    if not is_platform_admin:
        advice = _("Look here yourself until then. The people who run this panel can mend it.")
    return [
        NoticeWording(
            kind=f"messages_{fault}",
            tone=WARN,
            icon="plug-connected-x",
            title=say(title),
            words=(say(happening), say(advice)),
        )
    ]

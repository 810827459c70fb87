"""How the alerts themselves are: whether anybody is told of anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import Sentence, moment_ago, say, say_counted
from freddy_admin.wording.states import GOOD, WARN

_OPEN: Final[Any] = ngettext_lazy("{n} open incident", "{n} open incidents", "n")
_FAILING: Final[Any] = ngettext_lazy(
    "{n} channel does not take what it is sent; it is tried again:",
    "{n} channels do not take what they are sent; they are tried again:",
    "n",
)
_DISABLED: Final[Any] = ngettext_lazy(
    "{n} channel is off since its other side refused all messages:",
    "{n} channels are off since their other sides refused all messages:",
    "n",
)
_GIVEN_UP: Final[Any] = ngettext_lazy(
    "{n} message was given up within seven days: the log of the alerts says why.",
    "{n} messages were given up within seven days: the log of the alerts says why.",
    "n",
)
STANDSTILL: Final = _("Messages are due and nobody sends them: start a worker, and see its log.")


@dataclass(frozen=True, slots=True)
class ChannelTrouble:
    """A channel that fails, or was switched off by the other side."""

    name: str  # as the page of channels says it
    owner: str  # the organisation; "" for one of the whole panel
    since: datetime
    answer: str  # what the other side said, plain text


@dataclass(frozen=True, slots=True)
class AlertsFacts:
    """What the sentences are made of."""

    open_count: int
    stands_still: bool
    waiting_since: datetime | None
    failing: Sequence[ChannelTrouble]  # some of `failing_count`
    failing_count: int
    disabled: Sequence[ChannelTrouble]
    disabled_count: int
    given_up: int

    @property
    def is_well(self) -> bool:
        """Whether nobody has to do anything about the alerts."""
        return not (self.stands_still or self.failing_count or self.disabled_count or self.given_up)


def alerts_sentences(facts: AlertsFacts) -> tuple[Sentence, ...]:
    """What is wrong with the alerts, the worst first; what they do where nothing is."""
    sentences: list[Sentence] = []
    if facts.stands_still:
        sentences.append(say(STANDSTILL))
    if facts.waiting_since and (facts.stands_still or facts.failing_count):
        ago = moment_ago(facts.waiting_since)
        sentences.append(say(_("The oldest was due {ago}."), ago=ago))
    if facts.failing_count:
        sentences.append(say_counted(_FAILING, facts.failing_count))
    if facts.disabled_count:
        sentences.append(say_counted(_DISABLED, facts.disabled_count))
    if facts.given_up:
        sentences.append(say_counted(_GIVEN_UP, facts.given_up))
    return tuple(sentences) or (say(_("Messages go out as incidents open and end.")),)


def alerts_wording(facts: AlertsFacts) -> PartWording:
    """The part of the system page."""
    lines = tuple(map(_channel_line, (*facts.failing, *facts.disabled)))
    label = say_counted(_OPEN, facts.open_count)
    tone = GOOD if facts.is_well else WARN
    return PartWording("alert-octagon", _("Alerts"), tone, label, alerts_sentences(facts), lines)


def _channel_line(channel: ChannelTrouble) -> Sentence:
    owner = channel.owner or _("the whole panel")
    since = moment_ago(channel.since)
    if not channel.answer:
        return say(
            _("{channel} of {owner}: {since}"), channel=channel.name, owner=owner, since=since
        )
    return say(
        _("{channel} of {owner}: {since}, “{answer}”"),
        channel=channel.name,
        owner=owner,
        since=since,
        answer=channel.answer,
    )

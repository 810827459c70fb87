"""Whether somebody outside learns that the panel itself stopped: the pings to HEARTBEAT_URL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import Sentence, Text, moment_ago, say
from freddy_admin.wording.states import GOOD, QUIET, WARN

_HOLDS: Final[dict[str, Text]] = {
    "copied": _("This seems to be a copy of a panel, which never tells the outside that it works."),
    "worker": _("It is withheld, for no worker gives a sign of life: start one."),
    "deliveries": _("It is withheld, for messages are due and nobody sends them: see the worker."),
    "mail": _("It is withheld, for the mail server takes no mail: see Mail."),
}
_FAILURE: Final = _(
    "{host} does not take it ({failure}): see HEARTBEAT_URL and whether the worker's machine may "
    "reach it."
)
NOT_SET: Final = _(
    "When this panel stands still, nobody outside is told. Set HEARTBEAT_URL to the address of a "
    "service that tells you when its ping does not come."
)
_WAITS: Final = _("The worker sends the first within a minute.")
_OVERDUE: Final = _("None was taken for more than ten minutes.")


@dataclass(frozen=True, slots=True)
class HeartbeatState:
    """What became of the pings; `host` is "" where HEARTBEAT_URL is not set."""

    host: str
    sent_at: datetime | None = None
    withheld_reason: str = ""
    failure: str = ""
    is_overdue: bool = False  # none was taken for more than ten minutes

    @property
    def has_problem(self) -> bool:
        """Whether the outside is not told, although it should be."""
        return bool(self.withheld_reason or self.failure or self.is_overdue)


def heartbeat_sentences(state: HeartbeatState) -> tuple[Sentence, ...]:
    """What became of the pings, the problem first; without HEARTBEAT_URL how to set it up."""
    if not state.host:
        return (say(NOT_SET),)
    if state.withheld_reason in _HOLDS:
        problem: tuple[Sentence, ...] = (say(_HOLDS[state.withheld_reason]),)
    elif state.failure:
        problem = (say(_FAILURE, host=state.host, failure=state.failure),)
    else:
        problem = (say(_OVERDUE),) if state.is_overdue else ()
    if state.sent_at is None:
        return problem or (say(_WAITS),)
    ago = moment_ago(state.sent_at)
    return (*problem, say(_("The latest went to {host} {ago}."), host=state.host, ago=ago))


def heartbeat_wording(state: HeartbeatState) -> PartWording:
    """The part of the system page; quiet where HEARTBEAT_URL is not set."""
    if not state.host:
        label, tone = say(_("not set up")), QUIET
    elif state.has_problem:
        label, tone = say(_("not taken")), WARN
    elif state.sent_at is None:
        label, tone = say(_("not sent yet")), QUIET
    else:
        label, tone = say(_("sent")), GOOD
    return PartWording("heartbeat", _("Heartbeat"), tone, label, heartbeat_sentences(state))

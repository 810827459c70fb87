"""What became of a message, and why a channel takes none: sentences for pages and messages.

`state` is the value of a `DeliveryState`, `reason` what is stored of the latest failure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.channels import channel_failure_sentence
from freddy_admin.wording.incidents import HELD_BY
from freddy_admin.wording.sentences import EMPTY, Moment, Sentence, Text, say
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN

DELIVERY_TONES: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": (QUIET, "hourglass"),
    "held": (QUIET, "hourglass"),
    "queued": (QUIET, "hourglass"),
    "sending": (QUIET, "loader-2"),
    "sent": (GOOD, "circle-check"),
    "failed": (WARN, "alert-triangle"),
    "may_have_arrived": (WARN, "alert-triangle"),
    "given_up": (BAD, "circle-x"),
    "dropped": (QUIET, "circle-dashed"),
}
_OUTCOMES: Final[Mapping[str, Text]] = {
    "waiting": _("Planned."),
    "held": _("Held back."),
    "queued": _("Goes out in a moment."),
    "sending": _("Is being sent."),
    "sent": _("Sent."),
    "failed": _("Not sent yet; it is tried again."),
    "may_have_arrived": _("May have arrived: it is not known, so it is sent again."),
    "given_up": _("Given up."),
    "dropped": _("Not needed any more."),
}
WORDS_REFUSED: Final = say(
    _("The mail server refused the words of this mail; it took one with the link alone.")
)


def message_outcome(state: str, *, reason: str = "", held_reason: str = "") -> tuple[Sentence, ...]:
    """What became of a message, and why where that is known."""
    if state == "held" and held_reason in HELD_BY:
        return (say(HELD_BY[held_reason]),)
    outcome = say(_OUTCOMES.get(state, state))
    if state in {"failed", "given_up", "may_have_arrived"} and reason:
        return outcome, channel_failure_sentence("", reason)
    return (outcome,)


def channel_condition(
    *, disabled_reason: str, is_disabled: bool, failing_since: datetime | None
) -> tuple[Sentence, ...]:
    """What is wrong with a channel; empty for nothing."""
    if is_disabled:
        why = channel_failure_sentence("mail", disabled_reason) if disabled_reason else EMPTY
        return say(_("Nothing is sent here: it was switched off.")), why
    if failing_since is not None:
        return (
            say(_("Messages fail since {at}; they are tried again."), at=Moment(failing_since)),
        )
    return ()

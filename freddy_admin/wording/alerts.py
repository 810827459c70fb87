"""What is told of incidents: titles, what happened, since when, whose move it is, causes.

One object of each serves page, mail and chat. `telling` is the value of a `DeliveryKind`: "opened",
"reminder" or "resolved". Titles of different incidents, and those of one incident's opening,
reminder and end, are never the same: mail programs merge mails of one subject.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Part,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import STATE_WORDINGS
from freddy_admin.wording.times import UserTime, format_duration


class Duration(Part):
    """How long something lasted."""

    __slots__ = ("_seconds",)

    def __init__(self, start: datetime, end: datetime) -> None:
        self._seconds = max(0.0, (end - start).total_seconds())

    def as_text(self, user_time: UserTime | None) -> str:
        """`20 s`, `15 min`, `6 h`, `3 days`."""
        return format_duration(self._seconds)


class StateLabel(Part):
    """A state in a word or two, in the language in which it is read."""

    __slots__ = ("_state",)

    def __init__(self, state: HealthState) -> None:
        self._state = state

    def as_text(self, user_time: UserTime | None) -> str:
        """`Key rejected`."""
        return str(self._state.label)


_NAME_LENGTH: Final = 60  # of an organisation in a title: the end of a title tells incidents apart


def _short_name(name: str) -> str:
    return Truncator(name).chars(_NAME_LENGTH)


# --- Titles: subjects of mails, first lines of chat messages -------------------
_INCIDENT_TITLES: Final[Mapping[str, Text]] = {
    "opened": _("{organisation}: {state} (incident {number})"),
    "reminder": _("Still open: {organisation}: {state} (incident {number})"),
    "resolved": _("Resolved: {organisation}: {state} (incident {number})"),
}
_INCIDENTS_TITLES: Final[Mapping[str, Any]] = {
    "opened": ngettext_lazy(
        "{organisation} and {n} more incident (incident {number})",
        "{organisation} and {n} more incidents (incident {number})",
        "n",
    ),
    "reminder": ngettext_lazy(
        "Still open: {organisation} and {n} more incident (incident {number})",
        "Still open: {organisation} and {n} more incidents (incident {number})",
        "n",
    ),
    "resolved": ngettext_lazy(
        "Resolved: {organisation} and {n} more incident (incident {number})",
        "Resolved: {organisation} and {n} more incidents (incident {number})",
        "n",
    ),
}
_CAUSE_TITLES: Final[Mapping[str, Any]] = {
    "opened": ngettext_lazy(
        "{cause}: {n} incident (cause {number})", "{cause}: {n} incidents (cause {number})", "n"
    ),
    "reminder": ngettext_lazy(
        "Still open: {cause}: {n} incident (cause {number})",
        "Still open: {cause}: {n} incidents (cause {number})",
        "n",
    ),
    "resolved": ngettext_lazy(
        "Resolved: {cause}: {n} incident (cause {number})",
        "Resolved: {cause}: {n} incidents (cause {number})",
        "n",
    ),
}
_TEST_TITLE: Final = _("Test: {title}")


def incident_title(telling: str, *, organisation: str, state: HealthState, number: int) -> Sentence:
    """Of a message about one incident."""
    parts = {
        "organisation": _short_name(organisation),
        "state": StateLabel(state),
        "number": str(number),
    }
    return say(_INCIDENT_TITLES[telling], **parts)


def incidents_title(telling: str, *, organisation: str, number: int, more: int) -> Sentence:
    """Of a message about several incidents without a common cause; named by the first of them."""
    return say_counted(
        _INCIDENTS_TITLES[telling],
        more,
        organisation=_short_name(organisation),
        number=str(number),
    )


def cause_title(telling: str, *, cause_kind: str, number: int, count: int) -> Sentence:
    """Of a message about the incidents of one cause that its receiver is told of."""
    cause = say(_CAUSE_NAMES[cause_kind])
    return say_counted(_CAUSE_TITLES[telling], count, cause=cause, number=str(number))


def test_title(title: Sentence) -> Sentence:
    """Of a message about a pretend incident."""
    return say(_TEST_TITLE, title=title)


TEST_SENTENCE: Final = say(
    _("This is a test: the incident is a pretend one, and nothing has to be done about it.")
)

# --- Causes -------------------------------------------------------------------
_CAUSE_NAMES: Final[Mapping[str, Text]] = {
    "api_unreachable": _("Aitronos cannot be reached"),
    "refused_alike": _("Keys are refused in the same way"),
    "master_key": _("The master key does not fit"),
}
_CAUSE_SENTENCES: Final[Mapping[str, Text]] = {
    "api_unreachable": _(
        "Aitronos cannot be reached: at least half of the keys tell the same. What is known is "
        "the last state before it."
    ),
    "refused_alike": _(
        "Keys are refused in the same way. Probably the header or a right at the platform is the "
        "cause, not the keys."
    ),
    "master_key": _(
        "The master key does not fit the database, so stored keys cannot be opened. They are not "
        "lost, and nobody needs to paste one again."
    ),
}
_CAUSE_ENDS: Final[Mapping[str, Text]] = {
    "api_unreachable": _("Aitronos can be reached again."),
    "refused_alike": _("Keys are no longer refused in the same way."),
    "master_key": _("The master key fits the database again."),
}
_CAUSE_MOVES: Final[Mapping[str, Text]] = {
    "api_unreachable": _("Nothing for you to do: we keep trying."),
    "refused_alike": _("The people who run this panel find out why, with Aitronos."),
    "master_key": _("The people who run this panel put the right master key back."),
}


def cause_name(kind: str) -> Sentence:
    """What several incidents have in common, in a few words."""
    return say(_CAUSE_NAMES[kind])


def cause_sentence(kind: str, *, is_over: bool = False) -> Sentence:
    """What several incidents have in common; names no organisation and no number."""
    return say((_CAUSE_ENDS if is_over else _CAUSE_SENTENCES)[kind])


def cause_next_move(kind: str) -> Sentence:
    """Whose move it is while the cause lasts."""
    return say(_CAUSE_MOVES[kind])


# --- One incident -------------------------------------------------------------
_STATE_SENTENCES: Final[Mapping[HealthState, Text]] = {
    HealthState.KEY_UNREADABLE: _(
        "The stored key is damaged and cannot be opened, so nothing is checked."
    ),
    HealthState.KEY_REJECTED: _("Aitronos does not accept this API key."),
    HealthState.KEY_NOT_PERMITTED: _("Aitronos does not let this key read the sync status."),
    HealthState.OVERDUE: _("A planned sync is missing."),
    HealthState.NEVER_SYNCED: _("The first sync has not come."),
    HealthState.UNKNOWN: _("No check brings an answer to rely on, so the state is not known."),
}
_TIMES_DO_NOT_ADD_UP: Final = _(
    "The times Aitronos gives do not add up: the last sync lies in the future."
)
_REFUSAL_KINDS: Final = {
    HealthState.KEY_REJECTED: "key_refused",
    HealthState.KEY_NOT_PERMITTED: "key_not_permitted",
}


def incident_sentence(state: HealthState, *, rule: int = 0, error: CheckError | None) -> Sentence:
    """What happened: the state of the worst key, and why where a call said so."""
    if state is HealthState.UNKNOWN and rule == 7:
        return say(_TIMES_DO_NOT_ADD_UP)
    if error is not None and (state in _REFUSAL_KINDS or state is HealthState.UNKNOWN):
        return failure_wording(_named_error(state, error)).words
    return say(_STATE_SENTENCES.get(state, STATE_WORDINGS[state].label))


def incident_former_state(state: HealthState) -> Sentence:
    """What a resolved incident was about."""
    return say(_("No longer: {state}."), state=StateLabel(state))


def incident_next_move(
    state: HealthState, *, error: CheckError | None, cause_kind: str = ""
) -> Sentence:
    """Whose move it is; empty where it is nobody's."""
    if cause_kind:
        return cause_next_move(cause_kind)
    if error is not None and state in _REFUSAL_KINDS:
        next_move = failure_wording(_named_error(state, error)).next_move
        if next_move:
            return say(next_move)
    if error is not None and state is HealthState.UNKNOWN:
        failure = failure_wording(error)
        if not failure.is_only_waited_for:
            return say(failure.advice)
    return say(STATE_WORDINGS[state].next_move)


def _named_error(state: HealthState, error: CheckError) -> CheckError:
    """The error with the kind that gave the state, whatever kind of failure came last."""
    return replace(error, kind=_REFUSAL_KINDS.get(state, error.kind))


def incident_since(opened_at: datetime) -> Sentence:
    """Since when it is so, to the second and with the zone."""
    return say(_("Since {at}."), at=Moment(opened_at, MomentStyle.EXACT))


def incident_lasted(opened_at: datetime, resolved_at: datetime) -> Sentence:
    """When it ended, and how long it was so."""
    return say(
        _("Well again since {at}. It lasted {duration}."),
        at=Moment(resolved_at, MomentStyle.EXACT),
        duration=Duration(opened_at, resolved_at),
    )


_MORE_KEYS: Final[Any] = ngettext_lazy("{keys} and {n} other key", "{keys} and {n} other keys", "n")
_MORE_INCIDENTS: Final[Any] = ngettext_lazy(
    "And {n} more incident.", "And {n} more incidents.", "n"
)


def keys_phrase(labels: tuple[str, ...], *, more: int = 0) -> Sentence:
    """The keys that an incident concerns, by label; empty without any."""
    keys = ", ".join(labels)
    return say_counted(_MORE_KEYS, more, keys=keys) if more else say("{keys}", keys=keys)


def more_incidents(count: int) -> Sentence:
    """That a message names not all; empty where it does."""
    return say_counted(_MORE_INCIDENTS, count) if count else EMPTY

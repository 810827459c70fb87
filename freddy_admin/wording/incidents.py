"""What pages say of incidents: how far they are, who looks after them, what was done and told.

States, kinds and answers come as the values that are stored, for the room of the alerts is above.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.sync.health_states import HealthState
from freddy_admin.wording.alerts import Duration, StateLabel
from freddy_admin.wording.events import EventWording
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, GOOD, QUIET, WARN
from freddy_admin.wording.times import parse_time

# --- The line beside a key or an organisation ---------------------------------
INCIDENT_LINE_OPEN: Final = _("Incident: nobody has taken it on yet.")
INCIDENT_LINE_ASSIGNED: Final = _("Incident: {who} looks after it.")
INCIDENT_LINE_ACKNOWLEDGED: Final = _("Incident: acknowledged by {who}.")
INCIDENT_LINE_MUTED: Final = _("Muted until {until}.")

# --- How far an incident is ---------------------------------------------------
STATE_TONES: Final[Mapping[str, tuple[str, str]]] = {
    "open": (BAD, "bell"),
    "acknowledged": (WARN, "user-check"),
    "resolved": (GOOD, "circle-check"),
}


def incident_standing(state: str, *, acknowledged_by: str, assignee: str) -> Sentence:
    """Who looks after an incident that is not over; empty where it is."""
    if state == "resolved":
        return EMPTY
    if assignee:
        return say(_("{who} looks after it."), who=assignee)
    if state == "acknowledged":
        return say(_("Acknowledged by {who}."), who=acknowledged_by or _OPERATOR)
    return say(_("Nobody has taken it on yet."))


_OPERATOR: Final = _("the operator (command line)")


def incident_span(opened_at: datetime, resolved_at: datetime | None, now: datetime) -> Sentence:
    """How long an incident lasted, or lasts."""
    if resolved_at is None:
        return say(_("for {duration} so far"), duration=Duration(opened_at, now))
    return say(_("it lasted {duration}"), duration=Duration(opened_at, resolved_at))


def incident_noticed(opened_at: datetime, noticed_at: datetime) -> Sentence:
    """When the panel saw it, where that was later than it became true; else empty."""
    if (noticed_at - opened_at).total_seconds() < 60:
        return EMPTY
    return say(_("First noticed: {at}."), at=Moment(noticed_at))


_KEYS_AFFECTED: Final[Any] = ngettext_lazy(
    "{n} API key of this organisation.", "{n} API keys of this organisation.", "n"
)
_KEYS_ALL_WELL: Final = _("Nothing any more.")


def incident_affected(affected: int) -> Sentence:
    """How many keys are not well."""
    return say_counted(_KEYS_AFFECTED, affected) if affected else say(_KEYS_ALL_WELL)


def mute_sentence(until: datetime, *, reason: str, by: str) -> Sentence:
    """Until when no message about it goes out, why, and who said so."""
    return say(
        _("Muted until {until} by {who}: {reason}"), until=Moment(until), who=by, reason=reason
    )


def silenced_sentence(until: datetime, *, reason: str) -> Sentence:
    """That a maintenance window holds back its messages."""
    return say(
        _("A maintenance window holds back its messages until {until}: {reason}"),
        until=Moment(until),
        reason=reason,
    )


_CAUSE_REACH: Final[Any] = ngettext_lazy(
    "It concerns {keys} in {n} organisation.", "It concerns {keys} in {n} organisations.", "n"
)
_CAUSE_KEYS: Final[Any] = ngettext_lazy("{n} key", "{n} keys", "n")


def cause_reach_sentence(*, organisations: int, keys: int) -> Sentence:
    """How far a cause reaches; for platform admins alone."""
    return say_counted(_CAUSE_REACH, organisations, keys=say_counted(_CAUSE_KEYS, keys))


# --- What was done ------------------------------------------------------------
Event = Mapping[str, Any]


def incident_event_wording(
    kind: str, *, actor: str, note: str, details: Mapping[str, Any]
) -> EventWording:
    """A line of the timeline; what cannot be read of `details` is left out, never guessed."""
    icon, tone, build = _EVENTS[kind]
    sentence = build(actor or str(_THE_PANEL), details)
    notes = (say("{note}", note=note),) if note else ()
    return EventWording(sentence, icon, tone, notes)


_THE_PANEL: Final = _("The panel")


def _text(details: Event, name: str) -> str:
    value = details.get(name)
    return value[:300] if isinstance(value, str) else ""


def _state_after(details: Event) -> HealthState | None:
    """The state that the key came into; events hold the one before and the one after."""
    states = details.get("state")
    state = states[-1] if isinstance(states, list) and states else None
    return HealthState(state) if state in HealthState.values else None


def _with_key(named: Text, unnamed: Text) -> Callable[[str, Event], Sentence]:
    """A sentence that names the key, and its state where it is known."""

    def build(actor: str, details: Event) -> Sentence:
        del actor
        label, state = _text(details, "key"), _state_after(details)
        if not label or state is None:
            return say(unnamed)
        return say(named, key=label, state=StateLabel(state))

    return build


def _opened(actor: str, details: Event) -> Sentence:
    del actor
    state = _state_after(details)
    if state is None:
        return say(_("The incident was opened."))
    return say(_("The incident was opened: {state}."), state=StateLabel(state))


def _state_changed(actor: str, details: Event) -> Sentence:
    del actor
    label, state = _text(details, "key"), _state_after(details)
    if not label or state is None:
        return say(_("The state changed."))
    return say(_("{key} is now: {state}."), key=label, state=StateLabel(state))


def _by(text: Text) -> Callable[[str, Event], Sentence]:
    return lambda actor, _details: say(text, who=actor)


def _assigned(actor: str, details: Event) -> Sentence:
    assignee = _text(details, "assignee")
    if not assignee or assignee == actor:
        return say(_("{who} looks after it from now on."), who=actor)
    return say(_("{who} gave it to {assignee}."), who=actor, assignee=assignee)


def _muted(actor: str, details: Event) -> Sentence:
    until, reason = parse_time(details.get("until")), _text(details, "reason")
    if until is None:
        return say(_("{who} muted it."), who=actor)
    if not reason:
        return say(_("{who} muted it until {until}."), who=actor, until=Moment(until))
    text = _("{who} muted it until {until}: {reason}")
    return say(text, who=actor, until=Moment(until), reason=reason)


_EVENTS: Final[Mapping[str, tuple[str, str, Callable[[str, Event], Sentence]]]] = {
    "opened": ("bell", BAD, _opened),
    "key_joined": (
        "key",
        WARN,
        _with_key(_("Another key is affected: {key} ({state})."), _("Another key is affected.")),
    ),
    "state_changed": ("refresh", WARN, _state_changed),
    "key_recovered": (
        "circle-check",
        GOOD,
        _with_key(_("The key {key} is well again."), _("A key is well again.")),
    ),
    "resolved": ("circle-check", GOOD, lambda _actor, _details: say(_("It is over."))),
    "acknowledged": ("user-check", QUIET, _by(_("{who} acknowledged it."))),
    "unacknowledged": ("user", QUIET, _by(_("{who} withdrew the acknowledgement."))),
    "assigned": ("user-check", QUIET, _assigned),
    "unassigned": ("user", QUIET, _by(_("{who} took it off the person who looked after it."))),
    "note": ("pencil", QUIET, _by(_("{who} wrote:"))),
    "muted": ("bell-off", QUIET, _muted),
    "unmuted": ("bell", QUIET, _by(_("{who} ended the mute."))),
}

# --- Who was told -------------------------------------------------------------
_TELLINGS: Final[Mapping[str, Text]] = {
    "opened": _("Told {channel} that it began."),
    "reminder": _("Reminded {channel}."),
    "resolved": _("Told {channel} that it is over."),
}
_TELLINGS_TO_COME: Final[Mapping[str, Text]] = {
    "opened": _("To {channel}: that it began."),
    "reminder": _("To {channel}: a reminder."),
    "resolved": _("To {channel}: that it is over."),
}
_DELIVERY_TONES: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": (QUIET, "hourglass"),
    "held": (QUIET, "bell-off"),
    "queued": (QUIET, "hourglass"),
    "sending": (QUIET, "refresh"),
    "sent": (GOOD, "circle-check"),
    "failed": (WARN, "clock-exclamation"),
    "may_have_arrived": (WARN, "help-hexagon"),
    "given_up": (BAD, "circle-x"),
    "dropped": (QUIET, "circle-dashed"),
}
HELD_BY: Final[Mapping[str, Text]] = {
    "mute": _("Held back by a mute."),
    "window": _("Held back by a maintenance window."),
    "quiet_hours": _("Held back by quiet hours."),
    "acknowledged": _("Not sent while the incident is acknowledged."),
    "second_check": _("Waits for a second check that finds the same."),
    "recheck": _("The worker was away: waits for fresh checks."),
    "cause_grows": _("Waits for what else has the same cause."),
    "cause_told": _("Its cause was told here already: told again after an hour."),
    "cause_lasts": _("Waits for what else was told of the same cause to recover."),
    "channel_off": _("Waits until the channel is switched on again."),
}
_ATTEMPTS: Final[Any] = ngettext_lazy("{n} attempt.", "{n} attempts.", "n")


def delivery_tone(state: str) -> tuple[str, str]:
    """The tone and the icon of a delivery in this state."""
    return _DELIVERY_TONES[state]


def delivery_sentence(kind: str, *, state: str, channel: str) -> Sentence:
    """Who was told of what, or is to be."""
    texts = _TELLINGS if state in {"sent", "may_have_arrived"} else _TELLINGS_TO_COME
    return say(texts[kind], channel=channel)


def delivery_notes(
    *, held_reason: str, send_at: datetime | None, attempts: int, answer: str
) -> tuple[Sentence, ...]:
    """Why it waits and until when, how often it was tried, what the other side answered."""
    held = say(HELD_BY[held_reason]) if held_reason in HELD_BY else EMPTY
    until = say(_("Goes out at {at}."), at=Moment(send_at)) if send_at else EMPTY
    tried = say_counted(_ATTEMPTS, attempts) if attempts > 1 else EMPTY
    said = say(_("The answer: “{answer}”."), answer=answer) if answer else EMPTY
    return (held, until, tried, said)


# --- Counts and windows -------------------------------------------------------
_INCIDENT_COUNT: Final[Any] = ngettext_lazy("{n} incident", "{n} incidents", "n")


def incident_count(count: int) -> Sentence:
    """`3 incidents`."""
    return say_counted(_INCIDENT_COUNT, count)

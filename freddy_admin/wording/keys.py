"""What is said of one key beside its state: its expiry, whom to ask, its checks and figures."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.status.key_expiry import LAST_DAYS, URGENT_DAYS
from freddy_admin.sync.status.types import KeyRow, Overview
from freddy_admin.wording.failures import failure_wording, is_master_key_failure
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, QUIET, WARN

# How many keys are in a state, for summaries.
STATE_COUNTS: Final[Mapping[HealthState, Any]] = {
    HealthState.KEY_UNREADABLE: ngettext_lazy("{n} key unreadable", "{n} keys unreadable", "n"),
    HealthState.KEY_REJECTED: ngettext_lazy("{n} key rejected", "{n} keys rejected", "n"),
    HealthState.KEY_NOT_PERMITTED: ngettext_lazy(
        "{n} key not permitted", "{n} keys not permitted", "n"
    ),
    HealthState.OVERDUE: ngettext_lazy("{n} overdue", "{n} overdue", "n"),
    HealthState.NEVER_SYNCED: ngettext_lazy("{n} never synced", "{n} never synced", "n"),
    HealthState.LATE: ngettext_lazy("{n} late", "{n} late", "n"),
    HealthState.UNKNOWN: ngettext_lazy("{n} unknown", "{n} unknown", "n"),
    HealthState.NO_SCHEDULE: ngettext_lazy("{n} no schedule", "{n} no schedule", "n"),
    HealthState.NOT_CHECKED: ngettext_lazy("{n} not checked yet", "{n} not checked yet", "n"),
    HealthState.WAITING: ngettext_lazy(
        "{n} waiting for first sync", "{n} waiting for first sync", "n"
    ),
    HealthState.UP_TO_DATE: ngettext_lazy("{n} up to date", "{n} up to date", "n"),
    HealthState.PAUSED: ngettext_lazy("{n} paused", "{n} paused", "n"),
}


def state_count(state: HealthState, count: int) -> Sentence:
    """`1,234 up to date`."""
    return say_counted(STATE_COUNTS[state], count)


_NEED_YOU: Final[Any] = ngettext_lazy("{n} needs you", "{n} need you", "n")


def need_you_count(count: int) -> Sentence:
    """`3 need you`."""
    return say_counted(_NEED_YOU, count)


_EXPIRE_SOON: Final[Any] = ngettext_lazy("{n} key expires soon", "{n} keys expire soon", "n")


def expiring_count(count: int) -> Sentence:
    """`7 keys expire soon`."""
    return say_counted(_EXPIRE_SOON, count)


_KEYS: Final[Any] = ngettext_lazy("{n} key", "{n} keys", "n")


def key_count(count: int, total: int | None) -> Sentence:
    """`7 keys`, or `7 of 42 keys` where filters leave `count` of `total`."""
    if total is not None:
        return say(_("{n} of {all} keys"), n=count, all=total)
    return say_counted(_KEYS, count)


def latest_and_next_check(overview: Overview) -> Sentence:
    """When the latest check of any key was, and when the next one comes."""
    if overview.checked_at is None:
        return say(_("Nothing was checked yet."))
    checked = Moment(overview.checked_at, MomentStyle.AGO)
    if overview.next_check_at is None:
        return say(_("Checked {ago}"), ago=checked)
    until = Moment(overview.next_check_at, MomentStyle.UNTIL)
    return say(_("Checked {ago} · next check {until}"), ago=checked, until=until)


_NEAR_EXPIRIES: Final[Mapping[int, tuple[Text, Text]]] = {
    -1: (
        _("The key of {name} expired yesterday: make a new one."),
        _("The key “{label}” of {name} expired yesterday: make a new one."),
    ),
    0: (
        _("The key of {name} expires today: make a new one."),
        _("The key “{label}” of {name} expires today: make a new one."),
    ),
    1: (
        _("The key of {name} expires tomorrow: make a new one."),
        _("The key “{label}” of {name} expires tomorrow: make a new one."),
    ),
}
_PAST_EXPIRIES: Final[tuple[Any, Any]] = (
    ngettext_lazy(
        "The key of {name} expired {n} day ago: make a new one.",
        "The key of {name} expired {n} days ago: make a new one.",
        "n",
    ),
    ngettext_lazy(
        "The key “{label}” of {name} expired {n} day ago: make a new one.",
        "The key “{label}” of {name} expired {n} days ago: make a new one.",
        "n",
    ),
)
_COMING_EXPIRIES: Final[tuple[Any, Any]] = (
    ngettext_lazy(
        "The key of {name} expires in {n} day: make a new one.",
        "The key of {name} expires in {n} days: make a new one.",
        "n",
    ),
    ngettext_lazy(
        "The key “{label}” of {name} expires in {n} day: make a new one.",
        "The key “{label}” of {name} expires in {n} days: make a new one.",
        "n",
    ),
)


def key_expiry_sentence(row: KeyRow) -> Sentence:
    """`The key of Acme expires in 6 days: make a new one.`"""
    days_left, has_siblings = row.days_until_expiry or 0, row.keys_in_organisation > 1
    parts = {"name": row.organisation_name, "label": row.key_label}
    if days_left in _NEAR_EXPIRIES:
        return say(_NEAR_EXPIRIES[days_left][has_siblings], **parts)
    texts = _PAST_EXPIRIES if days_left < 0 else _COMING_EXPIRIES
    return say_counted(texts[has_siblings], abs(days_left), **parts)


def key_expiry_sentences(row: KeyRow) -> tuple[Sentence, ...]:
    """The expiry in full, with its date and what to do; empty while it is far ahead."""
    days_left = row.days_until_expiry
    if days_left is None or not row.is_expiring_soon:
        return ()
    advice = (
        _("As long as Aitronos accepts it we go on; if the date is wrong, correct it.")
        if days_left < 0
        else _("Replace it before; until then the present one works.")
    )
    date_sentence = say(_("By its date: {day}."), day=row.expires_on)
    return key_expiry_sentence(row), date_sentence, say(advice)


_EXPIRES_IN_DAYS: Final[Any] = ngettext_lazy(
    "key expires in {n} day", "key expires in {n} days", "n"
)


def key_expiry_note(row: KeyRow) -> Sentence:
    """The expiry in a few words, for a list; empty while it is far ahead."""
    days_left = row.days_until_expiry
    if days_left is None or not row.is_expiring_soon:
        return EMPTY
    if days_left < 0:
        return say(_("key expired"))
    if days_left < 2:
        return say(_("key expires tomorrow") if days_left else _("key expires today"))
    return say_counted(_EXPIRES_IN_DAYS, days_left)


def key_expiry_label(row: KeyRow) -> Sentence:
    """The expiry in two words, in place of a state."""
    is_over = (row.days_until_expiry or 0) < 0
    return say(_("Key expired") if is_over else _("Key expires"))


def key_expiry_tone(row: KeyRow) -> str:
    """How loud the expiry is: quiet from 30 days on, amber from 7, red on the last."""
    days_left = row.days_until_expiry or 0
    if days_left <= LAST_DAYS:
        return BAD
    return WARN if days_left <= URGENT_DAYS else QUIET


NEW_KEY_MOVE: Final = _("A manager makes a new key at Aitronos and pastes it here.")

# What somebody of the organisation can mend; Aitronos and networks nobody of ours can.
_OWNER_FIXABLE_KINDS = frozenset(
    {
        FailureKind.KEY_REFUSED,
        FailureKind.KEY_NOT_PERMITTED,
        FailureKind.INVALID_SECRET,
        LocalFailureKind.KEY_UNREADABLE,
    }
)


def owner_to_ask_about_problem(row: KeyRow) -> Sentence:
    """Whom to ask about what is wrong; empty where nobody of ours can mend it."""
    if row.error is None:
        return owner_to_ask(row) if row.needs_action else EMPTY
    is_owner_fixable = row.state in NEW_SECRET_STATES or row.error.kind in _OWNER_FIXABLE_KINDS
    return owner_to_ask(row) if is_owner_fixable else EMPTY


def owner_to_ask(row: KeyRow) -> Sentence:
    """Whom to ask; empty without an owner, and where the panel itself is at fault."""
    if not row.owner_name or is_master_key_failure(row):
        return EMPTY
    if row.owner_is_user:
        return say(_("You look after this key."))
    return say(_("Ask {name}, who looks after this key."), name=row.owner_name)


def key_state_note(row: KeyRow) -> Sentence:
    """The note under the state: the last known state, or the reason; mostly empty."""
    if row.state is HealthState.UNKNOWN and row.state_rule == 5:
        return say(_("was: {state}"), state=row.last_known_state.label)
    if row.state is HealthState.UNKNOWN and row.state_rule == 7:
        return say(_("the times do not add up"))
    if row.state in {HealthState.OVERDUE, HealthState.LATE} and row.due_at and row.due_at > row.now:
        return say(_("a planned sync was left out"))
    if row.error is None or row.state is HealthState.PAUSED:
        return EMPTY
    # "Key rejected: key refused" says nothing twice; "the key has expired" says something.
    is_redundant = row.state in NEW_SECRET_STATES and not row.error.code.startswith("API_KEY_")
    return EMPTY if is_redundant else failure_wording(row.error).brief


def figures_brief(row: KeyRow) -> Sentence:
    """What to know of the figures, in a word or two; mostly empty."""
    if row.figures_are_former and row.figures:
        return say(_("before the change"))
    return say(_("inconsistent")) if row.figures and row.figures.is_inconsistent else EMPTY


def figures_sentence(row: KeyRow) -> Sentence:
    """The same as a sentence."""
    if row.figures is None:
        return EMPTY
    if row.figures_are_former:
        return say(_("From before the change: no answer has come since."))
    if row.figures.is_inconsistent:
        return say(_("Shown as Aitronos sent them; the marked figures contradict each other."))
    return EMPTY


def affected_scope(row: KeyRow) -> tuple[Sentence, ...]:
    """What a failed check affects, and of when the status shown is."""
    if row.state is HealthState.KEY_UNREADABLE or row.refusals >= 2 or row.needs_action:
        scope = say(_("This key alone: its status is not known until this is solved."))
    else:
        scope = say(_("What is shown here; the syncs at Aitronos go on without us."))
    if row.observed_at is None:
        return (scope,)
    return scope, say(_("Shown is the status of {at}."), at=Moment(row.observed_at))


def wrong_organisation_warning(row: KeyRow) -> Sentence:
    """That the key belongs to another organisation than the one entered; mostly empty."""
    entered_id, reported_id = row.organization_id, row.reported_organization_id
    if not entered_id or not reported_id or entered_id == reported_id:
        return EMPTY
    return say(
        _(
            "Aitronos answers for another organisation ({reported}) than the one entered here "
            "({entered}). The key may belong to somebody else: compare before you rely on it."
        ),
        reported=reported_id,
        entered=entered_id,
    )


def last_and_next_check(row: KeyRow, now: datetime) -> Sentence:
    """When we looked, and when we look again."""
    never: Text
    if row.paused_at is not None:
        never, looked = _("We have not looked yet"), _("We looked {ago}")
    elif row.is_check_pending:
        never = _("We have not looked yet · checking now")
        looked = _("We looked {ago} · checking now")
    elif row.hold_until is not None and row.hold_until > now:
        never = _("We have not looked yet · Aitronos asked us to wait, next try {at}")
        looked = _("We looked {ago} · Aitronos asked us to wait, next try {at}")
    else:
        never = _("We have not looked yet · next look {until}")
        looked = _("We looked {ago} · next look {until}")
    parts = {
        "at": Moment(max(row.hold_until or row.next_check_at, row.next_check_at)),
        "until": Moment(row.next_check_at, MomentStyle.UNTIL),
    }
    if row.checked_at is None:
        return say(never, **parts)
    return say(looked, ago=Moment(row.checked_at, MomentStyle.AGO), **parts)


_REQUEST_RETENTION = timedelta(minutes=10)
_REQUEST_SLOW_AFTER = timedelta(seconds=45)


def check_request_sentence(row: KeyRow, requested_at: datetime, now: datetime) -> Sentence:
    """What became of the check that was asked for at `requested_at`; empty once it is old."""
    if now - requested_at > _REQUEST_RETENTION:
        return EMPTY
    if row.checked_at is not None and row.checked_at >= requested_at:
        words = _("Checked at {at}, after you asked: {state}.")
        return say(words, at=Moment(row.checked_at), state=row.state.label)
    if row.state is HealthState.PAUSED:
        return EMPTY
    if is_check_request_slow(row, requested_at, now):
        return say(_("The check has not ended yet. The worker may be busy or stopped."))
    return say(_("Checking, as you asked {ago}…"), ago=Moment(requested_at, MomentStyle.AGO))


def is_check_request_slow(row: KeyRow, requested_at: datetime, now: datetime) -> bool:
    """Whether the check that was asked for should have ended by now, and has not."""
    is_finished = row.checked_at is not None and row.checked_at >= requested_at
    return not is_finished and now - requested_at > _REQUEST_SLOW_AFTER


def check_not_repeated(held_until: datetime | None) -> Sentence:
    """Why a check that was asked for is not made now."""
    if held_until is None:
        return say(_("This key was checked a moment ago: that result is shown here."))
    text = _("Aitronos asked us to wait, so the check comes at {at}, without you pressing again.")
    return say(text, at=Moment(held_until))


def fetch_not_repeated(held_until: datetime | None) -> Sentence:
    """Why a list that was asked for is not fetched now."""
    if held_until is None:
        return say(_("This list was fetched a moment ago: that result is shown here."))
    text = _("Aitronos asked us to wait until {at}. The list can be fetched after that.")
    return say(text, at=Moment(held_until))

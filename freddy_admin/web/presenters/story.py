"""One key's state as a story: the headline, the promise, whose move it is."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.states import State
from freddy_admin.web.presenters.actions import is_platform_fault
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.times import Reading

NONE = SafeString("")


@dataclass(frozen=True, slots=True)
class Story:
    """`headline` is one or two sentences; `promise` and `move` may be empty."""

    headline: SafeString
    promise: SafeString
    move: SafeString


def story(row: KeyRow, on: Reading) -> Story:
    """What to say of this key."""
    return Story(
        headline=_HEADLINES[row.state](row, on), promise=_promise(row, on), move=_move(row)
    )


def say(sentence: str, **parts: object) -> SafeString:
    """A translated sentence with its parts, foreign ones escaped."""
    return format_html(sentence, **parts) if parts else SafeString(sentence)  # nosec B703


def _last(row: KeyRow, on: Reading) -> SafeString:
    last = row.figures.last_sync_at if row.figures else None
    if last is None:
        return say(_("No sync has been seen."))
    return say(_("Synced {ago}."), ago=on.ago(last))


def _up_to_date(row: KeyRow, on: Reading) -> SafeString:
    due = row.due_at
    if due is None:
        return _last(row, on)
    if due <= on.now:
        return say(_("{last} The next sync is due now."), last=_last(row, on))
    return say(_("{last} Next sync expected by {due}."), last=_last(row, on), due=on.at(due))


def _late(row: KeyRow, on: Reading) -> SafeString:
    due = row.due_at
    if due is None or due > on.now:
        return say(_("{last} That is longer ago than planned."), last=_last(row, on))
    return say(
        _("{last} The sync expected by {due} has not come yet."),
        last=_last(row, on),
        due=on.at(due),
    )


def _overdue(row: KeyRow, on: Reading) -> SafeString:
    due = row.due_at
    if due is None or due > on.now:
        return say(_("{last} At least one planned sync was skipped."), last=_last(row, on))
    return say(
        _("{last} The sync expected by {due} is missing."), last=_last(row, on), due=on.at(due)
    )


def _never(row: KeyRow, on: Reading) -> SafeString:
    due = row.due_at
    if due is None:
        return say(_("This organisation has never synced."))
    return say(_("Never synced. The first sync was expected by {due}."), due=on.at(due))


def _waiting(row: KeyRow, on: Reading) -> SafeString:
    due = row.due_at
    if due is None:
        return say(_("Waiting for the first sync."))
    if due <= on.now:
        return say(_("Waiting for the first sync, which is due now."))
    return say(_("Waiting for the first sync, expected by {due}."), due=on.at(due))


def _no_schedule(row: KeyRow, on: Reading) -> SafeString:
    return say(
        _("{last} Aitronos names no next sync and no interval, so nobody can say when it is late."),
        last=_last(row, on),
    )


def _unknown(row: KeyRow, on: Reading) -> SafeString:
    if row.state_rule == 7:
        return say(_("The times Aitronos gives do not add up: the last sync lies in the future."))
    if row.observed_at is None or row.figures_are_former:
        if row.figures_are_former:
            return say(_("Not known since the change: no check has brought an answer yet."))
        return say(_("Not known yet: no check has brought an answer to rely on."))
    return say(
        _("Last known: {state}. Our last answer came {ago}; what happened since is not known."),
        state=str(row.known_state.label),
        ago=on.ago(row.observed_at),
    )


def _not_checked(row: KeyRow, on: Reading) -> SafeString:
    if row.next_check_at <= on.now:
        return say(_("Not checked yet. The first check is about to start."))
    return say(
        _("Not checked yet. The first check comes {until}."), until=on.until(row.next_check_at)
    )


def _paused(row: KeyRow, on: Reading) -> SafeString:
    since = row.paused_at or row.state_since
    return say(
        _("Paused {ago} by {who}. Nothing is checked until somebody resumes it."),
        ago=on.ago(since),
        who=row.paused_by or _("somebody"),
    )


def _error_words(row: KeyRow, _on: Reading) -> SafeString:
    if row.error is None:
        return say(_("Aitronos refused this key in the last conclusive checks."))
    return format_html("{}", failure(row.error).words)


_HEADLINES: dict[State, Callable[[KeyRow, Reading], SafeString]] = {
    State.KEY_UNREADABLE: lambda row, on: say(
        _("The stored key is damaged and cannot be opened, so nothing is checked.")
    ),
    State.KEY_REJECTED: lambda row, on: (
        _error_words(row, on)
        if row.error and row.error.kind == "key_refused"
        else say(_("Aitronos does not accept this API key."))
    ),
    State.KEY_NOT_PERMITTED: lambda row, on: (
        _error_words(row, on)
        if row.error and row.error.kind == "key_not_permitted"
        else say(_("This key has no admin right."))
    ),
    State.OVERDUE: _overdue,
    State.NEVER_SYNCED: _never,
    State.LATE: _late,
    State.UNKNOWN: _unknown,
    State.NO_SCHEDULE: _no_schedule,
    State.NOT_CHECKED: _not_checked,
    State.WAITING: _waiting,
    State.UP_TO_DATE: _up_to_date,
    State.PAUSED: _paused,
}


def _promise(row: KeyRow, on: Reading) -> SafeString:
    """From when we will call it what it is not yet."""
    if row.state not in {State.UP_TO_DATE, State.LATE, State.WAITING} or row.overdue_at is None:
        return NONE
    if row.overdue_at <= on.now:
        return say(_("Our next look decides whether it is overdue."))
    if row.state is State.WAITING:
        return say(_("Without one we will call it never synced at {at}."), at=on.at(row.overdue_at))
    return say(_("Without a new sync we will call it overdue at {at}."), at=on.at(row.overdue_at))


def _move(row: KeyRow) -> SafeString:
    """Whose move it is, in a sentence; empty where it is nobody's."""
    if is_platform_fault(row):
        return say(_("This is for the people who run this panel, not for you."))
    sentences = {
        State.KEY_UNREADABLE: _("A manager pastes the key again."),
        State.KEY_REJECTED: _("A manager makes a new key at Aitronos and pastes it here."),
        State.KEY_NOT_PERMITTED: _("A manager pastes a key that an owner or admin has made."),
        State.OVERDUE: _("An operator starts a sync."),
        State.NEVER_SYNCED: _("An operator starts the first sync."),
        State.LATE: _("Nobody needs to act yet."),
        State.UNKNOWN: _("Nothing for you to do: we keep trying."),
        State.NO_SCHEDULE: _("If syncs should run on a schedule, set one at Aitronos."),
    }
    return SafeString(sentences.get(row.state, ""))  # nosec B703

"""The headline of a key: its state in sentences, when it will be overdue, who acts next."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.key_actions import is_master_key_failure
from freddy_admin.web.presenters.user_time import UserTime

EMPTY_TEXT = SafeString("")


@dataclass(frozen=True, slots=True)
class KeyHeadline:
    """`sentence` is one or two sentences; the other two may be empty."""

    sentence: SafeString
    overdue_announcement: SafeString
    next_move: SafeString


def key_headline(row: KeyRow, user_time: UserTime) -> KeyHeadline:
    """The headline of this key for one moment."""
    return KeyHeadline(
        sentence=_HEADLINE_BY_STATE[row.state](row, user_time),
        overdue_announcement=_overdue_announcement(row, user_time),
        next_move=_next_move(row),
    )


def format_sentence(sentence: str, **parts: object) -> SafeString:
    """A translated sentence with its parts, foreign ones escaped."""
    return format_html(sentence, **parts) if parts else SafeString(sentence)  # nosec B703


def _last_sync_sentence(row: KeyRow, user_time: UserTime) -> SafeString:
    last = row.figures.last_sync_at if row.figures else None
    if last is None:
        return format_sentence(_("No sync has been seen."))
    return format_sentence(_("Synced {ago}."), ago=user_time.render_ago(last))


def _up_to_date_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    due = row.due_at
    if due is None:
        return _last_sync_sentence(row, user_time)
    if due <= user_time.now:
        return format_sentence(
            _("{last} The next sync is due now."), last=_last_sync_sentence(row, user_time)
        )
    return format_sentence(
        _("{last} Next sync expected by {due}."),
        last=_last_sync_sentence(row, user_time),
        due=user_time.render_clock(due),
    )


def _late_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    due = row.due_at
    if due is None or due > user_time.now:
        return format_sentence(
            _("{last} That is longer ago than planned."), last=_last_sync_sentence(row, user_time)
        )
    return format_sentence(
        _("{last} The sync expected by {due} has not come yet."),
        last=_last_sync_sentence(row, user_time),
        due=user_time.render_clock(due),
    )


def _overdue_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    due = row.due_at
    if due is None or due > user_time.now:
        return format_sentence(
            _("{last} At least one planned sync was skipped."),
            last=_last_sync_sentence(row, user_time),
        )
    return format_sentence(
        _("{last} The sync expected by {due} is missing."),
        last=_last_sync_sentence(row, user_time),
        due=user_time.render_clock(due),
    )


def _never_synced_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    due = row.due_at
    if due is None:
        return format_sentence(_("This organisation has never synced."))
    return format_sentence(
        _("Never synced. The first sync was expected by {due}."), due=user_time.render_clock(due)
    )


def _waiting_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    due = row.due_at
    if due is None:
        return format_sentence(_("Waiting for the first sync."))
    if due <= user_time.now:
        return format_sentence(_("Waiting for the first sync, which is due now."))
    return format_sentence(
        _("Waiting for the first sync, expected by {due}."), due=user_time.render_clock(due)
    )


def _no_schedule_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    return format_sentence(
        _("{last} Aitronos names no next sync and no interval, so nobody can say when it is late."),
        last=_last_sync_sentence(row, user_time),
    )


def _unknown_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    if row.state_rule == 7:
        return format_sentence(
            _("The times Aitronos gives do not add up: the last sync lies in the future.")
        )
    if row.observed_at is None or row.figures_are_former:
        if row.figures_are_former:
            return format_sentence(
                _("Not known since the change: no check has brought an answer yet.")
            )
        return format_sentence(_("Not known yet: no check has brought an answer to rely on."))
    return format_sentence(
        _("Last known: {state}. Our last answer came {ago}; what happened since is not known."),
        state=str(row.last_known_state.label),
        ago=user_time.render_ago(row.observed_at),
    )


def _not_checked_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    if row.next_check_at <= user_time.now:
        return format_sentence(_("Not checked yet. The first check is about to start."))
    return format_sentence(
        _("Not checked yet. The first check comes {until}."),
        until=user_time.render_until(row.next_check_at),
    )


def _paused_headline(row: KeyRow, user_time: UserTime) -> SafeString:
    since = row.paused_at or row.state_since
    return format_sentence(
        _("Paused {ago} by {who}. Nothing is checked until somebody resumes it."),
        ago=user_time.render_ago(since),
        who=row.paused_by or _("somebody"),
    )


def _check_error_headline(row: KeyRow, _user_time: UserTime) -> SafeString:
    if row.error is None:
        return format_sentence(_("Aitronos refused this key in the last conclusive checks."))
    return format_html("{}", failure_wording(row.error).words)


_HEADLINE_BY_STATE: dict[HealthState, Callable[[KeyRow, UserTime], SafeString]] = {
    HealthState.KEY_UNREADABLE: lambda row, user_time: format_sentence(
        _("The stored key is damaged and cannot be opened, so nothing is checked.")
    ),
    HealthState.KEY_REJECTED: lambda row, user_time: (
        _check_error_headline(row, user_time)
        if row.error and row.error.kind == "key_refused"
        else format_sentence(_("Aitronos does not accept this API key."))
    ),
    HealthState.KEY_NOT_PERMITTED: lambda row, user_time: (
        _check_error_headline(row, user_time)
        if row.error and row.error.kind == "key_not_permitted"
        else format_sentence(_("This key has no admin right."))
    ),
    HealthState.OVERDUE: _overdue_headline,
    HealthState.NEVER_SYNCED: _never_synced_headline,
    HealthState.LATE: _late_headline,
    HealthState.UNKNOWN: _unknown_headline,
    HealthState.NO_SCHEDULE: _no_schedule_headline,
    HealthState.NOT_CHECKED: _not_checked_headline,
    HealthState.WAITING: _waiting_headline,
    HealthState.UP_TO_DATE: _up_to_date_headline,
    HealthState.PAUSED: _paused_headline,
}


def _overdue_announcement(row: KeyRow, user_time: UserTime) -> SafeString:
    """When the key will be called overdue or never synced; empty where that cannot come."""
    if (
        row.state not in {HealthState.UP_TO_DATE, HealthState.LATE, HealthState.WAITING}
        or row.overdue_at is None
    ):
        return EMPTY_TEXT
    if row.overdue_at <= user_time.now:
        return format_sentence(_("Our next look decides whether it is overdue."))
    if row.state is HealthState.WAITING:
        return format_sentence(
            _("Without one we will call it never synced at {at}."),
            at=user_time.render_clock(row.overdue_at),
        )
    return format_sentence(
        _("Without a new sync we will call it overdue at {at}."),
        at=user_time.render_clock(row.overdue_at),
    )


def _next_move(row: KeyRow) -> SafeString:
    """Who acts next, in a sentence; empty where nobody needs to."""
    if is_master_key_failure(row):
        return format_sentence(_("This is for the people who run this panel, not for you."))
    sentences = {
        HealthState.KEY_UNREADABLE: _("A manager pastes the key again."),
        HealthState.KEY_REJECTED: _("A manager makes a new key at Aitronos and pastes it here."),
        HealthState.KEY_NOT_PERMITTED: _("A manager pastes a key that an owner or admin has made."),
        HealthState.OVERDUE: _("An operator starts a sync."),
        HealthState.NEVER_SYNCED: _("An operator starts the first sync."),
        HealthState.LATE: _("Nobody needs to act yet."),
        HealthState.UNKNOWN: _("Nothing for you to do: we keep trying."),
        HealthState.NO_SCHEDULE: _("If syncs should run on a schedule, set one at Aitronos."),
    }
    return SafeString(sentences.get(row.state, ""))  # nosec B703

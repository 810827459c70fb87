"""What is said of each health state: one row per state, and the health rule in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.refusals import refusal_parts
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.wording.failures import FailureWording, failure_wording
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Sentence,
    Text,
    moment_ago,
    say,
)

# Tones are CSS words; colour is never the only sign.
BAD, WARN, GOOD, QUIET = "bad", "warn", "good", "quiet"


class KeyAction(Enum):
    """What a person can do about a state: label, URL name, icon, permission, sent as a form."""

    PASTE_KEY_AGAIN = _("Paste the key again"), "key_replace", "key", Permission.MANAGE_KEYS, False
    REPLACE_KEY = _("Replace the key"), "key_replace", "key", Permission.MANAGE_KEYS, False
    RESUME = _("Resume"), "key_resume", "player-play", Permission.MANAGE_KEYS, True
    START_SYNC = _("Start a sync"), "key_sync", "player-play", Permission.START_SYNC, False
    CHECK_NOW = _("Check now"), "key_check", "refresh", Permission.CHECK, True

    def __init__(
        self, label: Text, url_name: str, icon: str, permission: Permission, uses_post: bool
    ) -> None:
        self.label = label
        self.url_name = url_name
        self.icon = icon
        self.permission = permission
        self.uses_post = uses_post


@dataclass(frozen=True, slots=True)
class StateWording:
    """One state as people see it.

    `headline` makes the sentence for a key in this state. `next_move` says whose move it is,
    `advice` what to do, `passive_advice` the same for who may not do it, `scope` what the state
    affects, `responsible_party` who can end it; each may be empty. `rule_lines` are the lines of
    the health rule that give the state.
    """

    state: HealthState
    tone: str
    icon: str
    headline: Callable[[KeyRow], Sentence]
    rule_lines: tuple[int, ...]
    next_move: Text = ""
    advice: Text = ""
    passive_advice: Text = ""
    scope: Text = ""
    responsible_party: Text = ""
    action: KeyAction | None = None

    @property
    def label(self) -> str:
        """The state in a word or two, in the active language."""
        return str(self.state.label)


def key_headline(row: KeyRow) -> Sentence:
    """The state of a key in one or two sentences."""
    return STATE_WORDINGS[row.state].headline(row)


def overdue_announcement(row: KeyRow) -> Sentence:
    """From when the key will be called overdue or never synced; empty where that cannot come."""
    states = {HealthState.UP_TO_DATE, HealthState.LATE, HealthState.WAITING}
    if row.state not in states or row.overdue_at is None:
        return EMPTY
    if row.overdue_at <= row.now:
        return say(_("Our next look decides whether it is overdue."))
    if row.state is HealthState.WAITING:
        return say(
            _("Without one we will call it never synced at {at}."), at=Moment(row.overdue_at)
        )
    return say(_("Without a new sync we will call it overdue at {at}."), at=Moment(row.overdue_at))


def refusal_wording(row: KeyRow) -> FailureWording | None:
    """What is said of the refusal that gave this state; None where another thing did."""
    kind = _REFUSAL_KINDS.get(row.state)
    if kind and row.error and row.error.kind == kind:
        return failure_wording(row.error)
    if kind and row.refusal:  # the latest check ended in another way
        http_status, code = refusal_parts(row.refusal)
        return failure_wording(CheckError(kind, code, http_status))
    return None


_REFUSAL_KINDS = {
    HealthState.KEY_REJECTED: "key_refused",
    HealthState.KEY_NOT_PERMITTED: "key_not_permitted",
}


def _since_last_sync(row: KeyRow, synced: Text, never_seen: Text, **parts: object) -> Sentence:
    """`synced` with the time of the last sync as {ago}; `never_seen` where none was reported."""
    last_sync_at = row.figures.last_sync_at if row.figures else None
    if last_sync_at is None:
        return say(never_seen, **parts)
    return say(synced, ago=moment_ago(last_sync_at), **parts)


def _up_to_date(row: KeyRow) -> Sentence:
    if row.due_at is None:
        return _since_last_sync(row, _("Synced {ago}."), _("No sync has been seen."))
    if row.due_at <= row.now:
        return _since_last_sync(
            row,
            _("Synced {ago}. The next sync is due now."),
            _("No sync has been seen. The next sync is due now."),
        )
    return _since_last_sync(
        row,
        _("Synced {ago}. Next sync expected by {due}."),
        _("No sync has been seen. Next sync expected by {due}."),
        due=Moment(row.due_at),
    )


def _late(row: KeyRow) -> Sentence:
    if row.due_at is None or row.due_at > row.now:
        return _since_last_sync(
            row,
            _("Synced {ago}. That is longer ago than planned."),
            _("No sync has been seen. That is longer ago than planned."),
        )
    return _since_last_sync(
        row,
        _("Synced {ago}. The sync expected by {due} has not come yet."),
        _("No sync has been seen. The sync expected by {due} has not come yet."),
        due=Moment(row.due_at),
    )


def _overdue(row: KeyRow) -> Sentence:
    if row.due_at is None or row.due_at > row.now:
        return _since_last_sync(
            row,
            _("Synced {ago}. At least one planned sync was skipped."),
            _("No sync has been seen. At least one planned sync was skipped."),
        )
    return _since_last_sync(
        row,
        _("Synced {ago}. The sync expected by {due} is missing."),
        _("No sync has been seen. The sync expected by {due} is missing."),
        due=Moment(row.due_at),
    )


def _never_synced(row: KeyRow) -> Sentence:
    if row.due_at is None:
        return say(_("This organisation has never synced."))
    return say(_("Never synced. The first sync was expected by {due}."), due=Moment(row.due_at))


def _waiting(row: KeyRow) -> Sentence:
    if row.due_at is None:
        return say(_("Waiting for the first sync."))
    if row.due_at <= row.now:
        return say(_("Waiting for the first sync, which is due now."))
    return say(_("Waiting for the first sync, expected by {due}."), due=Moment(row.due_at))


def _no_schedule(row: KeyRow) -> Sentence:
    return _since_last_sync(
        row,
        _(
            "Synced {ago}. Aitronos names no next sync and no interval, so nobody can say when it "
            "is late."
        ),
        _(
            "No sync has been seen. Aitronos names no next sync and no interval, so nobody can "
            "say when it is late."
        ),
    )


def _unknown(row: KeyRow) -> Sentence:
    if row.state_rule == 7:
        return say(_("The times Aitronos gives do not add up: the last sync lies in the future."))
    if row.error and row.is_environment_missing:
        return failure_wording(row.error).words
    if row.figures_are_former:
        return say(_("Not known since the change: no check has brought an answer yet."))
    if row.observed_at is None:
        return say(_("Not known yet: no check has brought an answer to rely on."))
    return say(
        _("Last known: {state}. Our last answer came {ago}; what happened since is not known."),
        state=row.last_known_state.label,
        ago=moment_ago(row.observed_at),
    )


def _not_checked(row: KeyRow) -> Sentence:
    if row.next_check_at <= row.now:
        return say(_("Not checked yet. The first check is about to start."))
    return say(
        _("Not checked yet. The first check comes {until}."),
        until=Moment(row.next_check_at, MomentStyle.UNTIL),
    )


def _paused(row: KeyRow) -> Sentence:
    ago = moment_ago(row.paused_at or row.state_since)
    if not row.paused_by:
        return say(
            _("Paused {ago} by somebody. Nothing is checked until somebody resumes it."), ago=ago
        )
    return say(
        _("Paused {ago} by {who}. Nothing is checked until somebody resumes it."),
        ago=ago,
        who=row.paused_by,
    )


def _refused(row: KeyRow, otherwise: Text) -> Sentence:
    """What the refusal says; `otherwise` where it is not known."""
    refusal = refusal_wording(row)
    return refusal.words if refusal else say(otherwise)


STATE_WORDINGS: Final[Mapping[HealthState, StateWording]] = {
    wording.state: wording
    for wording in (
        StateWording(
            HealthState.KEY_UNREADABLE,
            BAD,
            "lock-x",
            lambda row: say(
                _("The stored key is damaged and cannot be opened, so nothing is checked.")
            ),
            rule_lines=(2,),
            next_move=_("A manager pastes the key again."),
            action=KeyAction.PASTE_KEY_AGAIN,
        ),
        StateWording(
            HealthState.KEY_REJECTED,
            BAD,
            "key-off",
            lambda row: _refused(row, _("Aitronos does not accept this API key.")),
            rule_lines=(3,),
            next_move=_("A manager makes a new key at Aitronos and pastes it here."),
            action=KeyAction.REPLACE_KEY,
        ),
        StateWording(
            HealthState.KEY_NOT_PERMITTED,
            BAD,
            "shield-x",
            lambda row: _refused(row, _("Aitronos does not let this key read the sync status.")),
            rule_lines=(3,),
            next_move=_("A manager pastes a key that an owner or admin has made."),
            action=KeyAction.REPLACE_KEY,
        ),
        StateWording(
            HealthState.OVERDUE,
            BAD,
            "clock-exclamation",
            _overdue,
            rule_lines=(8,),
            next_move=_("An operator starts a sync."),
            advice=_("Start a sync."),
            passive_advice=_("A sync has to be started."),
            scope=_("The tools of this organisation may be out of date until a sync has run."),
            responsible_party=_("An operator of this organisation."),
            action=KeyAction.START_SYNC,
        ),
        StateWording(
            HealthState.NEVER_SYNCED,
            WARN,
            "calendar-x",
            _never_synced,
            rule_lines=(6,),
            next_move=_("An operator starts the first sync."),
            advice=_("Start the first sync."),
            passive_advice=_("The first sync has to be started."),
            scope=_("This organisation may have no connector tools at all yet."),
            responsible_party=_("An operator of this organisation."),
            action=KeyAction.START_SYNC,
        ),
        StateWording(
            HealthState.LATE,
            WARN,
            "clock",
            _late,
            rule_lines=(9,),
            next_move=_("Nobody needs to act yet."),
            advice=_("Nothing to do yet: we look again on our own."),
            scope=_("Nothing yet: the sync is still within its grace."),
            responsible_party=_("Nobody needs to act yet."),
            action=KeyAction.CHECK_NOW,
        ),
        StateWording(
            HealthState.UNKNOWN,
            QUIET,
            "help-hexagon",
            _unknown,
            rule_lines=(4, 5, 7),
            next_move=_("Nothing for you to do: we keep trying."),
            advice=_("If it goes on, send the details to support."),
            scope=_("What is shown here: it cannot be judged by these times."),
            responsible_party=_("Aitronos."),
            action=KeyAction.CHECK_NOW,
        ),
        StateWording(
            HealthState.NO_SCHEDULE,
            QUIET,
            "calendar-off",
            _no_schedule,
            rule_lines=(7,),
            next_move=_("If syncs should run on a schedule, set one at Aitronos."),
            advice=_("If syncs should run on a schedule, set one at Aitronos."),
            scope=_("Nobody can be told when a sync is missing."),
            responsible_party=_("Whoever sets the schedule at Aitronos."),
            action=KeyAction.CHECK_NOW,
        ),
        StateWording(
            HealthState.NOT_CHECKED,
            QUIET,
            "circle-dashed",
            _not_checked,
            rule_lines=(4,),
            action=KeyAction.CHECK_NOW,
        ),
        StateWording(
            HealthState.WAITING,
            QUIET,
            "hourglass",
            _waiting,
            rule_lines=(6,),
            action=KeyAction.CHECK_NOW,
        ),
        StateWording(HealthState.UP_TO_DATE, GOOD, "circle-check", _up_to_date, rule_lines=(10,)),
        StateWording(
            HealthState.PAUSED,
            QUIET,
            "player-pause",
            _paused,
            rule_lines=(1,),
            action=KeyAction.RESUME,
        ),
    )
}
# The lines of the health rule, by their numbers; the first that fits wins.
HEALTH_RULE: Final[Mapping[int, Text]] = {
    1: _("Somebody paused it here."),
    2: _("The stored key cannot be opened, so Aitronos is not asked."),
    3: _("Aitronos refused the key twice in a row. The later refusal names the reason."),
    4: _("No check has finished yet, or only checks without an answer so far."),
    5: _("Our last successful look is too long ago to say anything about now."),
    6: _("No sync was ever reported: waiting until the first one is due, plus the grace."),
    7: _("The times do not add up, or there is no schedule to measure against."),
    8: _(
        "When we looked, the sync was still missing after its due time plus the grace; or a sync "
        "was skipped, or the last one is far too long ago."
    ),
    9: _("When we looked, the due time had passed, but not the grace."),
    10: _("None of the above: the sync runs as planned."),
}
GRACE_RULE: Final = _(
    "The grace is a quarter of the sync interval, at least 15 minutes and at most 6 hours, unless "
    "the key carries its own."
)


def health_rule_states(line: int) -> tuple[HealthState, ...]:
    """The states that this line of the rule gives, worst first."""
    return tuple(state for state, wording in STATE_WORDINGS.items() if line in wording.rule_lines)

"""What lists of keys say: how many there are, notes in a row, expiry."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.sync.health_states import NEW_SECRET_STATES, HealthState
from freddy_admin.sync.status.aggregates import SharedSyncGroup
from freddy_admin.sync.status.rows import LAST_DAYS, URGENT_DAYS, KeyRow
from freddy_admin.sync.status.selectors import Overview, PendingDecision
from freddy_admin.wording.failures import failure_wording
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Sentence,
    Text,
    say,
    say_counted,
)
from freddy_admin.wording.states import BAD, QUIET, WARN, refusal_wording
from freddy_admin.wording.times import precise_duration

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


_WAIT_FOR_OTHERS: Final[Any] = ngettext_lazy("{n} waits for others", "{n} wait for others", "n")


def wait_for_others_count(count: int) -> Sentence:
    """`3 wait for others`."""
    return say_counted(_WAIT_FOR_OTHERS, count)


_SEE_ALL_OWN: Final[Any] = ngettext_lazy(
    "See all {n} that needs you", "See all {n} that need you", "n"
)
_SEE_ALL_OF_OTHERS: Final[Any] = ngettext_lazy(
    "See all {n} that waits for others", "See all {n} that wait for others", "n"
)


def see_all_own(count: int) -> Sentence:
    """The link to every key whose move is the reader's."""
    return say_counted(_SEE_ALL_OWN, count)


def see_all_of_others(count: int) -> Sentence:
    """The link to every key that waits for others."""
    return say_counted(_SEE_ALL_OF_OTHERS, count)


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


DECISION_MOVE: Final = _("A manager decides about the new key.")


def pending_decision(decision: PendingDecision) -> Sentence:
    """`The new key “Main” waits for a decision: refused.`"""
    text = _("The new key “{label}” waits for a decision: {outcome}.")
    return say(text, label=decision.key_label, outcome=decision.state.label)


def key_state_note(row: KeyRow) -> Sentence:
    """The note under the state: the last known state, or the reason; mostly empty."""
    if row.state is HealthState.UNKNOWN and row.is_environment_missing and row.error:
        return failure_wording(row.error).brief
    if row.state is HealthState.UNKNOWN and row.state_rule == 5:
        return say(_("was: {state}"), state=row.last_known_state.label)
    if row.state is HealthState.UNKNOWN and row.state_rule == 7:
        return say(_("the times do not add up"))
    if row.state in {HealthState.OVERDUE, HealthState.LATE} and row.due_at and row.due_at > row.now:
        return say(_("a planned sync was left out"))
    if row.state is HealthState.KEY_NOT_PERMITTED and (refusal := refusal_wording(row)):
        return refusal.brief  # also where the latest check ended in another way
    if row.error is None or row.state is HealthState.PAUSED:
        return EMPTY
    # "Key rejected: key refused" says nothing twice; "the key has expired" says something.
    is_redundant = row.state in NEW_SECRET_STATES and not row.error.code.startswith("API_KEY_")
    return EMPTY if is_redundant else failure_wording(row.error).brief


def figures_sentences(row: KeyRow) -> tuple[Sentence, ...]:
    """What to know of the figures; mostly empty."""
    if row.figures is None:
        return ()
    if row.figures_are_former:
        return (say(_("From before the change: no answer has come since.")),)
    sentences = []
    if row.figures.is_inconsistent:
        text = _("Shown as Aitronos sent them; the marked figures contradict each other.")
        sentences.append(say(text))
    next_sync_at, due_at = row.figures.next_sync_at, row.due_at
    if next_sync_at and due_at and next_sync_at <= row.now and next_sync_at != due_at:
        text = _(
            "The next sync that Aitronos names is not after the last one, so it is expected one "
            "interval after the last one: by {due}."
        )
        sentences.append(say(text, due=Moment(due_at)))
    return tuple(sentences)


def figures_brief(row: KeyRow) -> Sentence:
    """What to know of the figures, in a word or two; mostly empty."""
    if row.figures_are_former and row.figures:
        return say(_("before the change"))
    return say(_("inconsistent")) if row.figures and row.figures.is_inconsistent else EMPTY


def shared_sync(group: SharedSyncGroup) -> Sentence:
    """Which keys report the same sync: the names of two organisations, and how many others."""
    if group.organisations == 1:
        text = _("These {keys} keys of {name} report the same sync.")
        return say(text, keys=group.keys, name=group.names[0])
    has_one_key_each = group.organisations == group.keys
    parts: dict[str, object] = {
        "keys": group.keys,
        "first": group.names[0],
        "second": group.names[1],
    }
    other_count = group.organisations - len(group.names)
    if not other_count:
        return say(
            _("These {keys} report the same sync: {first} and {second}.")
            if has_one_key_each
            else _("These {keys} keys report the same sync: {first} and {second}."),
            **parts,
        )
    return say_counted(_SHARED_WITH_OTHERS[has_one_key_each], other_count, **parts)


_SHARED_WITH_OTHERS: Final[Mapping[bool, Any]] = {
    True: ngettext_lazy(
        "These {keys} report the same sync: {first}, {second} and {n} other.",
        "These {keys} report the same sync: {first}, {second} and {n} others.",
        "n",
    ),
    False: ngettext_lazy(
        "These {keys} keys report the same sync: {first}, {second} and {n} other organisation.",
        "These {keys} keys report the same sync: {first}, {second} and {n} other organisations.",
        "n",
    ),
}
_MORE_GROUPS: Final[Any] = ngettext_lazy(
    "There is {n} more such group.", "There are {n} more such groups.", "n"
)


def shared_syncs_note(more_groups: int) -> tuple[Sentence, ...]:
    """How many more groups of keys there are, and what all this means for sums."""
    not_added_up = say(_("Their numbers are not added up."))
    return (
        (say_counted(_MORE_GROUPS, more_groups), not_added_up) if more_groups else (not_added_up,)
    )


CATALOGUE_ONLY: Final = _(
    "What the panel sees is that the catalogue of connectors was synced. Whether each connection "
    "that a person made still works, it does not see."
)


def stretched_check_note(row: KeyRow) -> Sentence:
    """That the key is checked less often than set, and why; empty where it is not."""
    if not row.is_check_stretched or row.paused_at is not None:
        return EMPTY
    return say(
        _(
            "Checked every {span} instead of every {usual}: Aitronos allows {daily} calls a day "
            "for all keys of its organisation there."
        ),
        span=precise_duration(row.check_period),
        usual=precise_duration(timedelta(seconds=settings.STATUS_CHECK_SECONDS)),
        daily=settings.AITRONOS_DAILY_CALLS,
    )


def requested_sync_note(row: KeyRow) -> Sentence:
    """The requested sync of this key in a few words, for a list; empty where none is awaited."""
    if row.operation_requested_at is None:
        return EMPTY
    if row.is_sync_running:
        text = _("sync requested {at} by {who}")
    elif row.is_operation_late:
        text = _("sync requested {at} by {who}, not finished yet")
    else:
        text = _("sync requested {at} by {who}, not seen yet")
    return say(text, at=Moment(row.operation_requested_at), who=row.operation_requested_by)


_TOOL_COUNTS: Final[Any] = ngettext_lazy(
    "{enabled} of {total} tool on", "{enabled} of {total} tools on", "n"
)


def tool_counts(enabled: int, total: int) -> Sentence:
    """`7 of 42 tools on`, as a clause."""
    return say_counted(_TOOL_COUNTS, total, enabled=enabled, total=total)

"""Actions of people and their results: one sentence per event."""

from collections.abc import Callable

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.vault.candidate_result import DECISION_PERIOD
from freddy_admin.web.presenters.headline import EMPTY_TEXT, format_sentence
from freddy_admin.web.presenters.state_pill import GOOD, QUIET, WARN
from freddy_admin.web.presenters.timeline.event_sentence import (
    EventSentence,
    call_failure_reason,
    event_actor_name,
    parse_int,
    truncate_text,
)
from freddy_admin.web.presenters.user_time import UserTime

_OUTCOME_DONE, _OUTCOME_REFUSED, _OUTCOME_UNCLEAR = "done", "refused", "unclear"


def key_changed_sentence(entry: TimelineEntry, _user_time: UserTime) -> EventSentence | None:
    """What happened to a key, by whom where a person did it."""
    change, actor_name = truncate_text(entry.details.get("what")), event_actor_name(entry)
    if change == "never_decided":
        sentence = _("The new key for “{label}” was thrown away: nobody decided within {n} days.")
        words = format_sentence(
            sentence, label=truncate_text(entry.details.get("label")), n=DECISION_PERIOD.days
        )
        return EventSentence(words, "trash", WARN)
    if change not in _KEY_CHANGE_ICONS:
        return None
    words = (
        format_sentence(_key_change_with_actor(change), who=actor_name)
        if actor_name
        else format_sentence(_key_change_without_actor(change))
    )
    return EventSentence(words, _KEY_CHANGE_ICONS[change])


_KEY_CHANGE_ICONS = {
    "added": "plus",
    "replaced": "replace",
    "kept_untested": "key",
    "kept_differing": "key",
    "paused": "player-pause",
    "resumed": "player-play",
    "revoked": "trash",
    "edited": "pencil",
}


def _key_change_with_actor(change: str) -> str:
    return {
        "added": _("{who} added the key."),
        "replaced": _("{who} replaced the key."),
        "kept_untested": _("{who} kept a key that could not be tested."),
        "kept_differing": _("{who} replaced the key by one that reports something else."),
        "paused": _("{who} paused the key."),
        "resumed": _("{who} resumed the key."),
        "revoked": _("{who} revoked the key."),
        "edited": _("{who} changed the key's details."),
    }[change]


def _key_change_without_actor(change: str) -> str:
    return {
        "added": _("The key was added."),
        "replaced": _("The key was replaced."),
        "kept_untested": _("The key was kept without a test."),
        "kept_differing": _("The key was replaced by one that reports something else."),
        "paused": _("The key was paused."),
        "resumed": _("The key was resumed."),
        "revoked": _("The key was revoked."),
        "edited": _("The key's details were changed."),
    }[change]


def person_action_sentence(entry: TimelineEntry, _user_time: UserTime) -> EventSentence | None:
    """What a person asked for, or what became of it."""
    build_sentence = _PERSON_ACTION_SENTENCES.get(truncate_text(entry.details.get("what")))
    return build_sentence(entry) if build_sentence else None


def _actor_name_or_somebody(entry: TimelineEntry) -> str:
    return event_actor_name(entry) or _("Somebody")


def _check_requested_sentence(entry: TimelineEntry) -> EventSentence:
    return EventSentence(
        format_sentence(_("{who} asked for a check."), who=_actor_name_or_somebody(entry)), "eye"
    )


def _sync_requested_sentence(entry: TimelineEntry) -> EventSentence:
    full = entry.details.get("full") is True
    sentence = _("{who} asked for a full sync.") if full else _("{who} asked for a sync.")
    return EventSentence(format_sentence(sentence, who=_actor_name_or_somebody(entry)), "user")


def _sync_finished_sentence(entry: TimelineEntry) -> EventSentence | None:
    outcome = truncate_text(entry.details.get("outcome"))
    sentences = {
        _OUTCOME_DONE: _("The sync that {who} asked for is done."),
        _OUTCOME_REFUSED: _("The sync that {who} asked for was not started."),
        _OUTCOME_UNCLEAR: _("It is not known whether the sync that {who} asked for was started."),
    }
    if outcome not in sentences:
        return None
    words = format_sentence(sentences[outcome], who=event_actor_name(entry) or _("somebody"))
    if outcome == _OUTCOME_DONE:
        return EventSentence(
            words, "check", GOOD, _join_notes(_sync_counts_note(entry), _failure_note(entry))
        )
    return EventSentence(words, "alert-triangle", WARN, _failure_note(entry))


def _sync_counts_note(entry: TimelineEntry) -> SafeString:
    names: dict[str, Callable[[int], str]] = {
        "synced": lambda n: ngettext("%(n)s tool synced", "%(n)s tools synced", n),
        "created": lambda n: _("%(n)s new"),
        "updated": lambda n: _("%(n)s changed"),
        "unchanged": lambda n: _("%(n)s unchanged"),
    }
    counts = [
        words(number) % {"n": f"{number:,}"}
        for name, words in names.items()
        if (number := parse_int(entry.details.get(name))) is not None
    ]
    return format_sentence("{counts}.", counts=", ".join(counts)) if counts else EMPTY_TEXT


def _join_notes(*notes: SafeString) -> SafeString:
    return format_html_join(" ", "{}", ((note,) for note in notes if note))


def _failure_note(entry: TimelineEntry) -> SafeString:
    """The failure in our words, and the message of Aitronos, quoted since it is foreign."""
    brief, message = call_failure_reason(entry.details), truncate_text(entry.details.get("message"))
    if brief and message:
        return format_sentence(_("{brief}. Aitronos says: “{said}”"), brief=brief, said=message)
    if message:
        return format_sentence(_("Aitronos says: “{said}”"), said=message)
    return format_sentence("{brief}.", brief=brief) if brief else EMPTY_TEXT


def _connector_toggle_requested_sentence(entry: TimelineEntry) -> EventSentence:
    is_enabled = entry.details.get("enable") is True
    to_on, to_off = _("{who} asked to switch {name} on."), _("{who} asked to switch {name} off.")
    words = format_sentence(
        to_on if is_enabled else to_off,
        who=_actor_name_or_somebody(entry),
        name=_connector_name(entry),
    )
    return EventSentence(words, "user")


def _connector_toggle_finished_sentence(entry: TimelineEntry) -> EventSentence | None:
    is_enabled = entry.details.get("enable") is True
    outcome = truncate_text(entry.details.get("outcome"))
    sentences = {
        (_OUTCOME_DONE, True): _("{name} was switched on."),
        (_OUTCOME_DONE, False): _("{name} was switched off."),
        (_OUTCOME_REFUSED, True): _("{name} was not switched on."),
        (_OUTCOME_REFUSED, False): _("{name} was not switched off."),
        (_OUTCOME_UNCLEAR, True): _("It is not known whether {name} was switched on."),
        (_OUTCOME_UNCLEAR, False): _("It is not known whether {name} was switched off."),
    }
    if (outcome, is_enabled) not in sentences:
        return None
    is_done, actor_name = outcome == _OUTCOME_DONE, event_actor_name(entry)
    words = format_sentence(sentences[outcome, is_enabled], name=_connector_name(entry))
    note = _join_notes(
        _failure_note(entry),
        format_sentence(_("Asked for by {who}."), who=actor_name) if actor_name else EMPTY_TEXT,
    )
    return EventSentence(
        words, "tools" if is_done else "alert-triangle", QUIET if is_done else WARN, note
    )


def _connector_name(entry: TimelineEntry) -> str:
    name = truncate_text(entry.details.get("name"), 120) or truncate_text(
        entry.details.get("tool"), 120
    )
    return name or _("a connector")


_PERSON_ACTION_SENTENCES: dict[str, Callable[[TimelineEntry], EventSentence | None]] = {
    "check": _check_requested_sentence,
    "sync": _sync_requested_sentence,
    "sync_ended": _sync_finished_sentence,
    "switch": _connector_toggle_requested_sentence,
    "switch_ended": _connector_toggle_finished_sentence,
}

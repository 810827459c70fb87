"""What people did, and what became of it: one sentence per event."""

from collections.abc import Callable

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.vault.trying import DECIDE_WITHIN
from freddy_admin.web.presenters.states import GOOD, QUIET, WARN
from freddy_admin.web.presenters.story import NONE, say
from freddy_admin.web.presenters.timeline.said import Said, reason, text, who_did, whole
from freddy_admin.web.presenters.times import Reading

_DONE, _REFUSED, _UNCLEAR = "done", "refused", "unclear"


def key_changed(entry: TimelineEntry, _on: Reading) -> Said | None:
    """What happened to a key, by whom where a person did it."""
    what, who = text(entry.details.get("what")), who_did(entry)
    if what == "never_decided":
        sentence = _("The new key for “{label}” was thrown away: nobody decided within {n} days.")
        words = say(sentence, label=text(entry.details.get("label")), n=DECIDE_WITHIN.days)
        return Said(words, "trash", WARN)
    if what not in _KEY_ICONS:
        return None
    words = say(_by_somebody(what), who=who) if who else say(_by_nobody(what))
    return Said(words, _KEY_ICONS[what])


_KEY_ICONS = {
    "added": "plus",
    "replaced": "replace",
    "kept_untested": "key",
    "kept_differing": "key",
    "paused": "player-pause",
    "resumed": "player-play",
    "revoked": "trash",
    "edited": "pencil",
}


def _by_somebody(what: str) -> str:
    return {
        "added": _("{who} added the key."),
        "replaced": _("{who} replaced the key."),
        "kept_untested": _("{who} kept a key that could not be tested."),
        "kept_differing": _("{who} replaced the key by one that reports something else."),
        "paused": _("{who} paused the key."),
        "resumed": _("{who} resumed the key."),
        "revoked": _("{who} revoked the key."),
        "edited": _("{who} changed the key's details."),
    }[what]


def _by_nobody(what: str) -> str:
    return {
        "added": _("The key was added."),
        "replaced": _("The key was replaced."),
        "kept_untested": _("The key was kept without a test."),
        "kept_differing": _("The key was replaced by one that reports something else."),
        "paused": _("The key was paused."),
        "resumed": _("The key was resumed."),
        "revoked": _("The key was revoked."),
        "edited": _("The key's details were changed."),
    }[what]


def person_did(entry: TimelineEntry, _on: Reading) -> Said | None:
    """What a person asked for, or what became of it."""
    tell = _DEEDS.get(text(entry.details.get("what")))
    return tell(entry) if tell else None


def _who(entry: TimelineEntry) -> str:
    return who_did(entry) or _("Somebody")


def _check(entry: TimelineEntry) -> Said:
    return Said(say(_("{who} asked for a check."), who=_who(entry)), "eye")


def _sync(entry: TimelineEntry) -> Said:
    full = entry.details.get("full") is True
    sentence = _("{who} asked for a full sync.") if full else _("{who} asked for a sync.")
    return Said(say(sentence, who=_who(entry)), "user")


def _sync_ended(entry: TimelineEntry) -> Said | None:
    outcome = text(entry.details.get("outcome"))
    sentences = {
        _DONE: _("The sync that {who} asked for is done."),
        _REFUSED: _("The sync that {who} asked for was not started."),
        _UNCLEAR: _("It is not known whether the sync that {who} asked for was started."),
    }
    if outcome not in sentences:
        return None
    words = say(sentences[outcome], who=who_did(entry) or _("somebody"))
    if outcome == _DONE:
        return Said(words, "check", GOOD, _together(_counts(entry), _why(entry)))
    return Said(words, "alert-triangle", WARN, _why(entry))


def _counts(entry: TimelineEntry) -> SafeString:
    names: dict[str, Callable[[int], str]] = {
        "synced": lambda n: ngettext("%(n)s tool synced", "%(n)s tools synced", n),
        "created": lambda n: _("%(n)s new"),
        "updated": lambda n: _("%(n)s changed"),
        "unchanged": lambda n: _("%(n)s unchanged"),
    }
    found = [
        words(number) % {"n": f"{number:,}"}
        for name, words in names.items()
        if (number := whole(entry.details.get(name))) is not None
    ]
    return say("{counts}.", counts=", ".join(found)) if found else NONE


def _together(*notes: SafeString) -> SafeString:
    return format_html_join(" ", "{}", ((note,) for note in notes if note))


def _why(entry: TimelineEntry) -> SafeString:
    """Our word for it, and what Aitronos said: foreign, so quoted."""
    brief, said = reason(entry.details), text(entry.details.get("message"))
    if brief and said:
        return say(_("{brief}. Aitronos says: “{said}”"), brief=brief, said=said)
    if said:
        return say(_("Aitronos says: “{said}”"), said=said)
    return say("{brief}.", brief=brief) if brief else NONE


def _switch(entry: TimelineEntry) -> Said:
    on = entry.details.get("enable") is True
    to_on, to_off = _("{who} asked to switch {name} on."), _("{who} asked to switch {name} off.")
    words = say(to_on if on else to_off, who=_who(entry), name=_connector(entry))
    return Said(words, "user")


def _switch_ended(entry: TimelineEntry) -> Said | None:
    on, outcome = entry.details.get("enable") is True, text(entry.details.get("outcome"))
    sentences = {
        (_DONE, True): _("{name} was switched on."),
        (_DONE, False): _("{name} was switched off."),
        (_REFUSED, True): _("{name} was not switched on."),
        (_REFUSED, False): _("{name} was not switched off."),
        (_UNCLEAR, True): _("It is not known whether {name} was switched on."),
        (_UNCLEAR, False): _("It is not known whether {name} was switched off."),
    }
    if (outcome, on) not in sentences:
        return None
    done, who = outcome == _DONE, who_did(entry)
    words = say(sentences[outcome, on], name=_connector(entry))
    note = _together(_why(entry), say(_("Asked for by {who}."), who=who) if who else NONE)
    return Said(words, "tools" if done else "alert-triangle", QUIET if done else WARN, note)


def _connector(entry: TimelineEntry) -> str:
    name = text(entry.details.get("name"), 120) or text(entry.details.get("tool"), 120)
    return name or _("a connector")


_DEEDS: dict[str, Callable[[TimelineEntry], Said | None]] = {
    "check": _check,
    "sync": _sync,
    "sync_ended": _sync_ended,
    "switch": _switch,
    "switch_ended": _switch_ended,
}

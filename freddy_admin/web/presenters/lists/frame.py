"""What stands around a list: of which key, how old it is, what went wrong, what can be done."""

from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.lists.rows import ListingState
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.list_look import Look
from freddy_admin.web.presenters.actions import Action
from freddy_admin.web.presenters.choices import Choice
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.lists.trouble import list_trouble
from freddy_admin.web.presenters.panels import Evidence
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.states import GOOD, QUIET, WARN
from freddy_admin.web.presenters.times import Reading
from freddy_admin.web.presenters.trouble import Trouble

SAID_FOR = timedelta(minutes=10)
# After so long without an end the worker is busy or stopped: asking often brings nothing.
HURRY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ListFrame:
    """Ready for its template; `hurries` while an answer is about to come."""

    anchor: str
    label: str
    keys: list[Choice]
    looked: SafeString
    check: Action | None
    note: str
    evidence: Evidence | None
    trouble: Trouble | None
    hurries: bool
    news: str
    mark: str


def list_frame(look: Look, key: ApiKey) -> ListFrame:
    """The frame for one person and one moment."""
    state, on = look.state, look.on
    evidence = _evidence(look) if look.asked else None
    trouble = list_trouble(look, key)
    hurries = key.paused_at is None and _hurries(state, on)
    mark = mark_of(
        (look.access.organisation.name, look.access.permissions, key.paused_at),
        [(one.pk, one.label) for one in look.keys],
        (key.pk, key.version, state.observed_at, state.checked_at, state.former),
        (state.pending(on.now), state.held(on.now), hurries, state.error),
        evidence and evidence.tone,
    )
    return ListFrame(
        anchor="list",
        label=key.label,
        keys=_keys(look, key),
        looked=_looked(state, on),
        check=_check(look, key),
        note=_note(state, key),
        evidence=evidence,
        trouble=trouble,
        hurries=hurries,
        news=_("The list could not be fetched.") if state.error else _("The list was fetched."),
        mark=mark,
    )


def _keys(look: Look, key: ApiKey) -> list[Choice]:
    """To choose from, where there are several."""
    if len(look.keys) < 2:
        return []
    return [Choice(str(one.pk), one.label, one.pk == key.pk) for one in look.keys]


def _hurries(state: ListingState, on: Reading) -> bool:
    if not state.pending(on.now):
        return False
    since = state.requested_at or state.wanted_at
    return since is None or on.now - since < HURRY_FOR


def _looked(state: ListingState, on: Reading) -> SafeString:
    parts = [format_html("{}", _("No list yet"))]
    if state.observed_at is not None:
        parts = [format_html(_("As of {ago}"), ago=on.ago(state.observed_at))]
    if state.checked_at is not None:
        parts.append(format_html(_("we looked {ago}"), ago=on.ago(state.checked_at)))
    if state.pending(on.now):
        asking = _("asking Aitronos now") if _hurries(state, on) else _("waiting for the worker")
        parts.append(format_html("{}", asking))
    elif state.hold_until is not None and state.held(on.now):
        until = on.at(state.hold_until)
        parts.append(format_html(_("Aitronos asked us to wait until {at}"), at=until))
    return format_html_join(" · ", "{}", ((part,) for part in parts))


def _check(look: Look, key: ApiKey) -> Action | None:
    if not look.access.allows(Permission.CHECK) or key.paused_at is not None:
        return None
    busy = look.state.pending(look.on.now)
    href = reverse(
        "listing_check", args=[look.access.organisation.slug, key.pk, look.state.kind.value]
    )
    label = _("Checking…") if busy else _("Check now")
    return Action(label, href, "refresh", posts=True, busy=busy)


def _note(state: ListingState, key: ApiKey) -> str:
    if key.paused_at is not None:
        return _("This key is paused: its lists are not fetched until somebody resumes it.")
    if state.former:
        return _("This list came with the former key; the present one has not brought one yet.")
    return ""


def _evidence(look: Look) -> Evidence | None:
    """What became of the call this person asked for."""
    state, on, asked = look.state, look.on, look.asked
    if asked is None or on.now - asked > SAID_FOR:
        return None
    if state.checked_at is not None and state.checked_at >= asked:
        at = on.at(state.checked_at)
        if state.error is None:
            return Evidence(GOOD, format_html(_("Fetched at {at}, after you asked."), at=at))
        brief = failure(state.error).brief
        words = format_html(_("Tried at {at}, after you asked: {why}."), at=at, why=brief)
        return Evidence(WARN, words)
    if on.now - asked > timedelta(seconds=45):
        slow = _("The call has not ended yet. The worker may be busy or stopped.")
        return Evidence(WARN, format_html("{}", slow))
    return Evidence(
        QUIET, format_html(_("Asking Aitronos, as you asked {ago}…"), ago=on.ago(asked))
    )

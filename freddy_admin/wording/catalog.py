"""What is said of a catalog: how old the list is, what the latest fetch brought, why it failed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.models import CatalogKind
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.wording.failures import failure_wording, quoted_message
from freddy_admin.wording.sentences import (
    EMPTY,
    Moment,
    MomentStyle,
    Phrases,
    Sentence,
    say,
    say_counted,
)
from freddy_admin.wording.states import GOOD, QUIET, WARN

# A fetch that takes longer is called slow: the worker is busy or stopped.
_FETCH_EXPECTED_WITHIN: Final = timedelta(seconds=45)


def fetch_announcement(state: CatalogState) -> Sentence:
    """Whether the latest fetch went well, for a screen reader."""
    return say(_("The list could not be fetched.") if state.error else _("The list was fetched."))


def last_fetch_line(state: CatalogState, *, now: datetime, is_worker_slow: bool) -> Sentence:
    """How old the list is, when we looked, and what is under way."""
    if state.observed_at is None:
        facts = [say(_("No list yet"))]
    else:
        facts = [say(_("As of {ago}"), ago=Moment(state.observed_at, MomentStyle.AGO))]
    if state.checked_at is not None:
        facts.append(say(_("we looked {ago}"), ago=Moment(state.checked_at, MomentStyle.AGO)))
    if state.is_pending(now):
        pending = _("waiting for the worker") if is_worker_slow else _("asking Aitronos now")
        facts.append(say(pending))
    elif state.hold_until is not None and state.is_held(now):
        facts.append(say(_("Aitronos asked us to wait until {at}"), at=Moment(state.hold_until)))
    return say("{facts}", facts=Phrases(tuple(facts), " · "))


def list_note(state: CatalogState, *, is_paused: bool) -> Sentence:
    """Why the list may not be that of the present key; empty where it is."""
    if is_paused:
        return say(_("This key is paused: its lists are not fetched until somebody resumes it."))
    if state.is_from_previous_key:
        return say(
            _("This list came with the former key; the present one has not brought one yet.")
        )
    return EMPTY


def requested_fetch_wording(
    state: CatalogState, *, requested_at: datetime, now: datetime
) -> tuple[str, Sentence]:
    """What became of the fetch that a person requested: its tone, and a sentence."""
    if state.checked_at is not None and state.checked_at >= requested_at:
        at = Moment(state.checked_at)
        if state.error is None:
            return GOOD, say(_("Fetched at {at}, after you asked."), at=at)
        why = failure_wording(state.error).brief
        return WARN, say(_("Tried at {at}, after you asked: {why}."), at=at, why=why)
    if now - requested_at > _FETCH_EXPECTED_WITHIN:
        return WARN, say(_("The call has not ended yet. The worker may be busy or stopped."))
    ago = Moment(requested_at, MomentStyle.AGO)
    return QUIET, say(_("Asking Aitronos, as you asked {ago}…"), ago=ago)


def fetch_failure_sentences(error: CheckError) -> tuple[Sentence, ...]:
    """Why the list could not be fetched, and what Aitronos said of it."""
    # The sentences on failures speak of a status check; these speak of a catalog.
    if error.kind == FailureKind.SERVER_ERROR:
        status = str(error.http_status or 500)
        return (
            say(_("Aitronos had an error of its own ({status}) and gave no list."), status=status),
        )
    words = failure_wording(error).words
    if error.kind == FailureKind.KEY_NOT_PERMITTED:
        words = say(
            _(
                "The key is valid, but Aitronos does not let it read this list. Most likely it has "
                "no admin right."
            )
        )
    return (words, quoted_message(error.message))


def fetch_failure_scope(state: CatalogState) -> Sentence:
    """What the failure affects, and which list is shown."""
    if state.observed_at is None:
        return say(_("This list alone: there is none to show yet."))
    return say(_("This list alone. Shown is the one of {at}."), at=Moment(state.observed_at))


def item_count(kind: CatalogKind, total: int, *, matching: int | None) -> Sentence:
    """`42 connectors`, or `3 of 42 connectors` where a search leaves so many."""
    shown = {"matching": matching} if matching is not None else {}
    return say_counted(_ITEM_COUNTS[kind, bool(shown)], total, **shown)


_NAMED_TOOLKITS: Final = 5
_REPEATED_TOOLKITS: Final[Any] = ngettext_lazy(
    "For {names} there is more than one auth config. That usually is a mistake: at Aitronos, see "
    "which one is in use.",
    "For each of {names} there is more than one auth config. That usually is a mistake: at "
    "Aitronos, see which ones are in use.",
    "n",
)


def repeated_toolkits_note(toolkits: Sequence[str]) -> Sentence:
    """That several auth configs are for one of these toolkits; empty without any."""
    if not toolkits:
        return EMPTY
    cut_mark = ["…"] if len(toolkits) > _NAMED_TOOLKITS else []
    names = ", ".join([*toolkits[:_NAMED_TOOLKITS], *cut_mark])
    return say_counted(_REPEATED_TOOLKITS, len(toolkits), names=names)


def truncation_note(total: int, listed_count: int) -> Sentence:
    """That Aitronos counts more items than are kept here; empty where all are."""
    if total <= listed_count:
        return EMPTY
    text = _("Aitronos counts {total}; the first {kept} of them are kept here.")
    return say(text, total=total, kept=listed_count)


_ITEM_COUNTS: Final = {
    (CatalogKind.CONNECTORS, False): ngettext_lazy("{n} connector", "{n} connectors", "n"),
    (CatalogKind.CONNECTORS, True): ngettext_lazy(
        "{matching} of {n} connector", "{matching} of {n} connectors", "n"
    ),
    (CatalogKind.AUTH_CONFIGS, False): ngettext_lazy(
        "{n} auth config in the project", "{n} auth configs in the project", "n"
    ),
    (CatalogKind.AUTH_CONFIGS, True): ngettext_lazy(
        "{matching} of {n} auth config in the project",
        "{matching} of {n} auth configs in the project",
        "n",
    ),
}

"""The test of a new key: under way, refused and why, or not possible and what to do now."""

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.names import actor_shown
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.rows import CheckError, KeyRow
from freddy_admin.vault.models import (
    ApiKey,
    CandidateState,
    KeyCandidate,
    KeyStatus,
    TriedSecret,
)
from freddy_admin.vault.secrets import masked
from freddy_admin.vault.trying import decision_ends_at
from freddy_admin.web.presenters.comparison import Compared, compared
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class CandidateView:
    """What the page shows of a candidate. `decides`: this person may keep or discard it."""

    key_id: int
    anchor: str
    label: str
    href: str
    state: str
    version: int
    tone: str
    icon: str
    title: str
    words: SafeString
    todo: str
    hint: str
    beside: str
    until: SafeString
    compared: list[Compared]
    present_head: str
    pending: bool
    keepable: bool
    keep_words: str
    refused: bool
    decides: bool
    links: dict[str, str]
    mark: str


def candidate_view(
    key: ApiKey,
    candidate: KeyCandidate,
    on: Reading,
    *,
    permissions: Collection[Permission],
    row: KeyRow | None = None,
) -> CandidateView:
    """The candidate of this key; `row` is the key in use, where there is one.

    `permissions` are what the reader may do in the key's organisation.
    """
    manages = Permission.MANAGE_KEYS in permissions
    differs = candidate.state == CandidateState.DIFFERS
    slug = key.organisation.slug
    tone, icon, title, words, todo = _told(candidate, on, permissions)
    links = {name: f"candidate_{name}" for name in ("keep", "retest", "discard")}
    links["replace"] = "key_replace"
    return CandidateView(
        key_id=key.pk,
        anchor=f"draft-{key.pk}",
        label=key.label,
        href=reverse("key", args=[slug, key.pk]),
        state=candidate.state,
        version=candidate.version,
        tone=tone,
        icon=icon,
        title=title,
        words=words,
        todo=todo,
        hint=masked(candidate),
        beside=_beside(key, candidate),
        until=_until(candidate, on),
        compared=compared(key, candidate, row, on) if differs else [],
        present_head=_("Entered here") if key.status == KeyStatus.DRAFT else _("Present key"),
        pending=candidate.state == CandidateState.PENDING,
        keepable=differs or candidate.state == CandidateState.UNTESTED,
        keep_words=_("Use it all the same") if differs else _("Keep it anyway"),
        refused=candidate.state == CandidateState.REFUSED,
        decides=manages,
        links={name: reverse(page, args=[slug, key.pk]) for name, page in links.items()},
        mark=mark_of(candidate.version, candidate.state, key.label, manages),
    )


def _told(
    candidate: KeyCandidate, on: Reading, permissions: Collection[Permission]
) -> tuple[str, str, str, SafeString, str]:
    if candidate.state == CandidateState.PENDING:
        words = format_html(
            _("Given {ago} by {who}. We ask Aitronos for the sync status with it, once."),
            ago=on.ago(candidate.created_at),
            who=actor_shown(candidate.created_by, permissions),
        )
        return "quiet", "loader-2", _("Testing the new key…"), words, ""
    if candidate.state == CandidateState.DIFFERS:
        words = format_html(
            _(
                "Aitronos answered with it {ago}, but not as expected: it may be the key of "
                "another organisation."
            ),
            ago=_ago(candidate, on),
        )
        todo = _("Compare. If this is right, use it; if another key was pasted, throw it away.")
        return "warn", "alert-triangle", _("The new key reports something else"), words, todo
    what = failure(error_of(candidate))
    if candidate.state == CandidateState.REFUSED:
        words = format_html(
            _("{words} It was tested {ago}."), words=what.words, ago=_ago(candidate, on)
        )
        return "bad", "key-off", _("The new key was refused"), words, what.todo
    words = format_html(_("{words} It was tried {ago}."), words=what.words, ago=_ago(candidate, on))
    todo = _("This says nothing about the key: keep it anyway, test it again, or throw it away.")
    return "warn", "help-hexagon", _("The new key could not be tested"), words, todo


def _until(candidate: KeyCandidate, on: Reading) -> SafeString:
    ends_at = decision_ends_at(candidate)
    if ends_at is None:
        return SafeString("")
    return format_html(_("If nobody decides by {at}, it is thrown away."), at=on.at(ends_at))


def _ago(candidate: KeyCandidate, on: Reading) -> SafeString:
    return on.ago(candidate.tested_at or candidate.created_at)


def _beside(key: ApiKey, candidate: KeyCandidate) -> str:
    refused, draft = candidate.state == CandidateState.REFUSED, key.status == KeyStatus.DRAFT
    if refused:
        return _("Nothing is in use yet.") if draft else _("The present key stays in use.")
    if candidate.state == CandidateState.DIFFERS:
        return (
            _("Nothing is in use until you decide.")
            if draft
            else _("The present key stays in use until you decide.")
        )
    if draft:
        return _("The key is in use only once it works or you keep it.")
    return _("The present key stays in use until the new one works or you keep it.")


def error_of(candidate: TriedSecret) -> CheckError:
    """What the test of a new secret ended with, as the error of a check."""
    return CheckError(
        kind=candidate.outcome_kind,
        code=candidate.outcome_code,
        http_status=candidate.outcome_http_status,
        message=candidate.outcome_message,
        field="",
        detail="",
        trace_id="",
        request_id="",
    )

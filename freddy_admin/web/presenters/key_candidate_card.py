"""The test of a new key: under way, refused and why, or not possible and what to do now."""

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.person_display_names import actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.status.types import CheckError, KeyRow
from freddy_admin.vault.candidate_result import decision_deadline
from freddy_admin.vault.models import (
    ApiKey,
    CandidateSecret,
    CandidateState,
    KeyCandidate,
    KeyLifecycle,
)
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.web.presenters.candidate_comparison import (
    ComparisonRow,
    candidate_comparison_rows,
)
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.key_rows import values_digest
from freddy_admin.web.presenters.user_time import UserTime


@dataclass(frozen=True, slots=True)
class CandidateCard:
    """What the page shows of a candidate. `can_decide`: this person may keep or discard it."""

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
    advice: str
    hint: str
    present_key_note: str
    decision_deadline: SafeString
    comparison: list[ComparisonRow]
    present_head: str
    pending: bool
    can_keep: bool
    keep_label: str
    is_refused: bool
    can_decide: bool
    links: dict[str, str]
    digest: str


def candidate_card(
    key: ApiKey,
    candidate: KeyCandidate,
    user_time: UserTime,
    *,
    permissions: Collection[Permission],
    row: KeyRow | None = None,
) -> CandidateCard:
    """The candidate of this key; `row` is the key in use, where there is one.

    `permissions` are what the reader may do in the key's organisation.
    """
    can_manage = Permission.MANAGE_KEYS in permissions
    is_differing = candidate.state == CandidateState.DIFFERS
    slug = key.organisation.slug
    tone, icon, title, words, advice = _candidate_description(candidate, user_time, permissions)
    links = {name: f"candidate_{name}" for name in ("keep", "retest", "discard")}
    links["replace"] = "key_replace"
    return CandidateCard(
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
        advice=advice,
        hint=masked_secret(candidate),
        present_key_note=_present_key_note(key, candidate),
        decision_deadline=_decision_deadline_sentence(candidate, user_time),
        comparison=candidate_comparison_rows(key, candidate, row, user_time)
        if is_differing
        else [],
        present_head=_("Entered here") if key.status == KeyLifecycle.DRAFT else _("Present key"),
        pending=candidate.state == CandidateState.PENDING,
        can_keep=is_differing or candidate.state == CandidateState.UNTESTED,
        keep_label=_("Use it all the same") if is_differing else _("Keep it anyway"),
        is_refused=candidate.state == CandidateState.REFUSED,
        can_decide=can_manage,
        links={name: reverse(page, args=[slug, key.pk]) for name, page in links.items()},
        digest=values_digest(candidate.version, candidate.state, key.label, can_manage),
    )


def _candidate_description(
    candidate: KeyCandidate, user_time: UserTime, permissions: Collection[Permission]
) -> tuple[str, str, str, SafeString, str]:
    if candidate.state == CandidateState.PENDING:
        words = format_html(
            _("Given {ago} by {who}. We ask Aitronos for the sync status with it, once."),
            ago=user_time.render_ago(candidate.created_at),
            who=actor_display_name(candidate.created_by, permissions),
        )
        return "quiet", "loader-2", _("Testing the new key…"), words, ""
    if candidate.state == CandidateState.DIFFERS:
        words = format_html(
            _(
                "Aitronos answered with it {ago}, but not as expected: it may be the key of "
                "another organisation."
            ),
            ago=_tested_ago(candidate, user_time),
        )
        advice = _("Compare. If this is right, use it; if another key was pasted, throw it away.")
        return "warn", "alert-triangle", _("The new key reports something else"), words, advice
    failure = failure_wording(check_error_from_candidate(candidate))
    if candidate.state == CandidateState.REFUSED:
        words = format_html(
            _("{words} It was tested {ago}."),
            words=failure.words,
            ago=_tested_ago(candidate, user_time),
        )
        return "bad", "key-off", _("The new key was refused"), words, failure.advice
    words = format_html(
        _("{words} It was tried {ago}."), words=failure.words, ago=_tested_ago(candidate, user_time)
    )
    advice = _("This says nothing about the key: keep it anyway, test it again, or throw it away.")
    return "warn", "help-hexagon", _("The new key could not be tested"), words, advice


def _decision_deadline_sentence(candidate: KeyCandidate, user_time: UserTime) -> SafeString:
    ends_at = decision_deadline(candidate)
    if ends_at is None:
        return SafeString("")
    return format_html(
        _("If nobody decides by {at}, it is thrown away."), at=user_time.render_clock(ends_at)
    )


def _tested_ago(candidate: KeyCandidate, user_time: UserTime) -> SafeString:
    return user_time.render_ago(candidate.tested_at or candidate.created_at)


def _present_key_note(key: ApiKey, candidate: KeyCandidate) -> str:
    is_refused, draft = candidate.state == CandidateState.REFUSED, key.status == KeyLifecycle.DRAFT
    if is_refused:
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


def check_error_from_candidate(candidate: CandidateSecret) -> CheckError:
    """What the test of a new secret ended with, as the error of a check."""
    return CheckError(
        kind=candidate.result_kind,
        code=candidate.result_code,
        http_status=candidate.result_http_status,
        message=candidate.result_message,
        field="",
        detail="",
        trace_id="",
        request_id="",
    )

"""What a new key reports beside what the present one does, for a person to decide."""

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.person_display_names import actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.candidates.comparison import CandidateDifference
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.web.components import NO_VALUE, tool_counts_text
from freddy_admin.web.htmx import values_digest
from freddy_admin.wording.candidates import (
    candidate_deadline,
    candidate_wording,
    present_key_note,
)
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.times import EITHER, UserTime


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One line: its name, both values, and whether they differ sharply."""

    name: str
    present: SafeString | str
    new: SafeString | str
    differs: bool


def candidate_comparison_rows(
    key: ApiKey, candidate: KeyCandidate, row: KeyRow | None, user_time: UserTime
) -> list[ComparisonRow]:
    """The lines; `row` is the key as last seen, None where nothing is in use yet."""
    what = set(candidate.result_code.split(","))
    figures = row.figures if row else None
    present_last = figures.last_sync_at if figures else None
    new_last = candidate.reported_last_sync_at
    lines = [
        ComparisonRow(
            _("Organisation at Aitronos"),
            _present_organization_id_text(key, row),
            candidate.reported_organization_id or _("not named"),
            bool(what & {CandidateDifference.ENTERED, CandidateDifference.ORGANISATION}),
        ),
        ComparisonRow(
            _("Tools on / total"),
            tool_counts_text(figures.enabled_tools, figures.total_tools) if figures else NO_VALUE,
            tool_counts_text(
                candidate.reported_enabled_tools or 0, candidate.reported_total_tools or 0
            ),
            CandidateDifference.TOOLS in what,
        ),
        ComparisonRow(
            _("Last synced"),
            (
                user_time.render_relative_and_clock(present_last, EITHER)
                if present_last
                else _("never")
            )
            if figures
            else NO_VALUE,
            user_time.render_relative_and_clock(new_last, EITHER) if new_last else _("never"),
            CandidateDifference.LAST_SYNC in what,
        ),
    ]
    return lines if figures else lines[:1]


def _present_organization_id_text(key: ApiKey, row: KeyRow | None) -> str:
    reported = row.reported_organization_id if row else ""
    if key.organization_id and reported and key.organization_id != reported:
        return _("%(reported)s (entered here: %(entered)s)") % {
            "reported": reported,
            "entered": key.organization_id,
        }
    if reported:
        return reported
    if key.organization_id:
        return _("%(entered)s (entered here)") % {"entered": key.organization_id}
    return _("not known")


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
    wording = candidate_wording(
        candidate, created_by=actor_display_name(candidate.created_by, permissions)
    )
    is_draft = key.status == KeyLifecycle.DRAFT
    links = {name: f"candidate_{name}" for name in ("keep", "retest", "discard")}
    links["replace"] = "key_replace"
    return CandidateCard(
        key_id=key.pk,
        anchor=f"draft-{key.pk}",
        label=key.label,
        href=reverse("key", args=[slug, key.pk]),
        state=candidate.state,
        version=candidate.version,
        tone=wording.tone,
        icon=wording.icon,
        title=str(wording.title),
        words=render_html(wording.words, user_time),
        advice=str(wording.advice),
        hint=masked_secret(candidate),
        present_key_note=str(present_key_note(candidate, is_draft=is_draft)),
        decision_deadline=render_html(candidate_deadline(candidate), user_time),
        comparison=candidate_comparison_rows(key, candidate, row, user_time)
        if is_differing
        else [],
        present_head=_("Entered here") if is_draft else _("Present key"),
        pending=candidate.state == CandidateState.PENDING,
        can_keep=is_differing or candidate.state == CandidateState.UNTESTED,
        keep_label=_("Use it all the same") if is_differing else _("Keep it anyway"),
        is_refused=candidate.state == CandidateState.REFUSED,
        can_decide=can_manage,
        links={name: reverse(page, args=[slug, key.pk]) for name, page in links.items()},
        digest=values_digest(candidate.version, candidate.state, key.label, can_manage),
    )

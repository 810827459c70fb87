"""A new secret of a key, ready for `key/_candidate.html`: its test, and what can be decided."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.organisations.access import actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.candidates.comparison import CandidateDifference
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.selectors import RETRIED_STATES, is_retried_hourly, masked_secret
from freddy_admin.web.components import tool_counts_text
from freddy_admin.web.htmx import values_digest
from freddy_admin.wording.environments import candidate_environment
from freddy_admin.wording.key_pages import (
    candidate_deadline,
    candidate_wording,
    present_key_note,
)
from freddy_admin.wording.next_steps import candidate_support_text
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.times import EITHER, UserTime


def candidate_context(
    key: ApiKey,
    candidate: KeyCandidate,
    user_time: UserTime,
    *,
    permissions: Collection[Permission],
    row: KeyRow | None = None,
) -> dict[str, Any]:
    """The candidate of this key, for `key/_candidate.html`.

    `row` is the key in use, where there is one; `permissions` are what the reader may do in the
    key's organisation.
    """
    is_draft = key.status == KeyLifecycle.DRAFT
    is_differing = candidate.state == CandidateState.DIFFERS
    created_by = actor_display_name(candidate.created_by, permissions)
    wording = candidate_wording(candidate, created_by=created_by, is_draft=is_draft)
    is_retried = is_retried_hourly(candidate)
    return {
        "key": key,
        "anchor": draft_anchor(key),
        "digest": candidate_digest(key, candidate, permissions),
        "state": candidate.state,
        "version": candidate.version,
        "wording": wording,
        "words": render_html(wording.words, user_time),
        "hint": masked_secret(candidate),
        "environment": candidate_environment(candidate),
        "present_key_note": present_key_note(candidate, is_draft=is_draft),
        "deadline": render_html(candidate_deadline(candidate), user_time),
        "comparison": _comparison(key, candidate, row, user_time) if is_differing else [],
        "present_head": _("Entered here") if is_draft else _("Present key"),
        "is_differing": is_differing,
        "is_pending": candidate.state == CandidateState.PENDING,
        "is_refused": candidate.state == CandidateState.REFUSED,
        "keep_label": "" if is_retried else _keep_label(candidate),
        "support_anchor": f"candidate-{key.pk}",
        "support_text": candidate_support_text(candidate, key=key, now=user_time.now)
        if candidate.state in RETRIED_STATES
        else "",
        "can_decide": Permission.MANAGE_KEYS in permissions,
    }


def draft_anchor(key: ApiKey) -> str:
    """The name, in its organisation's page, of a key that was never in use."""
    return f"draft-{key.pk}"


def candidate_digest(
    key: ApiKey, candidate: KeyCandidate, permissions: Collection[Permission]
) -> str:
    """Changes when anything shown of the candidate does."""
    can_decide = Permission.MANAGE_KEYS in permissions
    test = (candidate.state, candidate.tested_at, candidate.retries_hourly)
    return values_digest(candidate.version, *test, key.label, can_decide)


def _keep_label(candidate: KeyCandidate) -> str:
    """What the button says that keeps it as it is; "" where there is none."""
    if candidate.state == CandidateState.UNTESTED:
        return _("Keep it anyway")
    is_refused = candidate.state == CandidateState.REFUSED
    return _("Keep it and try again every hour") if is_refused else ""


def _comparison(
    key: ApiKey, candidate: KeyCandidate, row: KeyRow | None, user_time: UserTime
) -> list[tuple[str, SafeString | str, SafeString | str, bool]]:
    """What is compared, both values, and whether they differ sharply."""
    what = set(candidate.result_code.split(","))
    organisation = (
        _("Organisation at Aitronos"),
        _present_organization_id_text(key, row),
        candidate.reported_organization_id or _("not named"),
        bool(what & {CandidateDifference.ENTERED, CandidateDifference.ORGANISATION}),
    )
    if row is None or row.figures is None:
        return [organisation]
    figures = row.figures
    return [
        organisation,
        (
            _("Tools on / total"),
            tool_counts_text(figures.enabled_tools, figures.total_tools),
            tool_counts_text(
                candidate.reported_enabled_tools or 0, candidate.reported_total_tools or 0
            ),
            CandidateDifference.TOOLS in what,
        ),
        (
            _("Last synced"),
            _render_moment(figures.last_sync_at, user_time),
            _render_moment(candidate.reported_last_sync_at, user_time),
            CandidateDifference.LAST_SYNC in what,
        ),
    ]


def _present_organization_id_text(key: ApiKey, row: KeyRow | None) -> str:
    reported = row.reported_organization_id if row else ""
    texts = {"reported": reported, "entered": key.organization_id}
    if key.organization_id and reported and key.organization_id != reported:
        return _("%(reported)s (entered here: %(entered)s)") % texts
    if key.organization_id and not reported:
        return _("%(entered)s (entered here)") % texts
    return reported or _("not known")


def _render_moment(at: datetime | None, user_time: UserTime) -> SafeString | str:
    return user_time.render_relative_and_clock(at, EITHER) if at else _("never")

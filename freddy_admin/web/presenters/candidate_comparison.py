"""What a new key reports beside what the present one does, for a person to decide."""

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.candidates.comparison import CandidateDifference
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.wording.sentences import format_number
from freddy_admin.wording.times import EITHER, UserTime

NO_VALUE = "—"


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


def tool_counts_text(enabled: int, total: int) -> str:
    """`7 / 1,042`: tools that are on, and all."""
    return f"{format_number(enabled)} / {format_number(total)}"


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

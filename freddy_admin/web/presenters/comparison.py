"""What a new key reports beside what the present one does, for a person to decide."""

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.differences import Difference
from freddy_admin.sync.rows import KeyRow
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.web.presenters.times import EITHER, Reading

NONE = "—"


@dataclass(frozen=True, slots=True)
class Compared:
    """One line: its name, both values, and whether they differ sharply."""

    name: str
    present: SafeString | str
    new: SafeString | str
    differs: bool


def compared(
    key: ApiKey, candidate: KeyCandidate, row: KeyRow | None, on: Reading
) -> list[Compared]:
    """The lines; `row` is the key as last seen, None where nothing is in use yet."""
    what = set(candidate.outcome_code.split(","))
    figures = row.figures if row else None
    present_last = figures.last_sync_at if figures else None
    new_last = candidate.found_last_sync_at
    lines = [
        Compared(
            _("Organisation at Aitronos"),
            _organisation(key, row),
            candidate.found_organization_id or _("not named"),
            bool(what & {Difference.ENTERED, Difference.ORGANISATION}),
        ),
        Compared(
            _("Tools on / total"),
            f"{figures.enabled_tools:,} / {figures.total_tools:,}" if figures else NONE,
            f"{candidate.found_enabled_tools or 0:,} / {candidate.found_total_tools or 0:,}",
            Difference.TOOLS in what,
        ),
        Compared(
            _("Last synced"),
            (on.both(present_last, EITHER) if present_last else _("never")) if figures else NONE,
            on.both(new_last, EITHER) if new_last else _("never"),
            Difference.LAST_SYNC in what,
        ),
    ]
    return lines if figures else lines[:1]


def _organisation(key: ApiKey, row: KeyRow | None) -> str:
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

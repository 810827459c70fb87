"""One pasted row of an import: its key, its verdict, what to do."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.safestring import SafeString

from freddy_admin.vault.models import ImportDraftRow, ImportRowState, ImportSaveState
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.web.presenters.state_pill import StatePill
from freddy_admin.wording.imports import VERDICT_WORDINGS, verdict_sentences
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class ImportTableRow:
    """A line of the table."""

    anchor: str
    number: int
    organisation: str
    new: bool
    label: str
    hint: str
    pill: StatePill
    words: SafeString
    save_state: str
    href: str
    is_waiting: bool


def import_table_row(row: ImportDraftRow, user_time: UserTime) -> ImportTableRow:
    """The table row of one pasted row."""
    state = ImportRowState(row.state)
    is_saved_here = row.save_state == ImportSaveState.SAVED and row.key_id and row.organisation
    organisation_slug = row.organisation.slug if row.organisation else ""
    return ImportTableRow(
        anchor=f"row-{row.number}",
        number=row.number,
        organisation=row.organisation_name,
        new=row.organisation_id is None
        and state != ImportRowState.MALFORMED
        and not row.save_state,
        label=row.label,
        hint=masked_secret(row) if state != ImportRowState.MALFORMED else "",
        pill=_verdict_pill(state),
        words=render_html(verdict_sentences(row), user_time),
        save_state=str(ImportSaveState(row.save_state).label) if row.save_state else "",
        href=reverse("key", args=[organisation_slug, row.key_id]) if is_saved_here else "",
        is_waiting=state == ImportRowState.WAITING or row.save_state == ImportSaveState.SAVING,
    )


def _verdict_pill(state: ImportRowState) -> StatePill:
    wording = VERDICT_WORDINGS[state]
    return StatePill(state.value, str(wording.label), wording.tone, wording.icon)

"""One pasted row of an import: its key, its verdict, what to do."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.vault.models import ImportDraftRow, ImportRowState, ImportSaveState
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.web.presenters.failure_wording import failure_wording
from freddy_admin.web.presenters.headline import EMPTY_TEXT
from freddy_admin.web.presenters.key_candidate_card import check_error_from_candidate
from freddy_admin.web.presenters.state_pill import BAD, GOOD, QUIET, WARN, StatePill
from freddy_admin.web.presenters.user_time import EITHER, UserTime

VERDICT_STYLES: dict[ImportRowState, tuple[str, str]] = {
    ImportRowState.WAITING: (QUIET, "hourglass"),
    ImportRowState.WORKS: (GOOD, "circle-check"),
    ImportRowState.DIFFERS: (WARN, "alert-triangle"),
    ImportRowState.UNTESTED: (WARN, "help-hexagon"),
    ImportRowState.REJECTED: (BAD, "key-off"),
    ImportRowState.DUPLICATE: (QUIET, "copy"),
    ImportRowState.MALFORMED: (BAD, "x"),
}


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
    words: SafeString | str
    save_state: str
    href: str
    is_waiting: bool


def verdict_pill(state: ImportRowState) -> StatePill:
    """The verdict as a word with its style."""
    tone, icon = VERDICT_STYLES[state]
    word = str(state.label)
    return StatePill(value=state.value, word=word[:1].upper() + word[1:], tone=tone, icon=icon)


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
        pill=verdict_pill(state),
        words=_verdict_explanation(row, state, user_time),
        save_state=str(ImportSaveState(row.save_state).label) if row.save_state else "",
        href=reverse("key", args=[organisation_slug, row.key_id]) if is_saved_here else "",
        is_waiting=state == ImportRowState.WAITING or row.save_state == ImportSaveState.SAVING,
    )


def _verdict_explanation(
    row: ImportDraftRow, state: ImportRowState, user_time: UserTime
) -> SafeString | str:
    if state == ImportRowState.MALFORMED:
        return row.problem.rstrip(".") + "."
    if state == ImportRowState.DUPLICATE:
        return _("Nothing to do: the organisation has this key.")
    if state in {ImportRowState.WORKS, ImportRowState.DIFFERS}:
        return _test_result_text(row, state, user_time)
    if state == ImportRowState.WAITING:
        return EMPTY_TEXT
    failure = failure_wording(check_error_from_candidate(row))
    return (
        f"{failure.words} {failure.advice}" if state == ImportRowState.REJECTED else failure.words
    )


def _test_result_text(
    row: ImportDraftRow, state: ImportRowState, user_time: UserTime
) -> SafeString:
    total, enabled = row.reported_total_tools or 0, row.reported_enabled_tools or 0
    tools = ngettext("%(n)s tool, %(on)s on", "%(n)s tools, %(on)s on", total)
    last = row.reported_last_sync_at
    parts: list[SafeString | str] = [
        tools % {"n": f"{total:,}", "on": f"{enabled:,}"},
        format_html(_("synced {ago}"), ago=user_time.render_relative_cell(last, EITHER))
        if last
        else _("never synced"),
    ]
    if row.reported_organization_id:
        parts.append(row.reported_organization_id)
    result_text = format_html_join(" · ", "{}", ((part,) for part in parts))
    if state != ImportRowState.DIFFERS:
        return result_text
    return format_html(
        _("Entered is {entered}, but it answers for another one: {result}"),
        entered=row.organization_id,
        result=result_text,
    )

"""One pasted row: what it is, what became of it, what to do."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.vault.models import Fate, ImportDraftRow, Verdict
from freddy_admin.vault.secrets import masked
from freddy_admin.web.presenters.candidates import error_of
from freddy_admin.web.presenters.failures import failure
from freddy_admin.web.presenters.states import BAD, GOOD, QUIET, WARN, Pill
from freddy_admin.web.presenters.story import NONE
from freddy_admin.web.presenters.times import EITHER, Reading

LOOKS: dict[Verdict, tuple[str, str]] = {
    Verdict.WAITING: (QUIET, "hourglass"),
    Verdict.WORKS: (GOOD, "circle-check"),
    Verdict.DIFFERS: (WARN, "alert-triangle"),
    Verdict.UNTESTED: (WARN, "help-hexagon"),
    Verdict.REJECTED: (BAD, "key-off"),
    Verdict.HERE: (QUIET, "copy"),
    Verdict.MALFORMED: (BAD, "x"),
}


@dataclass(frozen=True, slots=True)
class ImportRowView:
    """A line of the table."""

    anchor: str
    number: int
    organisation: str
    new: bool
    label: str
    hint: str
    pill: Pill
    words: SafeString | str
    fate: str
    href: str
    waits: bool


def verdict_pill(verdict: Verdict) -> Pill:
    """The outcome as a word with its look."""
    tone, icon = LOOKS[verdict]
    word = str(verdict.label)
    return Pill(value=verdict.value, word=word[:1].upper() + word[1:], tone=tone, icon=icon)


def import_row_view(row: ImportDraftRow, on: Reading) -> ImportRowView:
    """The line of this row."""
    verdict = Verdict(row.verdict)
    kept = row.fate == Fate.KEPT and row.key_id and row.organisation
    place = row.organisation.slug if row.organisation else ""
    return ImportRowView(
        anchor=f"row-{row.number}",
        number=row.number,
        organisation=row.organisation_name,
        new=row.organisation_id is None and verdict != Verdict.MALFORMED and not row.fate,
        label=row.label,
        hint=masked(row) if verdict != Verdict.MALFORMED else "",
        pill=verdict_pill(verdict),
        words=_words(row, verdict, on),
        fate=str(Fate(row.fate).label) if row.fate else "",
        href=reverse("key", args=[place, row.key_id]) if kept else "",
        waits=verdict == Verdict.WAITING or row.fate == Fate.KEEPING,
    )


def _words(row: ImportDraftRow, verdict: Verdict, on: Reading) -> SafeString | str:
    if verdict == Verdict.MALFORMED:
        return row.problem.rstrip(".") + "."
    if verdict == Verdict.HERE:
        return _("Nothing to do: the organisation has this key.")
    if verdict in {Verdict.WORKS, Verdict.DIFFERS}:
        return _found(row, verdict, on)
    if verdict == Verdict.WAITING:
        return NONE
    what = failure(error_of(row))
    return f"{what.words} {what.todo}" if verdict == Verdict.REJECTED else what.words


def _found(row: ImportDraftRow, verdict: Verdict, on: Reading) -> SafeString:
    total, enabled = row.found_total_tools or 0, row.found_enabled_tools or 0
    tools = ngettext("%(n)s tool, %(on)s on", "%(n)s tools, %(on)s on", total)
    last = row.found_last_sync_at
    parts: list[SafeString | str] = [
        tools % {"n": f"{total:,}", "on": f"{enabled:,}"},
        format_html(_("synced {ago}"), ago=on.cell(last, EITHER)) if last else _("never synced"),
    ]
    if row.found_organization_id:
        parts.append(row.found_organization_id)
    told = format_html_join(" · ", "{}", ((part,) for part in parts))
    if verdict != Verdict.DIFFERS:
        return told
    return format_html(
        _("Entered is {entered}, but it answers for another one: {told}"),
        entered=row.organization_id,
        told=told,
    )

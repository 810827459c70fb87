"""One pasted row of an import: its key, its verdict, what to do."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.vault.import_selectors import IMPORT_DRAFT_LIFETIME
from freddy_admin.vault.models import (
    ImportDraft,
    ImportDraftRow,
    ImportDraftState,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.secret_format import masked_secret
from freddy_admin.web.components import StatePill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.overview.presenter import FilterChip
from freddy_admin.wording.imports import (
    VERDICT_WORDINGS,
    save_option,
    save_progress,
    verdict_count,
    verdict_sentences,
    verification_progress,
)
from freddy_admin.wording.sentences import (
    Moment,
    MomentStyle,
    format_number,
    render_html,
    render_text,
    say,
)
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


PAGE_SIZE = 100
_LAST_PAGE = 1_000
VerdictCounts = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ImportPageQuery:
    """Which rows the address asks for."""

    state: str = ""
    page: int = 1

    @property
    def row_offset(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * PAGE_SIZE

    def build_url(self, path: str, *, state: str, page: int = 1) -> str:
        """The address of the import with another filter or page."""
        values = {"show": state, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class SaveOption:
    """A kind of rows that may be saved beside those that work."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class ImportPageContext:
    """Everything the page shows."""

    sentence: str
    number: int
    finished: int
    pending: bool
    is_open: bool
    expires: SafeString
    chips: list[FilterChip]
    rows: list[ImportTableRow]
    working_count: int
    save_label: str
    options: list[SaveOption]
    retestable_count: int
    has_nothing_to_save: bool
    previous_href: str
    next_href: str
    pages: str
    current_url: str
    links: dict[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class UnfinishedImport:
    """One import that waits for a decision."""

    href: str
    words: SafeString


def parse_import_query(values: QueryDict) -> ImportPageQuery:
    """What the address asks for; values that are not offered are ignored."""
    show, page = values.get("show", ""), values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
    return ImportPageQuery(
        state=show if show in ImportRowState.values else "", page=min(max(1, number), _LAST_PAGE)
    )


def unfinished_import_links(
    drafts: Iterable[ImportDraft], user_time: UserTime
) -> list[UnfinishedImport]:
    """The imports that wait for a decision."""
    return [
        UnfinishedImport(
            href=reverse("import_draft", args=[draft.pk]),
            words=render_html(
                say(_("Pasted {ago}"), ago=Moment(draft.created_at, MomentStyle.AGO)), user_time
            ),
        )
        for draft in drafts
    ]


def import_page_context(
    draft: ImportDraft,
    counts: VerdictCounts,
    rows: Sequence[ImportDraftRow],
    query: ImportPageQuery,
    user_time: UserTime,
) -> ImportPageContext:
    """The page for one moment; `rows` are those of the page that is asked for."""
    path = reverse("import_draft", args=[draft.pk])
    by_verdict, by_save_state = _counts_by_verdict_and_save_state(counts)
    number, is_open = sum(by_verdict.values()), draft.state == ImportDraftState.OPEN
    waiting_count = (
        by_verdict[ImportRowState.WAITING] if is_open else by_save_state[ImportSaveState.SAVING]
    )
    tested_count = (
        number - by_verdict[ImportRowState.MALFORMED] - by_verdict[ImportRowState.DUPLICATE]
    )
    matching_count = by_verdict[query.state] if query.state else number
    pages, working_count = max(1, -(-matching_count // PAGE_SIZE)), by_verdict[ImportRowState.WORKS]
    options = _save_options(by_verdict)
    current_url = query.build_url(path, state=query.state, page=query.page)
    shown_rows = [(row.number, row.state, row.save_state) for row in rows]
    return ImportPageContext(
        sentence=render_text(
            verification_progress(by_verdict) if is_open else save_progress(by_save_state)
        ),
        number=tested_count
        if is_open
        else by_save_state[ImportSaveState.SAVING] + by_save_state[ImportSaveState.SAVED],
        finished=tested_count - waiting_count if is_open else by_save_state[ImportSaveState.SAVED],
        pending=waiting_count > 0,
        is_open=is_open,
        expires=user_time.render_clock(draft.created_at + IMPORT_DRAFT_LIFETIME),
        chips=_verdict_filter_chips(by_verdict, query, path),
        rows=[import_table_row(row, user_time) for row in rows],
        working_count=working_count,
        save_label=ngettext("Save %(n)s key", "Save %(n)s keys", working_count)
        % {"n": format_number(working_count)},
        options=options,
        retestable_count=by_verdict[ImportRowState.UNTESTED] + by_verdict[ImportRowState.REJECTED],
        has_nothing_to_save=not working_count and not options,
        previous_href=query.build_url(path, state=query.state, page=query.page - 1)
        if query.page > 1
        else "",
        next_href=query.build_url(path, state=query.state, page=query.page + 1)
        if query.page < pages
        else "",
        pages=_("Page %(page)s of %(pages)s")
        % {"page": format_number(query.page), "pages": format_number(pages)},
        current_url=current_url,
        links={
            name: reverse(f"import_{name}", args=[draft.pk])
            for name in ("confirm", "retest", "discard")
        },
        digest=values_digest(draft.state, sorted(counts.items()), shown_rows, current_url),
    )


def _counts_by_verdict_and_save_state(counts: VerdictCounts) -> tuple[Counter[str], Counter[str]]:
    by_verdict, by_save_state = Counter[str](), Counter[str]()
    for (state, save_state), number in counts.items():
        by_verdict[state] += number
        by_save_state[save_state] += number
    return by_verdict, by_save_state


def _save_options(counts: Counter[str]) -> list[SaveOption]:
    return [
        SaveOption(state.value, str(save_option(state, counts[state])))
        for state in (ImportRowState.UNTESTED, ImportRowState.DIFFERS)
        if counts[state]
    ]


def _verdict_filter_chips(
    counts: Counter[str], query: ImportPageQuery, path: str
) -> list[FilterChip]:
    chips = []
    for state, wording in VERDICT_WORDINGS.items():
        active = query.state == state
        if not counts[state] and not active:
            continue
        chips.append(
            FilterChip(
                words=str(verdict_count(state, counts[state])),
                href=query.build_url(path, state="" if active else state.value),
                tone=wording.tone,
                icon=wording.icon,
                active=active,
            )
        )
    return chips

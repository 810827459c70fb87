"""The page of one import: how far its test is, what came of it, what to decide."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
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
from freddy_admin.web.presenters.imports.import_rows import (
    VERDICT_STYLES,
    ImportTableRow,
    import_table_row,
)
from freddy_admin.web.presenters.key_rows import values_digest
from freddy_admin.web.presenters.overview_page import FilterChip
from freddy_admin.web.presenters.user_time import UserTime

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
            words=format_html(_("Pasted {ago}"), ago=user_time.render_ago(draft.created_at)),
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
        sentence=_test_progress_sentence(by_verdict)
        if is_open
        else _save_progress_sentence(by_save_state),
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
        % {"n": f"{working_count:,}"},
        options=options,
        retestable_count=by_verdict[ImportRowState.UNTESTED] + by_verdict[ImportRowState.REJECTED],
        has_nothing_to_save=not working_count and not options,
        previous_href=query.build_url(path, state=query.state, page=query.page - 1)
        if query.page > 1
        else "",
        next_href=query.build_url(path, state=query.state, page=query.page + 1)
        if query.page < pages
        else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": query.page, "pages": pages},
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


def _test_progress_sentence(counts: Counter[str]) -> str:
    untestable_count = counts[ImportRowState.MALFORMED] + counts[ImportRowState.DUPLICATE]
    total = sum(counts.values()) - untestable_count
    tested_count = total - counts[ImportRowState.WAITING]
    if tested_count < total:
        words = ngettext(
            "%(done)s of %(n)s key is tested.", "%(done)s of %(n)s keys are tested.", total
        )
        return words % {"done": f"{tested_count:,}", "n": f"{total:,}"}
    if not total:
        return _("None of these rows is a new key.")
    return _("All keys are tested. Nothing is saved yet.")


def _save_progress_sentence(counts: Counter[str]) -> str:
    saved_count = counts[ImportSaveState.SAVED]
    total = counts[ImportSaveState.SAVED] + counts[ImportSaveState.SAVING]
    words = ngettext(
        "%(kept)s of %(n)s key is saved.", "%(kept)s of %(n)s keys are saved.", total
    ) % {"kept": f"{saved_count:,}", "n": f"{total:,}"}
    discarded_count = counts[ImportSaveState.DISCARDED]
    if not discarded_count:
        return words
    discarded_text = ngettext(
        "%(n)s row was thrown away.", "%(n)s rows were thrown away.", discarded_count
    ) % {"n": f"{discarded_count:,}"}
    return f"{words} {discarded_text}"


def _save_options(counts: Counter[str]) -> list[SaveOption]:
    untested_count = counts[ImportRowState.UNTESTED]
    differing_count = counts[ImportRowState.DIFFERS]
    options = []
    if untested_count:
        words = ngettext(
            "also the one that could not be tested",
            "also the %(n)s that could not be tested",
            untested_count,
        )
        options.append(
            SaveOption(ImportRowState.UNTESTED.value, words % {"n": f"{untested_count:,}"})
        )
    if differing_count:
        words = ngettext(
            "also the one that answers for another organisation than entered",
            "also the %(n)s that answer for another organisation than entered",
            differing_count,
        )
        options.append(
            SaveOption(ImportRowState.DIFFERS.value, words % {"n": f"{differing_count:,}"})
        )
    return options


def _verdict_count_text(state: ImportRowState, number: int) -> str:
    if state == ImportRowState.WORKS:
        words = ngettext("%(n)s works", "%(n)s work", number)
    elif state == ImportRowState.DIFFERS:
        words = ngettext(
            "%(n)s belongs to another organisation", "%(n)s belong to another organisation", number
        )
    else:
        words = f"%(n)s {state.label}"
    return words % {"n": f"{number:,}"}


def _verdict_filter_chips(
    counts: Counter[str], query: ImportPageQuery, path: str
) -> list[FilterChip]:
    chips = []
    for state, (tone, icon) in VERDICT_STYLES.items():
        active = query.state == state
        if not counts[state] and not active:
            continue
        chips.append(
            FilterChip(
                words=_verdict_count_text(state, counts[state]),
                href=query.build_url(path, state="" if active else state.value),
                tone=tone,
                icon=icon,
                active=active,
            )
        )
    return chips

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

from freddy_admin.vault.import_reads import KEPT_FOR
from freddy_admin.vault.models import Fate, ImportDraft, ImportDraftRow, ImportState, Verdict
from freddy_admin.web.presenters.imports.rows import (
    LOOKS,
    ImportRowView,
    import_row_view,
)
from freddy_admin.web.presenters.overview import Chip
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.times import Reading

PAGE_SIZE = 100
_LAST_PAGE = 1_000
Counts = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """Which rows the address asks for."""

    verdict: str = ""
    page: int = 1

    @property
    def start(self) -> int:
        """How many rows come before this page."""
        return (self.page - 1) * PAGE_SIZE

    def address(self, path: str, *, verdict: str, page: int = 1) -> str:
        """The address of other rows of the same import."""
        values = {"show": verdict, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Option:
    """A kind of rows that may be saved beside those that work."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class ImportView:
    """Everything the page shows."""

    sentence: str
    number: int
    ended: int
    pending: bool
    open: bool
    until: SafeString
    chips: list[Chip]
    rows: list[ImportRowView]
    works: int
    save_words: str
    options: list[Option]
    again: int
    nothing: bool
    earlier: str
    later: str
    pages: str
    here: str
    links: dict[str, str]
    mark: str


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One unfinished import, to go on with."""

    href: str
    words: SafeString


def import_query(values: QueryDict) -> ImportQuery:
    """What the address asks for; values that are not offered are ignored."""
    show, page = values.get("show", ""), values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
    return ImportQuery(
        verdict=show if show in Verdict.values else "", page=min(max(1, number), _LAST_PAGE)
    )


def draft_lines(drafts: Iterable[ImportDraft], on: Reading) -> list[DraftLine]:
    """The imports that wait for a decision."""
    return [
        DraftLine(
            href=reverse("import_draft", args=[draft.pk]),
            words=format_html(_("Pasted {ago}"), ago=on.ago(draft.created_at)),
        )
        for draft in drafts
    ]


def import_view(
    draft: ImportDraft,
    counts: Counts,
    rows: Sequence[ImportDraftRow],
    query: ImportQuery,
    on: Reading,
) -> ImportView:
    """The page for one moment; `rows` are those of the page that is asked for."""
    path = reverse("import_draft", args=[draft.pk])
    by_verdict, by_fate = _sums(counts)
    number, is_open = sum(by_verdict.values()), draft.state == ImportState.OPEN
    waiting = by_verdict[Verdict.WAITING] if is_open else by_fate[Fate.KEEPING]
    tried = number - by_verdict[Verdict.MALFORMED] - by_verdict[Verdict.HERE]
    found = by_verdict[query.verdict] if query.verdict else number
    pages, works = max(1, -(-found // PAGE_SIZE)), by_verdict[Verdict.WORKS]
    options = _options(by_verdict)
    here = query.address(path, verdict=query.verdict, page=query.page)
    shown = [(row.number, row.verdict, row.fate) for row in rows]
    return ImportView(
        sentence=_testing(by_verdict) if is_open else _saving(by_fate),
        number=tried if is_open else by_fate[Fate.KEEPING] + by_fate[Fate.KEPT],
        ended=tried - waiting if is_open else by_fate[Fate.KEPT],
        pending=waiting > 0,
        open=is_open,
        until=on.at(draft.created_at + KEPT_FOR),
        chips=_chips(by_verdict, query, path),
        rows=[import_row_view(row, on) for row in rows],
        works=works,
        save_words=ngettext("Save %(n)s key", "Save %(n)s keys", works) % {"n": f"{works:,}"},
        options=options,
        again=by_verdict[Verdict.UNTESTED] + by_verdict[Verdict.REJECTED],
        nothing=not works and not options,
        earlier=query.address(path, verdict=query.verdict, page=query.page - 1)
        if query.page > 1
        else "",
        later=query.address(path, verdict=query.verdict, page=query.page + 1)
        if query.page < pages
        else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": query.page, "pages": pages},
        here=here,
        links={
            name: reverse(f"import_{name}", args=[draft.pk])
            for name in ("confirm", "retest", "discard")
        },
        mark=mark_of(draft.state, sorted(counts.items()), shown, here),
    )


def _sums(counts: Counts) -> tuple[Counter[str], Counter[str]]:
    by_verdict, by_fate = Counter[str](), Counter[str]()
    for (verdict, fate), number in counts.items():
        by_verdict[verdict] += number
        by_fate[fate] += number
    return by_verdict, by_fate


def _testing(counts: Counter[str]) -> str:
    untried = counts[Verdict.MALFORMED] + counts[Verdict.HERE]
    total = sum(counts.values()) - untried
    done = total - counts[Verdict.WAITING]
    if done < total:
        words = ngettext(
            "%(done)s of %(n)s key is tested.", "%(done)s of %(n)s keys are tested.", total
        )
        return words % {"done": f"{done:,}", "n": f"{total:,}"}
    if not total:
        return _("None of these rows is a new key.")
    return _("All keys are tested. Nothing is saved yet.")


def _saving(counts: Counter[str]) -> str:
    kept, total = counts[Fate.KEPT], counts[Fate.KEPT] + counts[Fate.KEEPING]
    words = ngettext(
        "%(kept)s of %(n)s key is saved.", "%(kept)s of %(n)s keys are saved.", total
    ) % {"kept": f"{kept:,}", "n": f"{total:,}"}
    dropped = counts[Fate.DROPPED]
    if not dropped:
        return words
    rest = ngettext("%(n)s row was thrown away.", "%(n)s rows were thrown away.", dropped) % {
        "n": f"{dropped:,}"
    }
    return f"{words} {rest}"


def _options(counts: Counter[str]) -> list[Option]:
    untested, differs = counts[Verdict.UNTESTED], counts[Verdict.DIFFERS]
    found = []
    if untested:
        words = ngettext(
            "also the one that could not be tested",
            "also the %(n)s that could not be tested",
            untested,
        )
        found.append(Option(Verdict.UNTESTED.value, words % {"n": f"{untested:,}"}))
    if differs:
        words = ngettext(
            "also the one that answers for another organisation than entered",
            "also the %(n)s that answer for another organisation than entered",
            differs,
        )
        found.append(Option(Verdict.DIFFERS.value, words % {"n": f"{differs:,}"}))
    return found


def _counted(verdict: Verdict, number: int) -> str:
    if verdict == Verdict.WORKS:
        words = ngettext("%(n)s works", "%(n)s work", number)
    elif verdict == Verdict.DIFFERS:
        words = ngettext(
            "%(n)s belongs to another organisation", "%(n)s belong to another organisation", number
        )
    else:
        words = f"%(n)s {verdict.label}"
    return words % {"n": f"{number:,}"}


def _chips(counts: Counter[str], query: ImportQuery, path: str) -> list[Chip]:
    chips = []
    for verdict, (tone, icon) in LOOKS.items():
        active = query.verdict == verdict
        if not counts[verdict] and not active:
            continue
        chips.append(
            Chip(
                words=_counted(verdict, counts[verdict]),
                href=query.address(path, verdict="" if active else verdict.value),
                tone=tone,
                icon=icon,
                active=active,
            )
        )
    return chips

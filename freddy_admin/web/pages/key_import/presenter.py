"""The pages of an import, ready for their templates: its progress, and what came of each row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.vault.import_selectors import IMPORT_DRAFT_LIFETIME
from freddy_admin.vault.models import (
    ImportDraft,
    ImportDraftRow,
    ImportDraftState,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.selectors import masked_secret
from freddy_admin.web.htmx import values_digest
from freddy_admin.wording.imports import (
    VERDICT_WORDINGS,
    import_row_details,
    save_option,
    save_progress,
    similar_organisation_sentence,
    verdict_count,
    verdict_sentences,
    verification_progress,
)
from freddy_admin.wording.next_steps import import_row_support_text
from freddy_admin.wording.sentences import (
    Moment,
    MomentStyle,
    format_number,
    render_html,
    render_text,
    say,
)
from freddy_admin.wording.times import UserTime

PAGE_SIZE = 100
_LAST_PAGE = 1_000
_FAILED_STATES = (ImportRowState.UNTESTED, ImportRowState.REJECTED)
_OPTIONAL_STATES = (*_FAILED_STATES, ImportRowState.DIFFERS)
# Beside the box that saves one row.
_CHOOSE_LABELS = {
    ImportRowState.UNTESTED: _l("Save it anyway"),
    ImportRowState.REJECTED: _l("Save it and try again every hour"),
    ImportRowState.DIFFERS: _l("Save it all the same"),
}


class ImportQuery(NamedTuple):
    """Which rows the address asks for: those of one verdict ("" for all), and their page."""

    verdict: str
    page: int


def parse_import_query(values: QueryDict) -> ImportQuery:
    """What the address asks for; values that are not offered are ignored."""
    show, page = values.get("show", ""), values.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 5 else 1
    verdict = show if show in ImportRowState.values else ""
    return ImportQuery(verdict, min(max(1, number), _LAST_PAGE))


def _import_url(draft: ImportDraft, verdict: str, page: int = 1) -> str:
    path = reverse("import_draft", args=[draft.pk])
    values = {"show": verdict, "page": str(page) if page > 1 else ""}
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{path}?{query}" if query else path


def unfinished_imports(drafts: Iterable[ImportDraft], user_time: UserTime) -> list[dict[str, Any]]:
    """The imports that wait for a decision."""
    return [
        {
            "pk": draft.pk,
            "words": render_html(
                say(_("Pasted {ago}"), ago=Moment(draft.created_at, MomentStyle.AGO)), user_time
            ),
        }
        for draft in drafts
    ]


def import_page_context(
    draft: ImportDraft,
    counts: Counter[tuple[str, str]],
    rows: Sequence[ImportDraftRow],
    query: ImportQuery,
    user_time: UserTime,
) -> dict[str, Any]:
    """The page for one moment; `rows` are those that are asked for.

    `counts` are the numbers of rows by their state and their save state.
    """
    verdict, page = query
    by_verdict, by_save_state = Counter[str](), Counter[str]()
    for (state, save_state), count in counts.items():
        by_verdict[state] += count
        by_save_state[save_state] += count
    working_count = by_verdict[ImportRowState.WORKS]
    matching_count = by_verdict[verdict] if verdict else by_verdict.total()
    pages = max(1, -(-matching_count // PAGE_SIZE))
    current_url = _import_url(draft, verdict, page)
    shown_rows = [(row.number, row.state, row.save_state, row.tested_at) for row in rows]
    progress = _import_progress(draft, by_verdict, by_save_state)
    save_options = [
        (state.value, save_option(state, by_verdict[state]))
        for state in _OPTIONAL_STATES
        if by_verdict[state]
    ]
    can_save = not progress["is_pending"] and bool(working_count or save_options)
    return progress | {
        "draft": draft,
        "expires": user_time.render_clock(draft.created_at + IMPORT_DRAFT_LIFETIME),
        "chips": _verdict_filter_chips(draft, by_verdict, verdict),
        "rows": [
            _import_table_row(row, user_time, can_choose=can_save and progress["is_open"])
            for row in rows
        ],
        "working_count": working_count,
        "save_label": ngettext("Save %(n)s key", "Save %(n)s keys", working_count)
        % {"n": format_number(working_count)},
        "save_options": save_options,
        "can_save": can_save,
        "retestable_count": by_verdict[ImportRowState.UNTESTED]
        + by_verdict[ImportRowState.REJECTED],
        "previous_href": _import_url(draft, verdict, page - 1) if page > 1 else "",
        "next_href": _import_url(draft, verdict, page + 1) if page < pages else "",
        "pages": _("Page %(page)s of %(pages)s")
        % {"page": format_number(page), "pages": format_number(pages)},
        "current_url": current_url,
        "digest": values_digest(draft.state, sorted(counts.items()), shown_rows, current_url),
    }


def similar_names_notice(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each new organisation that is nearly called like another."""
    return [render_text(similar_organisation_sentence(name, other)) for name, other in pairs]


def _import_progress(
    draft: ImportDraft, by_verdict: Counter[str], by_save_state: Counter[str]
) -> dict[str, Any]:
    """How many rows are tested; once the import is confirmed, how many are saved."""
    is_open = draft.state == ImportDraftState.OPEN
    if is_open:
        sentence = render_text(verification_progress(by_verdict))
        pending_count = by_verdict[ImportRowState.WAITING]
        untestable_count = by_verdict[ImportRowState.MALFORMED]
        untestable_count += by_verdict[ImportRowState.DUPLICATE]
        total = by_verdict.total() - untestable_count
    else:
        sentence = render_text(save_progress(by_save_state))
        pending_count = by_save_state[ImportSaveState.SAVING]
        total = pending_count + by_save_state[ImportSaveState.SAVED]
    return {
        "is_open": is_open,
        "sentence": sentence,
        "total": total,
        "finished": total - pending_count,
        "is_pending": pending_count > 0,
    }


def _import_table_row(
    row: ImportDraftRow, user_time: UserTime, *, can_choose: bool
) -> dict[str, Any]:
    state = ImportRowState(row.state)
    has_failed = state in _FAILED_STATES and bool(row.result_kind)
    is_malformed = state == ImportRowState.MALFORMED
    is_saved_here = row.save_state == ImportSaveState.SAVED and row.key_id and row.organisation
    return {
        "row": row,
        "is_new": row.organisation_id is None and not is_malformed and not row.save_state,
        "details": render_text(import_row_details(row)),
        "hint": "" if is_malformed else masked_secret(row),
        "environment": "" if row.environment == DEFAULT_ENVIRONMENT else row.environment,
        "verdict": VERDICT_WORDINGS[state],
        "words": render_html(verdict_sentences(row), user_time),
        "is_saved_here": is_saved_here,
        "choose_label": _CHOOSE_LABELS.get(state, "") if can_choose else "",
        "support_anchor": f"row-{row.number}",
        "support_text": import_row_support_text(row, now=user_time.now) if has_failed else "",
    }


def _verdict_filter_chips(
    draft: ImportDraft, by_verdict: Counter[str], verdict: str
) -> list[dict[str, Any]]:
    return [
        {
            "words": verdict_count(state, by_verdict[state]),
            "href": _import_url(draft, "" if verdict == state else state.value),
            "tone": wording.tone,
            "icon": wording.icon,
            "active": verdict == state,
        }
        for state, wording in VERDICT_WORDINGS.items()
        if by_verdict[state] or verdict == state
    ]

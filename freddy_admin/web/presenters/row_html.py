"""The HTML of one line of the overview.

In Python and not in a template: fifty lines of seventeen template variables were half of the
page's time. Every text from outside goes through `escape`.
"""

from collections.abc import Mapping
from html import escape

from django.utils.safestring import SafeString

from freddy_admin.web.presenters.rows import RowView


def row_html(
    row: RowView, *, labels: Mapping[str, str], sprite: str, alone: bool = False
) -> SafeString:
    """One `<tr>`; `alone` makes it find its own place in a page that is open already."""
    extra = " data-pending" if row.pending else ""
    extra += ' hx-swap-oob="morph"' if alone else ""
    pill = row.pill
    return SafeString(  # nosec B703
        f'<tr id="{row.anchor}" data-part="{row.anchor}" data-mark="{row.mark}" '
        f'data-news="{escape(row.news)}" class="tone-{pill.tone}"{extra}>\n'
        f'<td class="c-name"><a href="{escape(row.href)}">{escape(row.name)}</a>'
        f"{_label(row)}</td>\n"
        f'<td class="c-state"><span class="state tone-{pill.tone}">'
        f'<svg class="icon" aria-hidden="true"><use href="{sprite}#{pill.icon}"/></svg>'
        f"{escape(pill.word)}</span>{_small(row.note)}</td>\n"
        f"{_cell('last', labels, _time(row.last))}"
        f"{_cell('due', labels, _time(row.due))}"
        f"{_cell('tools', labels, escape(row.tools) + _small(row.tools_note))}"
        f"{_cell('checked', labels, _time(row.checked) + _small(row.checked_note))}"
        f"{_cell('owner', labels, escape(row.owner))}</tr>\n"
    )


def _cell(name: str, labels: Mapping[str, str], inner: str) -> str:
    return f'<td data-label="{escape(labels[name])}" class="c-{name}">{inner}</td>\n'


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _label(row: RowView) -> str:
    """Which of several keys, leading to its own page."""
    if not row.label:
        return ""
    return f'<small><a href="{escape(row.key_href)}">{escape(row.label)}</a></small>'


def _time(value: SafeString | str) -> str:
    return value if isinstance(value, SafeString) else escape(value)

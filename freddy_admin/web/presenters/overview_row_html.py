"""The HTML of one line of the overview.

In Python and not in a template: fifty lines of seventeen template variables were half of the
page's time. Every text from outside goes through `escape`.
"""

from collections.abc import Mapping
from html import escape

from django.utils.safestring import SafeString

from freddy_admin.web.presenters.key_rows import KeyTableRow


def render_overview_row(
    row: KeyTableRow, *, labels: Mapping[str, str], sprite: str, out_of_band: bool = False
) -> SafeString:
    """One `<tr>`; `out_of_band` makes htmx swap it into a page that is open already."""
    extra = " data-pending" if row.pending else ""
    extra += ' hx-swap-oob="morph"' if out_of_band else ""
    pill = row.pill
    checked = _escape_unless_safe(row.checked) + _render_small(row.checked_note)
    return SafeString(  # nosec B703
        f'<tr id="{row.anchor}" data-part="{row.anchor}" data-digest="{row.digest}" '
        f'data-news="{escape(row.announcement)}" class="tone-{pill.tone}"{extra}>\n'
        f'<td class="c-name"><a href="{escape(row.href)}">{escape(row.name)}</a>'
        f"{_render_key_label(row)}</td>\n"
        f'<td class="c-state"><span class="state tone-{pill.tone}">'
        f'<svg class="icon" aria-hidden="true"><use href="{sprite}#{pill.icon}"/></svg>'
        f"{escape(pill.word)}</span>{_render_small(row.note)}</td>\n"
        f"{_render_cell('last', labels, _escape_unless_safe(row.last))}"
        f"{_render_cell('due', labels, _escape_unless_safe(row.due))}"
        f"{_render_cell('tools', labels, escape(row.tools) + _render_small(row.tools_note))}"
        f"{_render_cell('checked', labels, checked)}"
        f"{_render_cell('owner', labels, escape(row.owner))}</tr>\n"
    )


def _render_cell(name: str, labels: Mapping[str, str], inner: str) -> str:
    return f'<td data-label="{escape(labels[name])}" class="c-{name}">{inner}</td>\n'


def _render_small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _render_key_label(row: KeyTableRow) -> str:
    """Which of several keys, leading to its own page."""
    if not row.label:
        return ""
    return f'<small><a href="{escape(row.key_href)}">{escape(row.label)}</a></small>'


def _escape_unless_safe(value: SafeString | str) -> str:
    return value if isinstance(value, SafeString) else escape(value)

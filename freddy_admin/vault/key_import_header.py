"""The header of an import: which columns there are, and whose file it is if it is another's."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

COLUMNS: Final = ("organisation", "label", "api_key", "organization_id", "tags")
EXTRA_COLUMNS: Final = ("owner", "expires_on", "grace_minutes", "environment")
_BETWEEN_WORDS: Final = re.compile(r"[\s-]+")
# More than any program exports; what is beyond is not worked on.
_MAX_HEADS: Final = 60
_MAX_HEAD_LENGTH: Final = 200
_FURTHER_HEADS: Final = "…"  # the name of no column
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
# Columns by which an export is recognised, and the one of them that holds the secret.
_EXPORTS: Final[Sequence[tuple[str, frozenset[str], str]]] = (
    ("Bitwarden", frozenset({"login_username", "login_password"}), "login_password"),
    ("LastPass", frozenset({"password", "extra", "grouping"}), "password"),
    ("KeePassXC", frozenset({"group", "title", "password"}), "password"),
    ("KeePass", frozenset({"account", "login_name", "password"}), "Password"),
    ("1Password", frozenset({"title", "password", "archived"}), "Password"),
    ("1Password", frozenset({"title", "website", "password"}), "Password"),
    ("Apple Passwords", frozenset({"title", "url", "password", "otpauth"}), "Password"),
    ("Dashlane", frozenset({"username2", "password"}), "password"),
    ("Proton Pass", frozenset({"vault", "password"}), "password"),
    ("NordPass", frozenset({"cardholdername", "password"}), "password"),
    ("Firefox", frozenset({"password", "formactionorigin"}), "password"),
    ("Chrome", frozenset({"name", "url", "password"}), "password"),
    ("", frozenset({"password"}), "password"),
)
# How texts begin that are no table.
_TEXT_KINDS: Final = (
    (re.compile(r"\{\\rtf"), gettext_noop("a formatted text (RTF)")),
    (re.compile(r"\{\s*[\"}]|\[\s*[\"{\[\]]"), gettext_noop("JSON")),
    (re.compile(r"<"), gettext_noop("XML or a web page")),
    (re.compile(r">"), gettext_noop("a quoted mail")),
    (re.compile(r"```"), gettext_noop("a block of a chat or a wiki, between ```")),
    (re.compile(r"---\s|-\s+\w{1,40}:"), gettext_noop("YAML")),
    (
        re.compile(r"(?:export[ ]+)?[A-Za-z_][A-Za-z0-9_]{0,80}[ ]?=[ ]?[^\s=]"),
        gettext_noop("a file of settings, with lines NAME=value"),
    ),
    (re.compile(r"-----BEGIN "), gettext_noop("a certificate or an encrypted file")),
)


class UnreadableFile(Exception):
    """Why nothing of a file can be read; `number` is the line it is about."""

    def __init__(self, problem: str, *, number: int = 1) -> None:
        super().__init__(problem)
        self.problem, self.number = problem, number


def unreadable_file(reason: str, *, number: int = 1) -> UnreadableFile:
    """The refusal of a file, which says why and how to make the right columns."""
    return UnreadableFile(
        _("%(reason)s; the first row must be the header %(header)s")
        % {"reason": reason, "header": ",".join(COLUMNS)},
        number=number,
    )


def head_normalize(cell: str) -> str:
    """A head as columns are compared: lower case, without quotes, with `_` between words."""
    visible = "".join(
        character
        for character in cell[:_MAX_HEAD_LENGTH]
        if unicodedata.category(character) not in {"Cf", "Cc"}
    )
    return _BETWEEN_WORDS.sub("_", visible.strip().strip(_QUOTES).strip().casefold())


def heads_normalize(cells: Sequence[str]) -> tuple[str, ...]:
    """The first heads of a row, without empty ones behind the last."""
    heads = [head_normalize(cell) for cell in cells[:_MAX_HEADS]]
    if any(map(str.strip, cells[_MAX_HEADS:])):
        heads.append(_FURTHER_HEADS)
    while heads and not heads[-1]:
        heads.pop()
    return tuple(heads)


def heads_known_count(heads: Sequence[str]) -> int:
    """How many of these heads are names of columns."""
    return len({*heads} & {*COLUMNS, *EXTRA_COLUMNS})


def header_validate(heads: Sequence[str], *, text: str, number: int) -> None:
    """Raise UnreadableFile, naming the right header, unless these are the heads of an import.

    `text` is the file's; no part of it but a known name is repeated, for it may be a key.
    """
    if tuple(heads[: len(COLUMNS)]) != COLUMNS:
        raise _wrong_header(heads, text, number)
    extra_heads = heads[len(COLUMNS) :]
    if len({*extra_heads}) < len(extra_heads):
        raise unreadable_file(_("a column stands in the header twice"), number=number)
    unknown_numbers = [
        str(place)
        for place, head in enumerate(extra_heads, start=len(COLUMNS) + 1)
        if head not in EXTRA_COLUMNS
    ]
    if unknown_numbers:
        raise unreadable_file(
            _(
                "column %(numbers)s is none that can be read: take it out, or call it one of "
                "%(columns)s"
            )
            % {"numbers": ", ".join(unknown_numbers), "columns": ", ".join(EXTRA_COLUMNS)},
            number=number,
        )


def _wrong_header(heads: Sequence[str], text: str, number: int) -> UnreadableFile:
    # What stands above the table of some exports (a title, a preamble) tells nothing of its kind.
    columns = {*heads}
    for program, marks, secret_column in _EXPORTS:
        if marks <= columns:
            return _export_refusal(program, secret_column, number)
    kind = next((name for pattern, name in _TEXT_KINDS if pattern.match(text.lstrip())), "")
    if kind:
        return unreadable_file(
            _("this is %(kind)s, not a table: make one in a spreadsheet and save it as “CSV UTF-8”")
            % {"kind": _(kind)},
            number=number,
        )
    if len(heads) == 1 and all(column in heads[0] for column in COLUMNS):
        return unreadable_file(
            _("all columns stand in one cell: split them, in Excel by “Data”, “Text to Columns”"),
            number=number,
        )
    if any(heads.count(column) > 1 for column in COLUMNS):
        return unreadable_file(_("a column stands in the header twice"), number=number)
    if {*COLUMNS} <= columns:
        return unreadable_file(
            _("the columns stand in another order: put these five in front"), number=number
        )
    missing = [column for column in COLUMNS if column not in columns]
    if len(missing) < len(COLUMNS):
        reason = ngettext(
            "the column %(missing)s is missing", "the columns %(missing)s are missing", len(missing)
        )
        return unreadable_file(reason % {"missing": ", ".join(missing)}, number=number)
    return UnreadableFile(
        _("the first row must be the header %(header)s") % {"header": ",".join(COLUMNS)},
        number=number,
    )


def _export_refusal(program: str, secret_column: str, number: int) -> UnreadableFile:
    reason = _(
        "this is an export of %(program)s, which holds passwords: make a table of its own, with "
        "the customer's name in organisation, a short name in label and “%(column)s” in api_key, "
        "and delete the export"
    ) % {"program": program or _("a password manager"), "column": secret_column}
    return unreadable_file(reason, number=number)

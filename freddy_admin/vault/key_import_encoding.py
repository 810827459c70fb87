"""Decodes the file of an import; a file of another kind or encoding is named for what it is."""

import re
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import gettext_noop

from freddy_admin.vault.key_import_header import UnreadableFile, unreadable_file

_SAMPLE_LENGTH: Final = 4_096
# Above this share of control bytes a file is no text. A damaged text has one or two.
_MAX_CONTROL_SHARE: Final = 0.05
# More than this share of NULs at even or at odd places: each character has two bytes.
_MIN_NUL_SHARE: Final = 0.4
# The rest of such a text are NULs and ASCII, but for letters with accents.
_MIN_WIDE_TEXT_SHARE: Final = 0.9
_CONTROL_BYTES: Final = bytes(set(range(32)) - set(b"\t\n\r\x1b"))
_OFFICE_ADVICE: Final = _l(
    "choose “Save as” and “CSV UTF-8” there, or copy the cells and paste them"
)
# The first bytes of files that are no text. Of a zip archive the names in it say what it is.
_SIGNATURES: Final[Sequence[tuple[bytes, bytes, str]]] = (
    (b"PK\x03\x04", b"xl/", gettext_noop("an Excel workbook (.xlsx)")),
    (b"PK\x03\x04", b"opendocument.spreadsheet", gettext_noop("an OpenDocument table (.ods)")),
    (b"PK\x03\x04", b"export.data", gettext_noop("an export of 1Password (.1pux)")),
    (b"PK\x03\x04", b"[Content_Types].xml", gettext_noop("an Office document (.xlsx or .docx)")),
    (b"PK\x03\x04", b"Index/", gettext_noop("a Numbers table (.numbers)")),
    (b"PK", b"", gettext_noop("a zip archive")),
    (b"\xd0\xcf\x11\xe0", b"", gettext_noop("an old or a protected Excel workbook (.xls)")),
    (b"\x03\xd9\xa2\x9a", b"", gettext_noop("a database of KeePass (.kdbx)")),
    (b"%PDF", b"", gettext_noop("a PDF")),
    (b"\x1f\x8b", b"", gettext_noop("a gzip archive")),
    (b"7z\xbc\xaf", b"", gettext_noop("a 7-Zip archive")),
    (b"Rar!", b"", gettext_noop("a RAR archive")),
    (b"SQLite format 3\x00", b"", gettext_noop("a SQLite database")),
    (b"\x89PNG", b"", gettext_noop("a picture")),
    (b"\xff\xd8\xff", b"", gettext_noop("a picture")),
    (b"GIF8", b"", gettext_noop("a picture")),
)
_UTF32_BOMS: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_WESTERN: Final = "äöüßéèêëáàâãåæçñíìîïóòôõøœúùûýÿ"
_CENTRAL: Final = "äöüßáčďéěíľňóôřšťúůýžąćęłńśźżőűăâîșţş"
# Codecs in the order in which equally good ones are named, and the letters each is used for.
_CODECS: Final = (
    ("cp1252", "Windows-1252", re.compile(f"[{_WESTERN}]")),
    ("mac_roman", "Mac Roman", re.compile(f"[{_WESTERN}]")),
    ("cp850", "DOS (code page 850)", re.compile(f"[{_WESTERN}]")),
    ("cp1250", "Windows-1250", re.compile(f"[{_CENTRAL}]")),
    ("cp1251", "Windows-1251", re.compile("[\u0430-\u044f\u0451]")),
    ("shift_jis", "Shift-JIS", re.compile("[ぁ-ヿ一-鿿]")),
    ("gb18030", "GB 18030", re.compile("[一-鿿]")),
    ("big5", "Big5", re.compile("[一-鿿]")),
    ("euc_kr", "EUC-KR", re.compile("[가-힣]")),
)
_MULTIBYTE: Final = frozenset({"shift_jis", "gb18030", "big5", "euc_kr"})
_WORD_START: Final = re.compile(r"\b\w")
_HIGH_BYTES: Final = re.compile(rb"[\x80-\xff]+")
# A capital or a sign in the middle of a text is less likely than a letter of everyday use.
_UNCOMMON_WEIGHT: Final = 0.4
_MIN_SCORE: Final = 0.7


def import_file_decode(data: bytes) -> str:
    """The text of UTF-8, with or without BOM, or of UTF-16 with BOM.

    Bytes that are not UTF-8 become lone surrogates, so that their row can be reported. Raises
    UnreadableFile for what is no text, or a text of another encoding as a whole.
    """
    for signature, mark, name in _SIGNATURES:
        if (
            data.startswith(signature)
            and mark in data[: _SAMPLE_LENGTH * 4] + data[-_SAMPLE_LENGTH:]
        ):
            raise unreadable_file(
                _("this is %(kind)s, not text: %(advice)s")
                % {"kind": _(name), "advice": _OFFICE_ADVICE}
            )
    if data.startswith(_UTF32_BOMS):
        raise _wrong_encoding("UTF-32")
    if data.startswith(_UTF16_BOMS):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise unreadable_file(
                _("the file begins as UTF-16, but is damaged: save it again as “CSV UTF-8”")
            ) from None
    _bytes_validate_text(data[:_SAMPLE_LENGTH])
    return data.decode("utf-8-sig", errors="surrogateescape")


def encoding_guess(data: bytes) -> str:
    """The name of the encoding that bytes which are not UTF-8 most likely have; "" if unclear."""
    runs = _HIGH_BYTES.findall(data)
    if not runs:
        return ""
    lines = [line for line in data[: 64 * _SAMPLE_LENGTH].splitlines() if _HIGH_BYTES.search(line)]
    sample = b"\n".join(lines[:50])
    # Letters with accents stand alone between others; other scripts write in long runs.
    is_accented = sum(map(len, runs)) / len(runs) < 2
    best_score, best_name = 0.0, ""
    for codec, name, letters in _CODECS:
        is_of_accents = codec not in _MULTIBYTE and codec != "cp1251"
        if is_of_accents == is_accented and (score := _codec_score(sample, codec, letters)):
            best_score, best_name = max(
                (best_score, best_name), (score, name), key=lambda it: it[0]
            )
    return best_name if best_score >= _MIN_SCORE else ""


def _codec_score(sample: bytes, codec: str, letters: re.Pattern[str]) -> float:
    """How many of the text's letters beyond ASCII this encoding is used for, from 0 to 1."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        return 0.0
    text = _WORD_START.sub(lambda match: match[0].lower(), text)
    foreign = [character for character in text if not character.isascii()]
    weights = [
        1.0
        if letters.fullmatch(character)
        else _UNCOMMON_WEIGHT * bool(letters.fullmatch(character.lower()))
        for character in foreign
    ]
    return sum(weights) / len(weights) if weights else 0.0


def _bytes_validate_text(sample: bytes) -> None:
    half_length = len(sample) // 2
    nul_shares = [sample[start::2].count(0) / half_length for start in (0, 1) if half_length]
    control_count = len(sample) - len(sample.translate(None, _CONTROL_BYTES))
    text_count = len(re.findall(rb"[\t\n\r -~]", sample))
    if (
        nul_shares
        and max(nul_shares) > _MIN_NUL_SHARE
        and text_count + sample.count(0) >= _MIN_WIDE_TEXT_SHARE * len(sample)
    ):
        is_wide = min(nul_shares) > _MIN_NUL_SHARE
        raise _wrong_encoding(
            _("UTF-32 without its mark") if is_wide else _("UTF-16 without its mark (BOM)")
        )
    if control_count > _MAX_CONTROL_SHARE * len(sample):
        raise unreadable_file(_("this is not a text file: save the table as “CSV UTF-8”"))


def _wrong_encoding(name: str) -> UnreadableFile:
    return unreadable_file(
        _("the file is %(encoding)s, not UTF-8: save it as “CSV UTF-8”") % {"encoding": name}
    )

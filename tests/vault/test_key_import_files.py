"""Files as spreadsheets, password managers and people make them: read, or refused for a cause."""

import io
import time
import zipfile

import pytest

from freddy_admin.vault.key_import_csv import COLUMNS, EXTRA_COLUMNS, CsvFile, csv_file_parse
from tests.drill_scale import drill_count
from tests.vault.import_draft_data import secret

HEADER = ",".join(COLUMNS)
ONE, TWO = secret("one"), secret("two")
ROWS = f"Acme,Main,{ONE},org_1,eu|beta\nBolt,Main,{TWO},,\n"
TABLE = f"{HEADER}\n{ROWS}"
TABS = TABLE.replace(",", "\t")


def _archive(*names: str, first: tuple[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in [first] if first else []:
            archive.writestr(name, data)
        for name in names:
            archive.writestr(name, b"<xml/>")
    return file.getvalue()


READ_FILES = {
    "CSV UTF-8 of Excel": b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode(),
    "CSV of a German Excel": TABLE.replace(",", ";").replace("\n", "\r\n").encode(),
    "Unicode text of Excel": TABS.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16 big-endian": ("\ufeff" + TABLE).encode("utf-16-be"),
    "cells copied from a spreadsheet": TABS.encode(),
    "first line sep=;": ("sep=;\r\n" + TABLE.replace(",", ";")).encode(),
    "first line sep=, in quotes": ('"sep=,"\n' + TABLE).encode(),
    "first line SEP= and a tab": ("SEP=\t\n" + TABS).encode(),
    "a first line that names another separator": ("sep=;\n" + TABLE).encode(),
    "blank lines above, between and below": f"\n\n{HEADER}\n\n{ROWS}\n\n\n".encode(),
    "empty columns behind each row": TABLE.replace("\n", ",,,\n").encode(),
    "empty rows of a used range": (TABLE + ",,,,\n" * 20).encode(),
    "all cells in quotes": "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in TABLE.splitlines()
    ).encode(),
    "quotes with blanks around them": "\n".join(
        " , ".join(f'"{cell}"' for cell in line.split(",")) + " " for line in TABLE.splitlines()
    ).encode(),
    "cells as formulas": TABLE.replace(ONE, f'="{ONE}"').replace(TWO, f'"=""{TWO}"""').encode(),
    "heads in capitals with blanks": TABLE.replace(HEADER, HEADER.upper().replace(",", " , "))
    .replace("ORGANIZATION_ID", "Organization ID")
    .replace("API_KEY", "API key")
    .encode(),
    "two files joined": (
        TABLE.split("Bolt", maxsplit=1)[0] + TABLE.replace(ONE, TWO).split("Bolt")[0]
    ).encode(),
    "old Macintosh line endings": TABLE.replace("\n", "\r").encode(),
    "keys in typographic quotes": TABLE.replace(ONE, f"“{ONE}”").replace(TWO, f"„{TWO}“").encode(),
    "keys with no-break and zero-width characters around": TABLE.replace(ONE, f"\u00a0{ONE}\u200b")
    .replace(TWO, f"\ufeff{TWO}\u2060\u202f")
    .encode(),
    "a second BOM": ("\ufeff\ufeff" + TABLE).encode(),
    "the end-of-file sign of DOS, and a line end": (TABLE + "\x1a\r\n").encode(),
}


@pytest.mark.parametrize("name", READ_FILES)
def test_a_real_file_is_read(name: str) -> None:
    file = csv_file_parse(READ_FILES[name])
    assert [line.problem for line in file.lines] == ["", ""]
    assert [row.secret for row in file.rows] == [ONE, TWO]
    assert file.rows[0].label == "Main"
    assert file.rows[0].organisation == "Acme"
    assert file.rows[0].tags == ("eu", "beta")


PASSWORD = "hunter2-of-the-bank"
REFUSED_FILES = {
    "1Password": (
        f"Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\nAcme,,,{PASSWORD},,,,,",
        "1Password",
    ),
    "Bitwarden": (
        (
            "folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,"
            f"login_totp\n,,login,Acme,,,0,,ada,{PASSWORD},"
        ),
        "Bitwarden",
    ),
    "LastPass": (
        f"url,username,password,totp,extra,name,grouping,fav\nhttps://a,ada,{PASSWORD},,,A,,0",
        "LastPass",
    ),
    "KeePass": (
        f'"Account","Login Name","Password","Web Site","Comments"\n"A","ada","{PASSWORD}","",""',
        "KeePass",
    ),
    "KeePassXC": (
        f'"Group","Title","Username","Password","URL","Notes"\n"Root","A","ada","{PASSWORD}","",""',
        "KeePassXC",
    ),
    "Chrome": (f"name,url,username,password,note\nA,https://a,ada,{PASSWORD},", "Chrome"),
    "Firefox": (
        (
            '"url","username","password","httpRealm","formActionOrigin","guid"\n'
            f'"https://a","ada","{PASSWORD}","","",""'
        ),
        "Firefox",
    ),
    "Safari": (f"Title,URL,Username,Password,Notes,OTPAuth\nA,https://a,ada,{PASSWORD},,", "Apple"),
    "AWS": (
        f"User name,Password,Access key ID,Secret access key\nada,,AKIA1,{PASSWORD}",
        "password manager",
    ),
    "JSON of Bitwarden": (
        f'{{"encrypted": false, "items": [{{"password": "{PASSWORD}"}}]}}',
        "JSON",
    ),
    "XML of KeePass": (f'<?xml version="1.0"?><KeePassFile>{PASSWORD}</KeePassFile>', "XML"),
    "formatted text": (f"{{\\rtf1 {HEADER} {PASSWORD}}}", "RTF"),
    "no header": (f"Acme,Main,{ONE},,", "the first row must be"),
    "a column is missing": (f"organisation,api_key\nAcme,{ONE}", "label, organization_id, tags"),
    "another order": (
        f"label,organisation,api_key,organization_id,tags\nMain,Acme,{ONE},,",
        "order",
    ),
    "all in one cell": ("\n".join(f'"{line}"' for line in TABLE.splitlines()), "in one cell"),
    "an unknown column": (f"{HEADER},colour\nAcme,Main,{ONE},,,red", "column 6"),
    "a table of INI or TOML": (f'[acme]\napi_key = "{ONE}"', "the first row must be"),
    "one of the five twice": (
        f"organisation,label,api_key,api_key,organization_id,tags\nAcme,Main,{ONE},{ONE},,",
        "twice",
    ),
    "a column twice": (f"{HEADER},owner,Owner\nAcme,Main,{ONE},,,,", "twice"),
    "only lines of an environment": (f"AITRONOS_API_KEY={ONE}", "lines NAME=value"),
    "exported variables": (f"export ACME='{ONE}'\nexport BOLT='{TWO}'", "lines NAME=value"),
    "a list of YAML": (f"- organisation: Acme\n  api_key: {ONE}\n", "YAML"),
    "a document of YAML": (f"---\nkeys:\n  - {ONE}\n", "YAML"),
    "a quoted mail": ("> " + TABLE.replace("\n", "\n> "), "a quoted mail"),
    "a block of a chat": (f"```\n{TABLE}```", "a block of a chat"),
    "keys alone, with padding": (f"{ONE}==\n{TWO}==", "the first row must be"),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_a_foreign_table_is_refused_with_the_cause_and_the_right_header(name: str) -> None:
    text, words = REFUSED_FILES[name]
    file = csv_file_parse(text.encode())
    assert file.rows == ()
    assert words in file.file_problem
    assert HEADER in file.file_problem
    assert PASSWORD not in repr(file) + file.file_problem
    assert ONE not in repr(file) + file.file_problem
    assert not file.holds_no_secret


BINARY_FILES = {
    "xlsx": (_archive("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), "Excel workbook"),
    "ods": (
        _archive(
            "content.xml", first=("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")
        ),
        "OpenDocument",
    ),
    "1pux": (_archive("export.attributes", "export.data"), "1Password"),
    "zip": (_archive("keys.csv"), "zip archive"),
    "docx": (_archive("[Content_Types].xml", "word/document.xml"), "Office document"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "Excel workbook"),
    "kdbx": (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5" + bytes(100), "KeePass"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip"),
    "picture": (b"\x89PNG\r\n\x1a\n", "picture"),
    "sqlite": (b"SQLite format 3\x00" + bytes(80), "SQLite"),
    "bytes": (bytes(range(256)) * 8, "not a text file"),
    "UTF-32": (TABLE.encode("utf-32"), "UTF-32"),
    "UTF-16 without BOM": (TABLE.encode("utf-16-le"), "UTF-16 without its mark"),
    "UTF-16 big-endian without BOM": (TABLE.encode("utf-16-be"), "UTF-16 without its mark"),
    "UTF-16 cut off": (TABLE.encode("utf-16")[:-1], "UTF-16, but is damaged"),
}


@pytest.mark.parametrize("name", BINARY_FILES)
def test_a_file_that_is_no_utf_8_text_is_named_for_what_it_is(name: str) -> None:
    data, words = BINARY_FILES[name]
    [line] = csv_file_parse(data).lines
    assert words in line.problem
    assert "CSV UTF-8" in line.problem
    assert HEADER in line.problem


@pytest.mark.parametrize(
    ("codec", "organisation", "encoding"),
    [
        ("cp1252", "Müller & Söhne", "Windows-1252"),
        ("latin-1", "Crédit Agricole à Nîmes", "Windows-1252"),
        ("mac_roman", "Müller & Söhne", "Mac Roman"),
        ("cp850", "Müller & Söhne", "DOS"),
        ("cp1250", "Škoda Plzeň, Łódź", "Windows-1250"),
        ("cp1251", "Москва Сервис", "Windows-1251"),
        ("shift_jis", "さくら銀行カード", "Shift-JIS"),
        ("gb18030", "北京市中国银行有限公司", "GB 18030"),
    ],
)
def test_another_encoding_is_named_with_the_row(
    codec: str, organisation: str, encoding: str
) -> None:
    text = f'{HEADER}\nAcme,Main,{ONE},,\n"{organisation}",Main,{TWO},,\n'
    first_line, second_line = csv_file_parse(text.encode(codec)).lines
    assert first_line.problem == ""
    assert second_line.number == 3
    assert encoding in second_line.problem
    assert "CSV UTF-8" in second_line.problem


def _lines(*rows: str, header: str = HEADER) -> CsvFile:
    return csv_file_parse("\n".join([header, *rows]).encode())


def test_line_breaks_and_tabs_inside_a_name_are_folded() -> None:
    [row] = _lines(f'"Acme\r\nCorp","Main\n\tfloor",{ONE},,').rows
    assert (row.organisation, row.label) == ("Acme Corp", "Main floor")


def test_a_table_in_other_quotation_marks_is_refused_for_that() -> None:
    text = "\n".join(
        ",".join(f"'{cell}'" for cell in line.split(",")) for line in TABLE.splitlines()
    )
    file = csv_file_parse(text.encode())
    assert "quotation marks" in file.file_problem


def test_utf_16_without_its_mark_is_named_although_it_holds_letters_with_accents() -> None:
    text = TABLE.replace("Acme", "Müller & Söhne")
    assert "UTF-16 without its mark" in csv_file_parse(text.encode("utf-16-le")).file_problem


def test_padding_at_the_end_of_a_key_is_part_of_it() -> None:
    rows = _lines(f"Acme,A,{ONE}=,,", f"Acme,B,{TWO}==,,").rows
    assert [row.secret for row in rows] == [f"{ONE}=", f"{TWO}=="]


def test_a_key_cleaned_two_ways_is_the_same_key_twice() -> None:
    assert "row 2" in _lines(f"Acme,A,{ONE},,", f"Acme,B,“{ONE}”,,").lines[1].problem


def test_an_unclosed_quotation_mark_loses_its_own_row_alone() -> None:
    file = _lines(f'Acme,"Main,{ONE},,', f"Bolt,Main,{TWO},,")
    assert [line.number for line in file.lines] == [2, 3]
    assert "not closed" in file.lines[0].problem
    assert file.lines[1].problem == ""


def test_rows_are_named_by_their_line_behind_a_cell_of_several_lines() -> None:
    file = _lines(f'"Ac\nme",Main,{ONE},,', f"Bolt,,{TWO},,")
    assert [line.number for line in file.lines] == [2, 4]
    assert file.lines[1].problem.startswith("label:")


def test_a_header_in_a_later_line_is_named_with_it() -> None:
    [line] = csv_file_parse(f"\nsep=;\norganisation;label\nAcme;{ONE}".encode()).lines
    assert line.number == 3


@pytest.mark.parametrize(
    "name",
    [
        "کند\u200cتر",
        "👩\u200d🚀 Rockets",
        "O\u2019Neil “Best” GmbH",
        "Zürich\u00a0AG",
        "日本　銀行",
        "𠮷野家",
        "a\u0323\u0302",
        "\ue000 Private",
    ],
)
def test_no_character_of_a_valid_name_is_reported_as_damaged(name: str) -> None:
    file = _lines(f"{name},{name},{ONE},,", f"{name},{name},,,")
    for line in file.lines:
        assert "\ufffd" not in str(line)
        assert "…" not in str(line)
    assert file.lines[0].problem == ""


def test_a_name_that_lost_a_character_earlier_is_refused() -> None:
    [line] = _lines(f"M\ufffdller,Main,{ONE},,").lines
    assert "organisation: a character was lost" in line.problem


def test_spaces_in_names_are_folded() -> None:
    [row] = _lines(f"Acme \u00a0 Inc,Main\u2003key,{ONE},,eu  west").rows
    assert (row.organisation, row.label, row.tags) == ("Acme Inc", "Main key", ("eu west",))


def test_details_are_read_in_any_order_behind_the_five() -> None:
    header = f"{HEADER},Grace Minutes,OWNER,environment,expires_on"
    rows = _lines(
        f"Acme,Main,{ONE},,,90,Ada@Example.ORG,default,2026-12-31",
        f"Acme,Two,{TWO},,,90.0,,,31.12.2026",
        header=header,
    ).rows
    assert [(row.grace_minutes, row.owner) for row in rows] == [(90, "ada@example.org"), (90, "")]
    assert {str(row.expires_on) for row in rows} == {"2026-12-31"}


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("owner", "Ada", "owner: "),
        ("owner", "ada\u200b@example.org", "invisible"),
        ("expires_on", "12/31/2026", "2026-12-31"),
        ("expires_on", "2026-02-30", "2026-12-31"),
        ("expires_on", "1999-01-01", "between the years"),
        ("grace_minutes", "an hour", "whole number"),
        ("grace_minutes", "-5", "whole number"),
        ("grace_minutes", "0", "between 1 minute"),
        ("grace_minutes", "99999999999", "whole number"),
    ],
)
def test_a_detail_that_cannot_be_read_says_why(column: str, cell: str, words: str) -> None:
    assert column in EXTRA_COLUMNS
    [line] = _lines(f"Acme,Main,{ONE},,,{cell}", header=f"{HEADER},{column}").lines
    assert line.problem.startswith(f"{column}: ")
    assert words in line.problem


@pytest.mark.parametrize(
    ("text", "holds_no_secret"),
    [
        ("organisation,label,apikey,organization_id,tags", True),
        ("Organization;Label;Key", True),
        (f"organisation,label\nAcme,{ONE}", False),
        (ONE, False),
        ("organisation,label\n\nsecret", False),
    ],
)
def test_only_a_header_alone_may_be_shown_again(text: str, holds_no_secret: bool) -> None:
    assert csv_file_parse(text.encode()).holds_no_secret is holds_no_secret


def _read_seconds(row_count: int) -> float:
    rows = [
        f'"Acme {number % 900}" , Key {number} ,="{secret(str(number))}",org_{number},eu|beta'
        for number in range(row_count)
    ]
    data = "\n".join([HEADER, *rows]).encode("utf-16")
    started = time.process_time()
    assert len(csv_file_parse(data).rows) == row_count
    return time.process_time() - started


@pytest.mark.drill
def test_reading_many_rows_takes_time_that_grows_as_their_number() -> None:
    row_count = drill_count(50_000)
    few_seconds = min(_read_seconds(row_count // 10) for _repeat in range(3))
    assert _read_seconds(row_count) < 30 * few_seconds

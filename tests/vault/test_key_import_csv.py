"""The CSV of `import_keys`: a report per row, and no rows to save unless all are valid."""

import pytest

from freddy_admin.vault import key_import_csv
from freddy_admin.vault.key_import_csv import COLUMNS, CsvFile, csv_file_parse
from tests.vault.conftest import OTHER_SECRET, SECRET

HEADER = ",".join(COLUMNS)


def _read(*rows: str, header: str = HEADER) -> CsvFile:
    return csv_file_parse("\n".join([header, *rows]).encode())


def _problem(row: str) -> str:
    file = _read(row)
    assert file.rows == ()
    assert file.malformed_count == 1
    return file.lines[-1].problem


def test_a_valid_row_is_parsed() -> None:
    file = _read(f" Alder , Main ,{SECRET}, org_1 , eu|beta||eu ")
    [row] = file.rows
    assert (row.number, row.organisation, row.label, row.secret) == (2, "Alder", "Main", SECRET)
    assert (row.organization_id, row.tags) == ("org_1", ("eu", "beta"))
    assert str(file.lines[0]) == "row 2 (Alder · Main): ok"


def test_the_last_two_cells_may_be_empty() -> None:
    [row] = _read(f"Alder,Main,{SECRET},,").rows
    assert (row.organization_id, row.tags) == ("", ())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_bom_semicolons_and_line_endings_of_spreadsheets_are_accepted(
    mark: bytes, delimiter: str, ending: str
) -> None:
    rows = [delimiter.join(COLUMNS), delimiter.join(["Alder", "Main", SECRET, "", "eu"]), ""]
    [row] = csv_file_parse(mark + ending.join(rows).encode()).rows
    assert (row.organisation, row.secret, row.tags) == ("Alder", SECRET, ("eu",))


def test_a_comma_in_a_file_of_semicolons_and_in_quotation_marks_is_text() -> None:
    [comma_row] = _read(f"Alder, Inc;Main;{SECRET};;", header=";".join(COLUMNS)).rows
    [quoted_row] = _read(f'"Alder, ""Inc""",Main,{SECRET},,').rows
    assert (comma_row.organisation, quoted_row.organisation) == ("Alder, Inc", 'Alder, "Inc"')


def test_the_case_of_the_header_does_not_matter() -> None:
    assert len(_read(f"Alder,Main,{SECRET},,", header=HEADER.upper()).rows) == 1


def test_empty_rows_are_passed_over_and_counted_as_the_spreadsheet_does() -> None:
    [row] = _read("", ",,,,", f"Alder,Main,{SECRET},,").rows
    assert row.number == 4


@pytest.mark.parametrize("name", ["=1+1", "+Alder", "-Alder", "@Alder", "Müller & Söhne", "北京"])
def test_names_of_any_script_and_ones_that_look_like_formulas_are_text(name: str) -> None:
    assert _read(f"{name},Main,{SECRET},,").rows[0].organisation == name


@pytest.mark.parametrize(
    "header",
    [
        "",
        "organisation,label,api_key",
        "organisation,label,api_key,organization_id,tags,more",
        "organization,label,api_key,organization_id,tags",
        "label,organisation,api_key,organization_id,tags",
        f"Alder,Main,{SECRET},,",
        '"organisation,label,api_key,organization_id,tags',
    ],
)
def test_a_wrong_header_is_refused_naming_the_right_one(header: str) -> None:
    file = _read(f"Alder,Main,{SECRET},,", header=header)
    assert file.rows == ()
    assert [line.number for line in file.lines] == [1 if header else 2]  # a blank line is none
    assert HEADER in file.lines[0].problem
    assert SECRET not in str(file)


def test_an_empty_file_has_no_header() -> None:
    assert HEADER in csv_file_parse(b"").lines[0].problem


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("Alder,Main", "2 cells instead of 5"),
        (f"Alder,Main,{SECRET}", "3 cells instead of 5"),
        (f"Alder,Main,{SECRET},,,x", "6 cells instead of 5"),
        (f",Main,{SECRET},,", "organisation:"),
        (f"Alder, ,{SECRET},,", "label:"),
        ("Alder,Main,,,", "api_key:"),
        ("Alder,Main,two words,,", "white space"),
        ("Alder,Main,ak\x00key,,", "no API key has"),
        ("Alder,Main,ak\x1bkey,,", "no API key has"),
        ('Alder,Main,"ak\nkey",,', "white space"),
        (f"Alder,Main,{'x' * 513},,", "longer than any"),
        (f"{'x' * 121},Main,{SECRET},,", "organisation:"),
        (f"Alder,{'x' * 81},{SECRET},,", "label:"),
        (f"Ac\x00me,Main,{SECRET},,", "organisation:"),
        (f"Ac\u202eme,Main,{SECRET},,", "organisation:"),
        (f"Alder,Main,{SECRET},{'x' * 65},", "organization_id:"),
        (f"Alder,Main,{SECRET},,{'x' * 41}", "tags:"),
        (f'Alder,"Ma"in,{SECRET},,', "quotation mark"),
        (f'Alder,"Main,{SECRET},,', "quotation mark"),
        (f"Alder,{'x' * 140_000},{SECRET},,", "far too long"),
        (f"Alder,{SECRET},{SECRET},,", "another column"),
    ],
)
def test_a_malformed_row_says_why(row: str, problem: str) -> None:
    assert problem in _problem(row)


def test_a_row_that_is_not_utf_8_is_reported_and_the_others_are_validated() -> None:
    rows = [HEADER, f"M\udcfcller,Main,{SECRET},,", f"Alder,Main,{OTHER_SECRET},,"]
    file = csv_file_parse("\n".join(rows).encode(errors="surrogateescape"))
    assert ["UTF-8" in line.problem for line in file.lines] == [True, False]
    assert file.rows == ()


def test_the_same_key_twice_is_malformed_even_for_two_organisations() -> None:
    file = _read(f"Alder,Main,{SECRET},,", f"Other,Main,{SECRET},,")
    assert [bool(line.problem) for line in file.lines] == [False, True]
    assert "row 2" in file.lines[1].problem
    assert file.rows == ()


def test_one_malformed_row_withholds_all_rows_and_each_is_reported() -> None:
    file = _read(f"Alder,Main,{SECRET},,", f"Alder,,{OTHER_SECRET},,", "Alder,Third,third-key,,")
    assert [bool(line.problem) for line in file.lines] == [False, True, False]
    assert file.malformed_count == 1
    assert file.rows == ()


@pytest.mark.parametrize(
    "row",
    [
        f"Alder,{SECRET},Main",
        f"Alder, Main {SECRET},,,,",
        f"Alder,,{SECRET},,",
        f"Alder,Main,{SECRET} {SECRET},,",
        f'Alder,"Main,{SECRET},,',
        f"Alder,x{SECRET},{SECRET},,",
        f"Alder,Main,{SECRET}\udcff,,",
    ],
)
def test_no_report_line_repeats_a_key_from_a_shifted_cell(row: str) -> None:
    file = csv_file_parse(f"{HEADER}\n{row}".encode(errors="surrogateescape"))
    assert file.malformed_count == 1
    assert SECRET[:8] not in "".join(str(line) for line in file.lines)
    assert SECRET[:8] not in repr(file)


def test_a_valid_file_shows_no_key_in_its_repr() -> None:
    assert SECRET[:8] not in repr(_read(f"Alder,Main,{SECRET},,"))


def test_long_and_odd_names_are_cut_and_cleaned_in_the_report() -> None:
    [line] = _read(f"{'x' * 121},\x1b[31mred,{SECRET},,").lines
    assert line.organisation == "x" * 60 + "…"
    assert line.label == "\ufffd[31mred"


def test_more_rows_than_50_000_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_import_csv.MAX_ROWS == 50_000
    monkeypatch.setattr(key_import_csv, "MAX_ROWS", 3)
    rows = [f"Alder,Key {number},ak_{number:08d},," for number in range(4)]
    assert len(_read(*rows[:3]).rows) == 3
    file = _read(*rows)
    assert file.rows == ()
    assert file.malformed_count == 1
    assert "more than 3 rows" in file.lines[-1].problem


def test_two_thousand_rows_are_parsed() -> None:
    rows = [f"Alder,Key {number},ak_{number:08d},org,eu|beta" for number in range(2000)]
    assert len(_read(*rows).rows) == 2000


def test_a_file_of_many_megabytes_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_import_csv, "MAX_BYTES", 100)
    [line] = csv_file_parse(b"x" * 101).lines
    assert "64 MB" in line.problem


@pytest.mark.parametrize(
    "row",
    [
        f"Alder,{SECRET},Main key,,",  # the key in the label's column
        f"{SECRET},Main,not a key,,",
        f"{SECRET},,{OTHER_SECRET},,",  # another column is wrong, too
        f"Alder,Main,{SECRET} and more,,",
        f"Alder,the key {SECRET},Main key,,",
        f"Alder,key {SECRET},{OTHER_SECRET},,{'x' * 41}",
        f"Alder,{SECRET[:15]}\u200b{SECRET[15:]},{OTHER_SECRET},,",
        f"{'x' * 121},{SECRET[:15]}\x1b{SECRET[15:]},{OTHER_SECRET},,",
        f"Alder,short-key-word,short-key-word,,{'x' * 41}",
        f"Alder,my short-key-word,short-key-word,,{'x' * 41}",
    ],
)
def test_a_key_in_the_wrong_column_is_not_repeated(row: str) -> None:
    [line] = _read(row).lines
    assert line.problem
    for excerpt in (SECRET[:12], SECRET[-12:], OTHER_SECRET, "short-key-word"):
        assert excerpt not in str(line)


@pytest.mark.parametrize("row", [f"{SECRET},Alder,Main,,", f"Alder,{SECRET},Main,,"])
def test_a_label_in_the_key_column_reveals_no_key_beside_it(row: str) -> None:
    file = _read(row, row.replace(SECRET, OTHER_SECRET))
    assert [bool(line.problem) for line in file.lines] == [True, True]
    for line in file.lines:
        assert SECRET[:12] not in str(line)
        assert OTHER_SECRET[:12] not in str(line)
    assert str(file.lines[1]).startswith("row 3: ")


def test_ordinary_names_are_reported() -> None:
    file = _read(
        f"Künstler-Genossenschaft,production-cluster-eu-west,{SECRET},,",
        f"Alder 2024 International Ltd,Main,{OTHER_SECRET},,{'x' * 41}",
    )
    assert file.lines[0].location == "row 2 (Künstler-Genossenschaft · production-cluster-eu-west)"
    assert file.lines[1].location == "row 3 (Alder 2024 International Ltd · Main)"


@pytest.mark.parametrize("piece", ["a", "\u0327", "a1", "|a"])
def test_an_overlong_cell_is_refused_without_validation(piece: str) -> None:
    cell = piece * (120_000 // len(piece))
    for column in range(len(COLUMNS)):
        cells = ["Alder", "Main", "oak_live_0123456789", "", ""]
        cells[column] = cell
        [line] = _read(",".join(cells)).lines
        assert "longer than 4,096 characters" in line.problem
        assert cell[:10] not in str(line)


def test_tags_are_counted_before_they_are_validated() -> None:
    row = f"Alder,Main,oak_live_0123456789,,{'a|' * 2_000}"
    assert _read(row).rows[0].tags == ("a",)
    many = "|".join(map(str, range(900)))
    assert "at most 20 tags" in _problem(f"Alder,Main,oak_live_0123456789,,{many}")

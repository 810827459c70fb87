"""What stands where a pasted key should: a key with something beside it, another cell, nothing."""

import pytest

from freddy_admin.vault.key_import_csv import COLUMNS, CsvFile, csv_file_parse
from tests.vault.import_draft_data import secret

ONE = secret("one")


def _row_parse(row: str) -> CsvFile:
    return csv_file_parse("\n".join([",".join(COLUMNS), row]).encode())


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (f"AITRONOS_API_KEY={ONE}", "NAME=KEY"),
        (f"export KEY='{ONE}'", "NAME=KEY"),
        (f"Bearer {ONE}", "such as Bearer"),
        (f"x-api-key: {ONE}", "such as Bearer"),
        (f"{ONE[:9]}\u200b{ONE[9:]}", "invisible"),
        (f"{ONE[:9]}\0{ONE[9:]}", "invisible"),
        (f"{ONE[:9]}\u2019{ONE[9:]}", "typographic"),
        (f"{ONE[:9]}\u00a0{ONE[9:]}", "white space"),
        ("api_key", "name of the column"),
    ],
)
def test_a_key_with_something_in_or_before_it_is_refused_with_what_is_wrong(
    cell: str, words: str
) -> None:
    [line] = _row_parse(f"Acme,Main,{cell},,").lines
    assert words in line.problem
    assert ONE[9:] not in str(line)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("oak_live_****************", "hidden"),
        ("oak_live_abcd...wxyz", "hidden"),
        ("oak_live_abcd…wxyz", "hidden"),
        ("oak_live_••••••••", "hidden"),
        ("########", "hidden"),
        ("#REF!", "spreadsheet"),
        ("#N/A", "spreadsheet"),
        ("1.23457E+18", "spreadsheet"),
        (f'"=HYPERLINK(""{ONE}"")"', "formula"),
        (f"https://docs.example.org/?key={ONE}", "address"),
        ("op://vault/item/field", "address"),
    ],
)
def test_what_stands_in_place_of_a_key_is_refused_for_what_it_is(cell: str, words: str) -> None:
    [line] = _row_parse(f"Acme,Main,{cell},,").lines
    assert words in line.problem


@pytest.mark.parametrize(
    "row",
    [
        f"Acme,{ONE},Main,,",
        f"Acme, Inc.,Main,{ONE},,",
        f"Acme,Main, Berlin,{ONE},org_1,",
        f"Acme,Main,Berlin,,{ONE}",
        f"Acme,Main,Berlin,,eu|{ONE}",
    ],
)
def test_a_key_in_another_column_is_refused_and_not_repeated(row: str) -> None:
    file = _row_parse(row)
    [line] = file.lines
    assert "right order" in line.problem
    assert "comma" in line.problem
    # Or it would be stored, and shown, as an id of an organisation or as a tag.
    assert file.rows == ()
    assert ONE not in repr(file)

"""`import_keys`: all of the file, or nothing of it."""

from pathlib import Path

import pytest

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.ops.conftest import HEADER, ImportFile, Run, secret

pytestmark = pytest.mark.django_db
ONE, TWO = secret(seed="one"), secret(seed="two")


def test_each_row_is_reported_and_stored(run: Run, key_file: ImportFile) -> None:
    file = key_file(f"Acme,Main,{ONE},org_1,emea|vip", f"Bolt & Co,Main,{TWO},,")
    ended = run("import_keys", str(file))
    assert ended.code == 0
    assert ended.lines == ["row 2 (Acme · Main): added", "row 3 (Bolt & Co · Main): added"]
    assert set(Organisation.objects.values_list("slug", flat=True)) == {"acme", "bolt-co"}
    key = ApiKey.objects.get(organisation__slug="acme")
    assert key.status == KeyStatus.ACTIVE
    assert key.organization_id == "org_1"
    assert set(key.tags.values_list("name", flat=True)) == {"emea", "vip"}


def test_imported_keys_are_due_at_once_and_not_checked_yet(run: Run, key_file: ImportFile) -> None:
    run("import_keys", str(key_file(f"Acme,Main,{ONE},,")))
    row = KeySync.objects.get()
    assert row.state == "not_checked"
    assert row.next_check_at <= row.updated_at


def test_a_second_run_changes_nothing(run: Run, key_file: ImportFile) -> None:
    file = str(key_file(f"Acme,Main,{ONE},,"))
    run("import_keys", file)
    before = list(ApiKey.objects.values())
    ended = run("import_keys", file)
    assert ended.code == 0
    assert ended.lines == ["row 2 (Acme · Main): already here"]
    assert list(ApiKey.objects.values()) == before


def test_one_malformed_row_saves_nothing_of_the_file(run: Run, key_file: ImportFile) -> None:
    file = key_file(f"Acme,Main,{ONE},,", f"Bolt,Main,has space {TWO},,", ",Main,,,")
    ended = run("import_keys", str(file))
    assert ended.code == 1
    assert len(ended.lines) == 3
    assert "row 2 (Acme · Main): ok" in ended.lines
    assert "Nothing was saved" in ended.err
    assert not ApiKey.objects.exists()
    assert not Organisation.objects.exists()


def test_a_dry_run_reports_and_saves_nothing(run: Run, key_file: ImportFile) -> None:
    ended = run("import_keys", str(key_file(f"Acme,Main,{ONE},,")), "--dry-run")
    assert ended.code == 0
    assert ended.lines == ["row 2 (Acme · Main): would be added"]
    assert not ApiKey.objects.exists()
    assert not Organisation.objects.exists()


def test_semicolons_and_a_byte_order_mark_are_accepted(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "excel.csv"
    file.write_text(f"{HEADER}\nAcme,Main,{ONE},,\n".replace(",", ";"), encoding="utf-8-sig")
    assert run("import_keys", str(file)).code == 0
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("header", ["organisation,label,key,organization_id,tags", "", "a,b"])
def test_a_wrong_header_is_said(run: Run, key_file: ImportFile, header: str) -> None:
    ended = run("import_keys", str(key_file(f"Acme,Main,{ONE},,", header=header)))
    assert ended.code == 1
    assert HEADER in ended.out


def test_a_file_that_cannot_be_read_is_wrong_use(run: Run, tmp_path: Path) -> None:
    for name in (tmp_path / "absent.csv", tmp_path, "a\0b"):
        ended = run("import_keys", str(name))
        assert ended.code == 2
        assert len(ended.err.splitlines()) == 1


def test_no_line_holds_a_key(run: Run, key_file: ImportFile) -> None:
    file = key_file(f"Acme,Main,{ONE},,", f"Acme,Again,{ONE},,")
    ended = run("import_keys", str(file))
    assert ended.code == 1
    assert ONE not in ended.out + ended.err

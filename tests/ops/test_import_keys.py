"""`import_keys`: all of the file, or nothing of it."""

from pathlib import Path

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.ops.conftest import KEY_FILE_HEADER, RunCommand, WriteKeyFile, sandbox_secret

pytestmark = pytest.mark.django_db
ONE, TWO = sandbox_secret(seed="one"), sandbox_secret(seed="two")


def test_import_reports_and_stores_each_row(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    file = write_key_file(f"Acme,Main,{ONE},org_1,emea|vip", f"Bolt & Co,Main,{TWO},,")
    result = run_command("import_keys", str(file))
    assert result.code == 0
    assert result.lines == ["row 2 (Acme · Main): added", "row 3 (Bolt & Co · Main): added"]
    assert set(Organisation.objects.values_list("slug", flat=True)) == {"acme", "bolt-co"}
    key = ApiKey.objects.get(organisation__slug="acme")
    assert key.status == KeyLifecycle.ACTIVE
    assert key.organization_id == "org_1"
    assert set(key.tags.values_list("name", flat=True)) == {"emea", "vip"}


def test_imported_keys_are_due_at_once_and_not_checked_yet(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    run_command("import_keys", str(write_key_file(f"Acme,Main,{ONE},,")))
    row = SyncStatus.objects.get()
    assert row.state == "not_checked"
    assert row.next_check_at <= row.updated_at


def test_second_import_changes_nothing(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    file = str(write_key_file(f"Acme,Main,{ONE},,"))
    run_command("import_keys", file)
    keys_before = list(ApiKey.objects.values())
    result = run_command("import_keys", file)
    assert result.code == 0
    assert result.lines == ["row 2 (Acme · Main): already here"]
    assert list(ApiKey.objects.values()) == keys_before


def test_malformed_row_saves_nothing_of_the_file(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    file = write_key_file(f"Acme,Main,{ONE},,", f"Bolt,Main,has space {TWO},,", ",Main,,,")
    result = run_command("import_keys", str(file))
    assert result.code == 1
    assert len(result.lines) == 3
    assert "row 2 (Acme · Main): ok" in result.lines
    assert "Nothing was saved" in result.err
    assert not ApiKey.objects.exists()
    assert not Organisation.objects.exists()


def test_dry_run_reports_and_saves_nothing(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    result = run_command("import_keys", str(write_key_file(f"Acme,Main,{ONE},,")), "--dry-run")
    assert result.code == 0
    assert result.lines == ["row 2 (Acme · Main): would be added"]
    assert not ApiKey.objects.exists()
    assert not Organisation.objects.exists()


def test_semicolons_and_a_byte_order_mark_are_accepted(
    run_command: RunCommand, tmp_path: Path
) -> None:
    file = tmp_path / "excel.csv"
    file.write_text(
        f"{KEY_FILE_HEADER}\nAcme,Main,{ONE},,\n".replace(",", ";"), encoding="utf-8-sig"
    )
    assert run_command("import_keys", str(file)).code == 0
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("header", ["organisation,label,key,organization_id,tags", "", "a,b"])
def test_wrong_header_is_reported(
    run_command: RunCommand, write_key_file: WriteKeyFile, header: str
) -> None:
    result = run_command("import_keys", str(write_key_file(f"Acme,Main,{ONE},,", header=header)))
    assert result.code == 1
    assert KEY_FILE_HEADER in result.out


def test_unreadable_file_is_a_usage_error(run_command: RunCommand, tmp_path: Path) -> None:
    for name in (tmp_path / "absent.csv", tmp_path, "a\0b"):
        result = run_command("import_keys", str(name))
        assert result.code == 2
        assert len(result.err.splitlines()) == 1


def test_output_of_import_keys_holds_no_key(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    file = write_key_file(f"Acme,Main,{ONE},,", f"Acme,Again,{ONE},,")
    result = run_command("import_keys", str(file))
    assert result.code == 1
    assert ONE not in result.out + result.err


DETAILS_HEADER = f"{KEY_FILE_HEADER},owner,expires_on,grace_minutes,environment"


def test_owner_expiry_and_grace_are_stored(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    admin = User.objects.create(email="ada@xn--bcher-kva.example", is_platform_admin=True)
    acme = Organisation.objects.create(name="Acme", slug="acme")
    viewer = User.objects.create(email="vic@example.org")
    Membership.objects.create(organisation=acme, user=viewer, role=Role.VIEWER)
    result = run_command(
        "import_keys",
        str(
            write_key_file(
                f"Acme,Main,{ONE},,,Vic@Example.org,2027-01-31,90,default",
                f"New one,Main,{TWO},,,Ada@Bücher.example,,,",
                header=DETAILS_HEADER,
            )
        ),
    )
    assert result.code == 0, result.out
    keys = {key.organisation.name: key for key in ApiKey.objects.select_related("owner")}
    assert (keys["Acme"].owner, keys["Acme"].grace_minutes) == (viewer, 90)
    assert str(keys["Acme"].expires_on) == "2027-01-31"
    assert keys["New one"].owner == admin


@pytest.mark.parametrize("owner", ["stranger@example.org", "vic@example.org", "off@example.org"])
def test_an_owner_who_may_not_see_the_organisation_saves_nothing(
    run_command: RunCommand, write_key_file: WriteKeyFile, owner: str
) -> None:
    other = Organisation.objects.create(name="Other", slug="other")
    person = User.objects.create(email="vic@example.org")
    Membership.objects.create(organisation=other, user=person, role=Role.MANAGER)
    User.objects.create(email="off@example.org", is_platform_admin=True, is_active=False)
    file = write_key_file(f"Acme,Main,{ONE},,,{owner},,,", header=DETAILS_HEADER)
    result = run_command("import_keys", str(file))
    assert result.code == 1
    assert "row 2 (Acme · Main): malformed: owner: nobody with this address" in result.out
    assert not ApiKey.objects.exists()
    assert Organisation.objects.count() == 1


def test_another_environment_is_refused_where_there_is_none(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    file = write_key_file(f"Acme,Main,{ONE},,,,,,staging", header=DETAILS_HEADER)
    result = run_command("import_keys", str(file))
    assert result.code == 1
    assert "environment: " in result.out


def test_nearly_equal_names_are_shown_before_they_are_made(
    run_command: RunCommand, write_key_file: WriteKeyFile
) -> None:
    Organisation.objects.create(name="Acme Inc", slug="acme-inc")
    file = write_key_file(f"ACME\u00a0inc,Main,{ONE},,", f"Acme  Inc,Main,{TWO},,")
    result = run_command("import_keys", str(file), "--dry-run")
    assert result.code == 0
    assert "“ACME inc” is a new organisation beside “Acme Inc”" in result.err
    assert result.err.count("nearly the same name") == 1


def test_cells_of_a_spreadsheet_are_imported(run_command: RunCommand, tmp_path: Path) -> None:
    file = tmp_path / "Unicode text.txt"
    text = f"{KEY_FILE_HEADER}\nAcme,Main,“{ONE}”,,\n,,,,\n".replace(",", "\t")
    file.write_bytes(text.encode("utf-16"))
    assert run_command("import_keys", str(file)).code == 0
    assert ApiKey.objects.get().label == "Main"

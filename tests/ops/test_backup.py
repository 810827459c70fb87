"""A backup holds every row and no secret, and a restore loses nothing, whatever goes wrong."""

import json
import random
import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.drill_scale import drill_count
from tests.flows.panel_process import EMAIL, PASSWORD
from tests.flows.split_key_panel import SplitPanel
from tests.flows.wait import wait_until
from tests.ops.conftest import KEY_FILE_HEADER, RunCommand
from tests.servers import database_copy, migrated_postgres

Rows = dict[str, list[tuple[Any, ...]]]
IS_NO_BACKUP = "is no whole backup of Freddy Admin"


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with SandboxServer() as server:
        yield server.base_url


@pytest.fixture(scope="module")
def postgres() -> Iterator[tuple[str, str]]:
    with migrated_postgres() as address_and_template:
        yield address_and_template


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def filled_panel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, api: str
) -> SplitPanel:
    """An administrator and three keys, of which each test has a copy."""
    panel = SplitPanel(tmp_path_factory.mktemp("filled"), api=api)
    if request.param == "postgresql":
        server, template = request.getfixturevalue("postgres")
        panel.env["DATABASE_URL"] = database_copy(server, template)
    else:
        panel.create_database()
    _succeed(panel, "create_admin", EMAIL, "--password-stdin", stdin=PASSWORD)
    _import_keys(panel, "Acme", 3)
    return panel


@pytest.fixture
def panel(filled_panel: SplitPanel, tmp_path: Path) -> Iterator[SplitPanel]:
    panel = _copy(filled_panel, tmp_path)
    yield panel
    panel.stop_all()


@pytest.fixture
def sqlite_panel(tmp_path: Path, api: str) -> SplitPanel:
    panel = SplitPanel(tmp_path, api=api)
    panel.create_database()
    return panel


def _copy(filled_panel: SplitPanel, folder: Path) -> SplitPanel:
    panel = SplitPanel(folder, api=filled_panel.api)
    panel.env |= {name: filled_panel.env[name] for name in ("SECRET_KEY", "ENCRYPTION_KEYS")}
    server, _slash, name = filled_panel.env["DATABASE_URL"].rpartition("/")
    if server.startswith("postgres"):
        panel.env["DATABASE_URL"] = database_copy(server, name)
    else:
        with closing(sqlite3.connect(filled_panel.folder / "panel.sqlite3")) as database:
            database.execute("VACUUM INTO ?", [str(folder / "panel.sqlite3")])
    return panel


def _import_keys(panel: SplitPanel, organisation: str, count: int) -> list[str]:
    keys = [sandbox_key(Scenario.HEALTHY, f"{organisation} {number}") for number in range(count)]
    file = panel.folder / "keys.csv"
    lines = [f"{organisation},Key {number},{key},," for number, key in enumerate(keys)]
    file.write_text("\n".join([KEY_FILE_HEADER, *lines, ""]))
    _succeed(panel, "import_keys", str(file))
    file.unlink()
    return keys


def _succeed(
    panel: SplitPanel, *command: str, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    result = panel.manage(*command, stdin=stdin)
    assert result.returncode == 0, result.stderr
    return result


def _refused(panel: SplitPanel, *command: str) -> str:
    result = panel.manage(*command)
    assert result.returncode == 1, result
    assert "Traceback" not in result.stderr
    return result.stderr


def _all_rows(panel: SplitPanel, *, schema: str = "public", file: Path | None = None) -> Rows:
    """Every row of every table."""
    if panel.env["DATABASE_URL"].startswith("sqlite"):
        with closing(sqlite3.connect(file or panel.folder / "panel.sqlite3")) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: sorted(database.execute(f'SELECT * FROM "{name}"'), key=repr)
                for (name,) in tables.fetchall()
            }
    with psycopg.connect(panel.env["DATABASE_URL"]) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [schema]
        ).fetchall()
        return {
            name: sorted(
                connection.execute(
                    sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, name))
                ).fetchall(),
                key=repr,
            )
            for (name,) in names
        }


def _former_rows(panel: SplitPanel) -> Rows:
    """What the restore has put aside."""
    if panel.env["DATABASE_URL"].startswith("sqlite"):
        (file,) = panel.folder.glob("panel.sqlite3.before_restore_*")
        return _all_rows(panel, file=file)
    with psycopg.connect(panel.env["DATABASE_URL"]) as connection:
        (name,) = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before_restore_%'"
        ).fetchone() or ("",)
    return _all_rows(panel, schema=name)


def test_restored_panel_has_every_row_and_opens_every_key(panel: SplitPanel) -> None:
    _succeed(panel, "check_now", "--all")
    backup, saved = panel.folder / "one.backup", _all_rows(panel)
    assert "3 API keys" in _succeed(panel, "backup", str(backup)).stdout
    _import_keys(panel, "Later", 2)
    later = _all_rows(panel)
    assert later != saved

    result = _succeed(panel, "restore", str(backup))
    assert "Restored: 3 API keys" in result.stdout
    assert "The former database is kept" in result.stderr
    assert _all_rows(panel) == saved
    assert _former_rows(panel) == later
    states = _succeed(panel, "check_now", "--all").stdout.splitlines()
    assert [line.split()[0] for line in states] == ["up_to_date"] * 3
    assert "ok       database" in panel.manage("doctor").stdout
    # A second backup leaves out what was put aside.
    second = panel.folder / "two.backup"
    _succeed(panel, "backup", str(second))
    assert "before_restore_" not in _unpacked(second).decode(errors="replace")


def test_backup_is_restored_into_a_new_database(
    panel: SplitPanel, request: pytest.FixtureRequest
) -> None:
    backup, saved = panel.folder / "one.backup", _all_rows(panel)
    _succeed(panel, "backup", str(backup))
    if panel.env["DATABASE_URL"].startswith("sqlite"):
        (panel.folder / "panel.sqlite3").unlink()
    else:
        panel.env["DATABASE_URL"] = database_copy(request.getfixturevalue("postgres")[0])
    result = _succeed(panel, "restore", str(backup))
    assert "is kept" not in result.stderr
    assert _all_rows(panel) == saved


def test_restore_is_refused_while_the_panel_runs(panel: SplitPanel) -> None:
    backup = panel.folder / "one.backup"
    _succeed(panel, "backup", str(backup))
    panel.start_web()
    panel.start_worker()
    assert wait_until(lambda: panel.get_readiness()[1]["parts"]["worker"] == "ok")
    assert "Stop web and worker" in _refused(panel, "restore", str(backup))
    assert panel.get_readiness()[0] == 200
    panel.stop_all()
    _succeed(panel, "restore", str(backup))


def test_backup_holds_names_of_settings_and_no_secret(panel: SplitPanel) -> None:
    keys = _import_keys(panel, "Planted", 2)
    panel.env |= {"SUPPORT_CONTACT": "planted@example.org", "REDIS_URL": ""}
    backup = panel.folder / "one.backup"
    _succeed(panel, "backup", str(backup))
    assert backup.stat().st_mode & 0o777 == 0o600
    content = _unpacked(backup)
    assert b"Planted" in content
    for secret in (*keys, panel.env["SECRET_KEY"], panel.env["ENCRYPTION_KEYS"]):
        assert secret.encode() not in content
    assert b"planted@example.org" not in content
    names = _facts(backup)["settings"]
    assert {"SECRET_KEY", "ENCRYPTION_KEYS", "SUPPORT_CONTACT"} <= set(names)
    assert "REDIS_URL" not in names

    del panel.env["SUPPORT_CONTACT"]
    hint = _succeed(panel, "restore", str(backup)).stderr
    assert "not set here: SUPPORT_CONTACT." in hint


def _unpacked(backup: Path) -> bytes:
    with tarfile.open(backup) as archive:
        return b"".join(
            content.read() for member in archive if (content := archive.extractfile(member))
        )


def _facts(backup: Path) -> dict[str, Any]:
    with tarfile.open(backup) as archive:
        content = archive.extractfile("backup.json")
        assert content is not None
        facts: dict[str, Any] = json.loads(content.read())
        return facts


def _repack(backup: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The same backup with other facts."""
    facts = _facts(backup)
    change(facts)
    with tarfile.open(backup) as source, tarfile.open(target, "w:gz") as archive:
        for member in source:
            content = source.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == "backup.json":
                data = json.dumps(facts).encode()
            member.size = len(data)
            archive.addfile(member, BytesIO(data))


@pytest.mark.django_db
def test_damaged_or_foreign_file_changes_nothing(
    sqlite_panel: SplitPanel, run_command: RunCommand
) -> None:
    panel, folder = sqlite_panel, sqlite_panel.folder
    backup, saved = folder / "one.backup", _all_rows(sqlite_panel)
    _succeed(panel, "backup", str(backup))
    data = backup.read_bytes()
    (folder / "cut").write_bytes(data[: len(data) // 2])
    (folder / "flipped").write_bytes(
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    )
    (folder / "text").write_text("organisation,label\n")
    shutil.copyfile(folder / "panel.sqlite3", folder / "database")
    with tarfile.open(folder / "tar", "w:gz") as archive:
        archive.add(folder / "text", arcname="../../escaped")
    for name, field, value in (
        ("other-sum", "sha256", "0" * 64),
        ("other-size", "size", 1),
        ("other-format", "format", 2),
        ("other-kind", "size", "large"),
    ):
        _repack(backup, folder / name, lambda facts, f=field, v=value: facts.update({f: v}))
    _repack(backup, folder / "fewer", lambda facts: facts.pop("keys"))
    for name in (
        *("cut", "flipped", "text", "database", "tar", "fewer"),
        *("other-sum", "other-size", "other-format", "other-kind"),
    ):
        result = run_command("restore", str(folder / name))
        assert (result.code, IS_NO_BACKUP in result.err) == (1, True), name
    assert "There is no file" in run_command("restore", str(folder / "missing")).err
    # Two of them by the command itself, at a database that they could harm.
    assert IS_NO_BACKUP in _refused(panel, "restore", str(folder / "flipped"))
    _repack(
        backup, folder / "newer", lambda facts: facts["migrations"].append(["vault", "0999_newer"])
    )
    assert "newer version" in _refused(panel, "restore", str(folder / "newer"))
    assert _all_rows(panel) == saved
    assert list(folder.glob("*before_restore*")) == []


@pytest.mark.postgres
def test_backup_of_another_kind_of_database_is_refused(
    sqlite_panel: SplitPanel, postgres: tuple[str, str]
) -> None:
    backup = sqlite_panel.folder / "one.backup"
    _succeed(sqlite_panel, "backup", str(backup))
    sqlite_panel.env["DATABASE_URL"] = database_copy(*postgres)
    sentence = _refused(sqlite_panel, "restore", str(backup))
    assert "a backup of sqlite, and DATABASE_URL leads to postgresql" in sentence


@pytest.mark.django_db(transaction=True)
class TestRefusals:
    def test_full_disk_is_refused_before_a_byte_is_written(
        self, run_command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(tmp_path)._replace(free=17_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
        result = run_command("backup", str(tmp_path / "one.backup"))
        assert (result.code, list(tmp_path.iterdir())) == (1, [])
        assert "is too full" in result.err
        assert "17 MB are free. Nothing was written." in result.err

    def test_present_file_is_never_replaced(self, run_command: RunCommand, tmp_path: Path) -> None:
        file = tmp_path / "one.backup"
        file.write_text("dear")
        result = run_command("backup", str(file))
        assert (result.code, file.read_text()) == (1, "dear")
        assert "exists already" in result.err

    def test_missing_folder_is_named(self, run_command: RunCommand, tmp_path: Path) -> None:
        result = run_command("backup", str(tmp_path / "nowhere" / "one.backup"))
        assert (result.code, "There is no folder" in result.err) == (1, True)


@pytest.mark.drill
def test_killed_backup_or_restore_leaves_the_old_or_the_new_database(
    sqlite_panel: SplitPanel,
) -> None:
    panel, folder, chance = sqlite_panel, sqlite_panel.folder, random.Random(14)
    first, old = folder / "first.backup", _all_rows(sqlite_panel)
    _succeed(panel, "backup", str(first))
    _import_keys(panel, "Acme", 20)
    new = _all_rows(panel)
    for number in range(drill_count(30)):
        backup = folder / f"killed-{number}.backup"
        _kill_amid(panel, chance, "backup", str(backup))
        assert not backup.exists() or _unpacked(backup)
        _kill_amid(panel, chance, "restore", str(first))
        assert _all_rows(panel) in (old, new)


def _kill_amid(panel: SplitPanel, chance: random.Random, *command: str) -> None:
    """Kill a command at some moment of its life, which on a busy machine may be its start."""
    with subprocess.Popen(
        panel.command_line(*command),
        env=panel.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(timeout=chance.uniform(0.3, 3))
        except subprocess.TimeoutExpired:
            process.kill()

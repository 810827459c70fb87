"""A command that finds no database says so in one sentence, with the setting and what to do."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import get_commands, load_command_class
from django.db import OperationalError

from freddy_admin.core.database_errors import database_error_message
from freddy_admin.ops.operator_command import OperatorCommand
from freddy_admin.ops.supervisor import find_free_port
from tests.drill_scale import drill_sample
from tests.flows.panel_process import PanelProcess

PASSWORD = "hush-do-not-say-this"
COMMANDS = {
    "migrate": ("migrate",),
    "create_admin": ("create_admin", "a@example.org", "--password-stdin"),
    "import_keys": ("import_keys", "keys.csv"),
    "check_now": ("check_now", "--all"),
    "rotate_encryption": ("rotate_encryption",),
    "run_worker": ("run_worker",),
    "panel": ("panel",),
}


@pytest.fixture
def panel(tmp_path: Path) -> PanelProcess:
    return PanelProcess(tmp_path, api="http://127.0.0.1:9")


def _run_panel_command(panel: PanelProcess, *arguments: str) -> CompletedProcess[str]:
    if "keys.csv" in arguments:
        file = panel.folder / "keys.csv"
        file.write_text("organisation,label,api_key,organization_id,tags\nA,B,key-0123456789,,\n")
        arguments = ("import_keys", str(file))
    return panel.manage(*arguments, stdin="correct horse battery\n")


def _require_single_sentence(result: CompletedProcess[str], *parts: str, code: int = 1) -> None:
    assert result.returncode == code, result.stderr
    lines = [line for line in result.stderr.splitlines() if " INFO " not in line]
    assert len(lines) == 1, result.stderr
    assert all(part in lines[0] for part in parts), lines[0]
    assert "Traceback" not in result.stdout + result.stderr
    assert PASSWORD not in result.stdout + result.stderr


# All share the base that says it: the next test.
@pytest.mark.drill
@pytest.mark.parametrize("command", drill_sample(COMMANDS))
def test_unreachable_database_server_is_one_sentence(command: str, panel: PanelProcess) -> None:
    port = find_free_port()
    panel.env["DATABASE_URL"] = f"postgres://freddy:{PASSWORD}@127.0.0.1:{port}/freddy"
    result = _run_panel_command(panel, *COMMANDS[command])
    _require_single_sentence(
        result, f"No database server answers at 127.0.0.1:{port}", "DATABASE_URL"
    )


def test_all_commands_are_operator_commands() -> None:
    command_names = [name for name, app in get_commands().items() if app == "freddy_admin.ops"]
    assert len(command_names) > 10
    assert all(
        isinstance(load_command_class("freddy_admin.ops", name), OperatorCommand)
        for name in command_names
    )


def test_missing_database_folder_is_one_sentence(panel: PanelProcess) -> None:
    panel.env["DATABASE_URL"] = "sqlite:////proc/nowhere/freddy.sqlite3"
    for command in ("migrate", "check_now"):
        result = _run_panel_command(panel, *COMMANDS[command])
        _require_single_sentence(
            result, "/proc/nowhere/freddy.sqlite3 cannot be opened", "DATABASE_URL"
        )


def test_file_that_is_no_database_is_one_sentence(panel: PanelProcess) -> None:
    file = panel.folder / "notes.txt"
    file.write_text("These are notes of somebody, and no database at all. " * 20)
    panel.env["DATABASE_URL"] = f"sqlite:///{file}"
    _require_single_sentence(
        _run_panel_command(panel, "migrate"), "notes.txt is no SQLite database"
    )


def test_read_only_database_file_is_one_sentence(panel: PanelProcess) -> None:
    file = panel.folder / "panel.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE some (it)")
    # As SQLite opens a file that this user may not write.
    panel.env["DATABASE_URL"] = f"sqlite:///file:{file}%3Fmode=ro"
    _require_single_sentence(
        _run_panel_command(panel, "migrate"), "can be read and not written", "DATABASE_URL"
    )


def test_database_without_tables_is_one_sentence(panel: PanelProcess) -> None:
    for command in ("check_now", "run_worker"):
        _require_single_sentence(
            _run_panel_command(panel, *COMMANDS[command]), "Run `manage.py migrate`"
        )


def test_doctor_continues_and_names_the_database_once(panel: PanelProcess) -> None:
    panel.env["DATABASE_URL"] = f"postgres://freddy:{PASSWORD}@127.0.0.1:{find_free_port()}/freddy"
    result = panel.manage("doctor")
    assert result.returncode == 1
    assert result.stdout.count("No database server answers") == 1
    assert "files" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert PASSWORD not in result.stdout + result.stderr


def test_unavailable_redis_stops_no_command(panel: PanelProcess) -> None:
    panel.env["REDIS_URL"] = f"redis://:{PASSWORD}@127.0.0.1:{find_free_port()}/0"
    panel.create_database()
    for command in ("migrate", "create_admin", "import_keys"):
        result = _run_panel_command(panel, *COMMANDS[command])
        assert result.returncode == 0, result.stderr
        assert PASSWORD not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
    doctor_result = panel.manage("doctor")
    assert "No Redis answers at 127.0.0.1" in doctor_result.stdout
    assert PASSWORD not in doctor_result.stdout + doctor_result.stderr


def test_missing_settings_file_is_named(panel: PanelProcess) -> None:
    missing = str(panel.folder / "web.env")
    panel.env["ENV_FILE"] = missing
    for command in ("migrate", "check_now"):
        _require_single_sentence(
            _run_panel_command(panel, *COMMANDS[command]),
            f"ENV_FILE names {missing}",
            "No such file",
        )
    panel.env["ENV_FILE"] = str(panel.folder)
    _require_single_sentence(_run_panel_command(panel, "migrate"), "Is a directory")


def test_usage_error_has_exit_code_2(panel: PanelProcess) -> None:
    result = panel.manage("check_now")
    assert result.returncode == 2
    assert panel.manage("migrate", "--no-such-option").returncode == 2


@pytest.mark.postgres
@pytest.mark.parametrize("command", ["migrate", "check_now"])
def test_refusing_database_server_is_one_sentence(command: str, panel: PanelProcess) -> None:
    test_database_url = os.environ.get("TEST_DATABASE_URL", "")
    if not test_database_url.startswith("postgres"):
        pytest.skip("no PostgreSQL beside these tests: make test-postgres")
    parts = urlsplit(test_database_url)
    wrong_netloc = parts.netloc.replace(str(parts.password), PASSWORD)
    panel.env["DATABASE_URL"] = urlunsplit(parts._replace(netloc=wrong_netloc))
    _require_single_sentence(
        _run_panel_command(panel, *COMMANDS[command]),
        "refuses the user freddy. Correct user and password",
    )
    panel.env["DATABASE_URL"] = urlunsplit(parts._replace(path="/nowhere"))
    result = _run_panel_command(panel, *COMMANDS[command])
    _require_single_sentence(result, "has no database nowhere. Create it")
    assert str(parts.password) not in result.stderr


def test_traceback_is_printed_on_request(panel: PanelProcess) -> None:
    result = _run_panel_command(panel, *COMMANDS["check_now"], "--traceback")
    assert result.returncode == 1
    assert "OperationalError: no such table" in result.stderr


class _CodedError(Exception):
    def __init__(self, sqlstate: str, text: str = "in the server's own language") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("28P01", "refuses the user"),
        ("28000", "pg_hba.conf demands"),
        ("53300", "takes no more connections"),
        ("3D000", "has no database"),
        ("57P03", "Try again in a minute"),
        ("42P01", "manage.py migrate"),
        ("25006", "can be read and not written"),
        ("42501", "Make it the owner"),
        ("53100", "Make room"),
        ("08006", "No database server answers"),
        ("XX000", "The database cannot be used (OperationalError)"),
    ],
)
def test_sqlstate_decides_the_sentence_in_any_language(state: str, words: str) -> None:
    error = OperationalError(f"postgres://freddy:{PASSWORD}@db/freddy")
    error.__cause__ = _CodedError(state)
    sentence = database_error_message(error)
    assert words in sentence
    assert PASSWORD not in sentence


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("57014", "canceling statement due to statement timeout"),
        ("23505", "Key (label)=(connection refused) already exists."),
    ],
)
def test_error_of_a_reachable_server_is_not_unavailability(state: str, text: str) -> None:
    error = OperationalError(text)
    error.__cause__ = _CodedError(state, text)
    assert "The database cannot be used" in database_error_message(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("failed to resolve host 'db': [Errno -2] Name or service not known", "cannot be found"),
        ("connection timeout expired", "No database server answers"),
        ("server closed the connection unexpectedly", "hung up"),
        ("database is locked", "Another program has held the database file"),
        ("database or disk is full", "Make room"),
        ("something nobody foresaw", "The database cannot be used (OperationalError)"),
    ],
)
def test_driver_message_decides_the_sentence_without_a_sqlstate(text: str, words: str) -> None:
    assert words in database_error_message(OperationalError(text))

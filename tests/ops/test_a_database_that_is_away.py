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

from freddy_admin.core.database_faults import database_fault
from freddy_admin.ops.command import OperatorCommand
from freddy_admin.ops.supervisor import port_free
from tests.flows.panel import Panel

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
def panel(tmp_path: Path) -> Panel:
    return Panel(tmp_path, api="http://127.0.0.1:9")


def _ran(panel: Panel, *arguments: str) -> CompletedProcess[str]:
    if "keys.csv" in arguments:
        file = panel.room / "keys.csv"
        file.write_text("organisation,label,api_key,organization_id,tags\nA,B,key-0123456789,,\n")
        arguments = ("import_keys", str(file))
    return panel.manage(*arguments, stdin="correct horse battery\n")


def _one_sentence(done: CompletedProcess[str], *words: str, code: int = 1) -> None:
    assert done.returncode == code, done.stderr
    told = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert len(told) == 1, done.stderr
    assert all(word in told[0] for word in words), told[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_server_that_does_not_answer(command: str, panel: Panel) -> None:
    port = port_free()
    panel.env["DATABASE_URL"] = f"postgres://freddy:{PASSWORD}@127.0.0.1:{port}/freddy"
    done = _ran(panel, *COMMANDS[command])
    _one_sentence(done, f"No database server answers at 127.0.0.1:{port}", "DATABASE_URL")


def test_the_others_share_what_says_it() -> None:
    own = [name for name, app in get_commands().items() if app == "freddy_admin.ops"]
    assert len(own) > 10
    assert [
        name
        for name in own
        if not isinstance(load_command_class("freddy_admin.ops", name), OperatorCommand)
    ] == ["sandbox_api"]  # it asks no database


def test_a_folder_that_is_not_there(panel: Panel) -> None:
    panel.env["DATABASE_URL"] = "sqlite:////proc/nowhere/freddy.sqlite3"
    for command in ("migrate", "check_now"):
        done = _ran(panel, *COMMANDS[command])
        _one_sentence(done, "/proc/nowhere/freddy.sqlite3 cannot be opened", "DATABASE_URL")


def test_a_file_that_is_no_database(panel: Panel) -> None:
    file = panel.room / "notes.txt"
    file.write_text("These are notes of somebody, and no database at all. " * 20)
    panel.env["DATABASE_URL"] = f"sqlite:///{file}"
    _one_sentence(_ran(panel, "migrate"), "notes.txt is no SQLite database")


def test_a_file_that_may_be_read_alone(panel: Panel) -> None:
    file = panel.room / "panel.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE some (it)")
    # As SQLite opens a file that this user may not write.
    panel.env["DATABASE_URL"] = f"sqlite:///file:{file}%3Fmode=ro"
    _one_sentence(_ran(panel, "migrate"), "can be read and not written", "DATABASE_URL")


def test_a_database_without_tables(panel: Panel) -> None:
    for command in ("check_now", "run_worker"):
        _one_sentence(_ran(panel, *COMMANDS[command]), "Run `manage.py migrate`")


def test_the_doctor_goes_on_and_names_the_database_once(panel: Panel) -> None:
    panel.env["DATABASE_URL"] = f"postgres://freddy:{PASSWORD}@127.0.0.1:{port_free()}/freddy"
    done = panel.manage("doctor")
    assert done.returncode == 1
    assert done.stdout.count("No database server answers") == 1
    assert "files" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_redis_that_is_away_stops_no_command(panel: Panel) -> None:
    panel.env["REDIS_URL"] = f"redis://:{PASSWORD}@127.0.0.1:{port_free()}/0"
    for command in ("migrate", "create_admin", "import_keys"):
        done = _ran(panel, *COMMANDS[command])
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    told = panel.manage("doctor")
    assert "Redis does not answer: see REDIS_URL" in told.stdout
    assert PASSWORD not in told.stdout + told.stderr


def test_a_file_of_settings_that_is_not_there_is_named(panel: Panel) -> None:
    missing = str(panel.room / "web.env")
    panel.env["ENV_FILE"] = missing
    for command in ("migrate", "check_now"):
        _one_sentence(_ran(panel, *COMMANDS[command]), f"ENV_FILE names {missing}", "No such file")
    panel.env["ENV_FILE"] = str(panel.room)
    _one_sentence(_ran(panel, "migrate"), "Is a directory")


def test_wrong_use_has_a_code_of_its_own(panel: Panel) -> None:
    done = panel.manage("check_now")
    assert done.returncode == 2
    assert panel.manage("migrate", "--no-such-option").returncode == 2


@pytest.mark.postgres
@pytest.mark.parametrize("command", ["migrate", "check_now"])
def test_a_server_that_refuses(command: str, panel: Panel) -> None:
    there = os.environ.get("TEST_DATABASE_URL", "")
    if not there.startswith("postgres"):
        pytest.skip("no PostgreSQL beside these tests: make test-postgres")
    parts = urlsplit(there)
    wrong = parts.netloc.replace(str(parts.password), PASSWORD)
    panel.env["DATABASE_URL"] = urlunsplit(parts._replace(netloc=wrong))
    _one_sentence(
        _ran(panel, *COMMANDS[command]), "refuses the user freddy. Correct user and password"
    )
    panel.env["DATABASE_URL"] = urlunsplit(parts._replace(path="/nowhere"))
    done = _ran(panel, *COMMANDS[command])
    _one_sentence(done, "has no database nowhere. Create it")
    assert str(parts.password) not in done.stderr


def test_where_it_came_from_is_told_on_request(panel: Panel) -> None:
    done = _ran(panel, *COMMANDS["check_now"], "--traceback")
    assert done.returncode == 1
    assert "OperationalError: no such table" in done.stderr


class _Coded(Exception):
    def __init__(self, sqlstate: str, text: str = "in the server's own language") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("28P01", "refuses the user"),
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
def test_codes_of_postgresql_count_in_any_language(state: str, words: str) -> None:
    error = OperationalError(f"postgres://freddy:{PASSWORD}@db/freddy")
    error.__cause__ = _Coded(state)
    said = database_fault(error)
    assert words in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("57014", "canceling statement due to statement timeout"),
        ("23505", "Key (label)=(connection refused) already exists."),
    ],
)
def test_a_server_that_answers_is_not_taken_for_one_that_is_away(state: str, text: str) -> None:
    error = OperationalError(text)
    error.__cause__ = _Coded(state, text)
    assert "The database cannot be used" in database_fault(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("failed to resolve host 'db': [Errno -2] Name or service not known", "cannot be found"),
        ("connection timeout expired", "No database server answers"),
        ("server closed the connection unexpectedly", "No database server answers"),
        ("database is locked", "Another program has held the database file"),
        ("database or disk is full", "Make room"),
        ("something nobody foresaw", "The database cannot be used (OperationalError)"),
    ],
)
def test_words_of_the_drivers_count_where_there_is_no_code(text: str, words: str) -> None:
    assert words in database_fault(OperationalError(text))

"""`doctor`: one line a part, with what to do where something is wrong."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.models import WorkerHeartbeat
from freddy_admin.vault.models import ImportDraft, ImportDraftRow, MasterKeyCanary
from tests.ops.conftest import RunCommand, WriteKeyFile, sandbox_secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def healthy_panel(
    settings: LazySettings,
    tmp_path: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    settings.BASE_DIR = tmp_path
    monkeypatch.setenv("ENV_FILE", str(tmp_path / ".env"))
    User.objects.create(email="ada@example.org", is_platform_admin=True)
    now = clock.now()
    WorkerHeartbeat.objects.create(name="w", version="1", started_at=now, heartbeat_at=now)
    return tmp_path


def _problems(lines: list[str]) -> dict[str, str]:
    problem_lines = [line.split(maxsplit=1)[1] for line in lines if line.startswith("PROBLEM")]
    return {problem_line[:11].strip(): problem_line[12:] for problem_line in problem_lines}


def test_doctor_of_a_healthy_panel_finds_no_problem(
    run_command: RunCommand, healthy_panel: Path
) -> None:
    result = run_command("doctor")
    assert _problems(result.lines) == {}
    assert result.code == 0
    assert len(result.lines) == 22


def test_doctor_says_for_each_problem_what_to_do(
    run_command: RunCommand, healthy_panel: Path, settings: LazySettings
) -> None:
    User.objects.all().delete()
    WorkerHeartbeat.objects.update(heartbeat_at=clock.now() - timedelta(hours=1))
    settings.AITRONOS_API_BASE_URL = "http://127.0.0.1:9"
    settings.DEBUG = True
    healthy_panel.chmod(0o755)
    (healthy_panel / ".env").write_text("SECRET_KEY=x")
    (healthy_panel / ".env").chmod(0o644)
    result = run_command("doctor")
    assert result.code == 1
    problems = _problems(result.lines)
    assert set(problems) == {"settings", "people", "worker", "api", "files"}
    assert "create_admin" in problems["people"]
    assert "run_worker" in problems["worker"]
    assert "AITRONOS_API_BASE_URL" in problems["api"]
    assert "chmod" in problems["files"]


def test_doctor_reports_that_no_worker_was_ever_seen(
    run_command: RunCommand, healthy_panel: Path
) -> None:
    WorkerHeartbeat.objects.all().delete()
    assert "ever" in _problems(run_command("doctor").lines)["worker"]


def test_doctor_reports_a_master_key_that_does_not_fit(
    run_command: RunCommand, healthy_panel: Path, write_key_file: WriteKeyFile
) -> None:
    run_command("import_keys", str(write_key_file(f"Acme,Main,{sandbox_secret()},,")))
    MasterKeyCanary.objects.update(ciphertext=b"\x01" + bytes(80))
    problems = _problems(run_command("doctor").lines)
    assert "ENCRYPTION_KEYS" in problems["master key"]


def test_doctor_reports_a_missing_migration(run_command: RunCommand, healthy_panel: Path) -> None:
    with patch("freddy_admin.ops.doctor.MigrationExecutor.migration_plan", return_value=[1, 2]):
        assert "migrate" in _problems(run_command("doctor").lines)["migrations"]


def test_doctor_reports_an_unavailable_cache(run_command: RunCommand, healthy_panel: Path) -> None:
    with patch("freddy_admin.ops.doctor.cache_problem", return_value="It is away."):
        assert set(_problems(run_command("doctor").lines)) == {"cache"}


@pytest.mark.parametrize(
    ("values", "is_problem", "text"),
    [
        ({}, False, "1 mail waits."),
        ({"requested_at": timedelta(minutes=-11)}, True, "start `manage.py run_worker`"),
        (
            {
                "requested_at": timedelta(minutes=-11),
                "failing_since": timedelta(minutes=-10),
                "reason": "no_answer",
            },
            True,
            "1 mail waits. The oldest was asked for 11 min ago. The mail server does not answer:",
        ),
        ({"given_up_at": timedelta(), "reason": "panel_refused"}, True, "see EMAIL_URL"),
        ({"given_up_at": timedelta(), "reason": "internal"}, True, "see the worker's log"),
        (
            {"given_up_at": timedelta(), "reason": "address_refused"},
            False,
            "nothing waits. 1 mail was refused by its receiver within seven days.",
        ),
    ],
)
def test_doctor_reports_mails_that_are_not_sent(
    values: dict[str, Any],
    is_problem: bool,
    text: str,
    run_command: RunCommand,
    healthy_panel: Path,
) -> None:
    moments = {
        name: clock.now() + value if isinstance(value, timedelta) else value
        for name, value in ({"requested_at": timedelta()} | values).items()
    }
    OutboxMessage.objects.create(lane="mail", kind="invitation", object_id=1, **moments)
    lines = run_command("doctor").lines
    (line,) = [line for line in lines if line.split()[1] == "mail"]
    assert line.startswith("PROBLEM") == is_problem
    assert text in line


def test_doctor_reports_what_people_wait_for_too_long(
    run_command: RunCommand, healthy_panel: Path
) -> None:
    created_at = clock.now() - timedelta(minutes=11)
    draft = ImportDraft.objects.create(person=User.objects.get(), created_at=created_at)
    ImportDraftRow.objects.create(draft=draft, number=1)
    problem = _problems(run_command("doctor").lines)["queues"]
    assert "1 pasted key to test, the first since" in problem


def test_unavailable_database_hides_no_other_check_of_doctor(
    run_command: RunCommand, healthy_panel: Path
) -> None:
    database_error = OperationalError("freddy:pw@10.0.0.1 refused")
    with (
        patch("django.db.connection.ensure_connection", side_effect=database_error),
        patch("django.db.connection.cursor", side_effect=database_error),
    ):
        result = run_command("doctor")
    problems = _problems(result.lines)
    assert result.code == 1
    assert len(result.lines) == 22
    assert "DATABASE_URL" in problems["database"]
    assert "api" not in problems
    assert "10.0.0.1" not in result.out + result.err


def test_doctor_prints_no_secret(
    run_command: RunCommand, healthy_panel: Path, settings: LazySettings
) -> None:
    result = run_command("doctor")
    assert settings.SECRET_KEY not in result.out
    assert settings.ENCRYPTION_KEYS[0] not in result.out

"""`doctor`: one line a part, with what to do where something is wrong."""

from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.models import WorkerBeat
from freddy_admin.vault.models import MasterKeyCanary
from tests.ops.conftest import ImportFile, Run, secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def healthy(
    settings: LazySettings,
    tmp_path: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    settings.BASE_DIR = tmp_path
    monkeypatch.setenv("ENV_FILE", str(tmp_path / ".env"))
    User.objects.create(email="ada@example.org", is_platform_admin=True)
    now = clock.now()
    WorkerBeat.objects.create(name="w", version="1", started_at=now, beat_at=now)
    return tmp_path


def _problems(lines: list[str]) -> dict[str, str]:
    words = [line.split(maxsplit=1)[1] for line in lines if line.startswith("PROBLEM")]
    return {word[:11].strip(): word[12:] for word in words}


def test_all_is_well(run: Run, healthy: Path) -> None:
    ended = run("doctor")
    assert _problems(ended.lines) == {}
    assert ended.code == 0
    assert len(ended.lines) == 12


def test_each_problem_says_what_to_do(run: Run, healthy: Path, settings: LazySettings) -> None:
    User.objects.all().delete()
    WorkerBeat.objects.update(beat_at=clock.now() - timedelta(hours=1))
    settings.AITRONOS_API_BASE_URL = "http://127.0.0.1:9"
    settings.DEBUG = True
    healthy.chmod(0o755)
    (healthy / ".env").write_text("SECRET_KEY=x")
    (healthy / ".env").chmod(0o644)
    ended = run("doctor")
    assert ended.code == 1
    found = _problems(ended.lines)
    assert set(found) == {"settings", "people", "worker", "api", "files"}
    assert "create_admin" in found["people"]
    assert "run_worker" in found["worker"]
    assert "AITRONOS_API_BASE_URL" in found["api"]
    assert "chmod" in found["files"]


def test_no_worker_was_ever_seen(run: Run, healthy: Path) -> None:
    WorkerBeat.objects.all().delete()
    assert "ever" in _problems(run("doctor").lines)["worker"]


def test_a_master_key_that_does_not_fit_is_told(
    run: Run, healthy: Path, key_file: ImportFile
) -> None:
    run("import_keys", str(key_file(f"Acme,Main,{secret()},,")))
    MasterKeyCanary.objects.update(ciphertext=b"\x01" + bytes(80))
    found = _problems(run("doctor").lines)
    assert "ENCRYPTION_KEYS" in found["master key"]


def test_a_missing_migration_is_told(run: Run, healthy: Path) -> None:
    with patch(
        "freddy_admin.ops.examination.MigrationExecutor.migration_plan", return_value=[1, 2]
    ):
        assert "migrate" in _problems(run("doctor").lines)["migrations"]


def test_a_cache_that_is_away_is_told(run: Run, healthy: Path) -> None:
    with patch("freddy_admin.ops.examination.cache_works", return_value=False):
        assert set(_problems(run("doctor").lines)) == {"cache"}


def test_a_database_that_is_away_hides_no_other_part(run: Run, healthy: Path) -> None:
    refused = OperationalError("freddy:pw@10.0.0.1 refused")
    with (
        patch("django.db.connection.ensure_connection", side_effect=refused),
        patch("django.db.connection.cursor", side_effect=refused),
    ):
        ended = run("doctor")
    found = _problems(ended.lines)
    assert ended.code == 1
    assert len(ended.lines) == 12
    assert "DATABASE_URL" in found["database"]
    assert "api" not in found
    assert "10.0.0.1" not in ended.out + ended.err


def test_no_secret_is_printed(run: Run, healthy: Path, settings: LazySettings) -> None:
    ended = run("doctor")
    assert settings.SECRET_KEY not in ended.out
    assert settings.ENCRYPTION_KEYS[0] not in ended.out

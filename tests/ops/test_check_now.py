"""`check_now`: checks keys at once, whatever the schedule says."""

from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from freddy_admin.crypto.keyring import keyring_reset, public_key_from_private_key
from freddy_admin.sandbox.key_scenarios import Scenario
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.ops.conftest import RunCommand, WriteKeyFile, sandbox_secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def imported_keys(
    run_command: RunCommand, write_key_file: WriteKeyFile, sandbox: SandboxServer
) -> SandboxServer:
    scenarios = [Scenario.HEALTHY, Scenario.OVERDUE, Scenario.REJECTED, Scenario.ERROR_HTML]
    rows = [f"Org {scenario},Main,{sandbox_secret(scenario, scenario)},," for scenario in scenarios]
    assert run_command("import_keys", str(write_key_file(*rows))).code == 0
    return sandbox


def test_check_now_prints_a_line_for_every_key(
    run_command: RunCommand, imported_keys: SandboxServer
) -> None:
    result = run_command("check_now", "--all")
    assert result.code == 0
    assert len(result.lines) == 4
    states = {line.split()[0] for line in result.lines}
    assert {"up_to_date", "overdue"} <= states
    assert "4 checked" in result.err
    assert SyncStatus.objects.exclude(checked_at=None).count() == 4


def test_check_now_of_one_organisation_checks_its_keys_alone(
    run_command: RunCommand, imported_keys: SandboxServer
) -> None:
    result = run_command("check_now", "--organisation", "org-healthy")
    assert result.lines == ["up_to_date         Org healthy / Main"]
    assert SyncStatus.objects.exclude(checked_at=None).count() == 1


def test_each_run_of_check_now_makes_a_new_call(
    run_command: RunCommand, imported_keys: SandboxServer
) -> None:
    for _ in range(2):
        run_command("check_now", "--organisation", "org-healthy")
    assert imported_keys.request_counts.total == 2


def test_paused_key_is_listed_and_not_checked(
    run_command: RunCommand, imported_keys: SandboxServer
) -> None:
    ApiKey.objects.filter(organisation__slug="org-healthy").update(paused_at="2026-01-01T00:00Z")
    result = run_command("check_now", "--organisation", "org-healthy")
    assert result.code == 0
    assert result.lines == ["paused             Org healthy / Main"]
    assert imported_keys.request_counts.total == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["--all", "--organisation", "acme"], ["--organisation", "nope"]],
    ids=["nothing", "both", "unknown"],
)
def test_usage_error_is_one_sentence_and_exit_code_2(
    run_command: RunCommand, arguments: list[str]
) -> None:
    result = run_command("check_now", *arguments)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1


def test_check_now_without_any_key_succeeds(run_command: RunCommand) -> None:
    assert run_command("check_now", "--all").code == 0


def test_check_now_without_private_keys_is_refused(
    run_command: RunCommand, settings: LazySettings
) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_from_private_key(settings.ENCRYPTION_KEYS[0])
    settings.ENCRYPTION_KEYS = []
    result = run_command("check_now", "--all")
    keyring_reset()
    assert result.code == 1
    assert "ENCRYPTION_KEYS" in result.err


def test_unavailable_database_is_a_sentence(run_command: RunCommand) -> None:
    database_error = OperationalError("could not connect to 10.0.0.1")
    with patch(
        "freddy_admin.ops.management.commands.check_now.keys_check_now", side_effect=database_error
    ):
        result = run_command("check_now", "--all")
    assert result.code == 1
    assert "DATABASE_URL" in result.err
    assert "10.0.0.1" not in result.err


def test_output_of_check_now_holds_no_key(
    run_command: RunCommand, imported_keys: SandboxServer
) -> None:
    result = run_command("check_now", "--all")
    assert "oak_live" not in result.out + result.err

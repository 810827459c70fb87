"""`check_now`: asks at once, whatever the schedule says."""

from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from freddy_admin.crypto.keyring import keyring_reset, public_key_text
from freddy_admin.sandbox.scenarios import Scenario
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.models import ApiKey
from tests.ops.conftest import ImportFile, Run, secret

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet(run: Run, key_file: ImportFile, sandbox: SandboxServer) -> SandboxServer:
    scenarios = [Scenario.HEALTHY, Scenario.OVERDUE, Scenario.REJECTED, Scenario.ERROR_HTML]
    rows = [f"Org {one},Main,{secret(one, one)},," for one in scenarios]
    assert run("import_keys", str(key_file(*rows))).code == 0
    return sandbox


def test_every_key_gets_a_line_whatever_its_state(run: Run, fleet: SandboxServer) -> None:
    ended = run("check_now", "--all")
    assert ended.code == 0
    assert len(ended.lines) == 4
    found = {line.split()[0] for line in ended.lines}
    assert {"up_to_date", "overdue"} <= found
    assert "4 checked" in ended.err
    assert KeySync.objects.exclude(checked_at=None).count() == 4


def test_one_organisation_alone(run: Run, fleet: SandboxServer) -> None:
    ended = run("check_now", "--organisation", "org-healthy")
    assert ended.lines == ["up_to_date         Org healthy / Main"]
    assert KeySync.objects.exclude(checked_at=None).count() == 1


def test_each_run_makes_a_new_call(run: Run, fleet: SandboxServer) -> None:
    for _ in range(2):
        run("check_now", "--organisation", "org-healthy")
    assert fleet.requests_seen.total == 2


def test_a_paused_key_is_named_and_not_called(run: Run, fleet: SandboxServer) -> None:
    ApiKey.objects.filter(organisation__slug="org-healthy").update(paused_at="2026-01-01T00:00Z")
    ended = run("check_now", "--organisation", "org-healthy")
    assert ended.code == 0
    assert ended.lines == ["paused             Org healthy / Main"]
    assert fleet.requests_seen.total == 0


@pytest.mark.parametrize(
    "arguments",
    [[], ["--all", "--organisation", "acme"], ["--organisation", "nope"]],
    ids=["nothing", "both", "unknown"],
)
def test_wrong_use_is_one_sentence_and_code_2(run: Run, arguments: list[str]) -> None:
    ended = run("check_now", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1


def test_no_keys_at_all_is_fine(run: Run) -> None:
    assert run("check_now", "--all").code == 0


def test_a_process_that_cannot_open_keys_says_so(run: Run, settings: LazySettings) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_text(settings.ENCRYPTION_KEYS[0])
    settings.ENCRYPTION_KEYS = []
    ended = run("check_now", "--all")
    keyring_reset()
    assert ended.code == 1
    assert "ENCRYPTION_KEYS" in ended.err


def test_a_database_that_is_away_is_a_sentence(run: Run) -> None:
    away = OperationalError("could not connect to 10.0.0.1")
    with patch("freddy_admin.ops.management.commands.check_now.keys_check_now", side_effect=away):
        ended = run("check_now", "--all")
    assert ended.code == 1
    assert "DATABASE_URL" in ended.err
    assert "10.0.0.1" not in ended.err


def test_no_line_holds_a_key(run: Run, fleet: SandboxServer) -> None:
    ended = run("check_now", "--all")
    assert "oak_live" not in ended.out + ended.err

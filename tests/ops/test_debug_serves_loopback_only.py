"""With DEBUG=true nothing serves but on this machine; commands that serve nothing still run."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.setting_parsers import validate_debug_hosts
from tests.flows.panel_process import ROOT, PanelProcess

DEBUG_REFUSAL = "DEBUG=true is for this machine alone: set ALLOWED_HOSTS to localhost and 127.0.0.1"


@pytest.mark.parametrize(
    "hosts",
    [[], ["localhost"], ["localhost", "127.0.0.1", "[::1]"], ["127.0.0.2", "::1"]],
)
def test_loopback_hosts_are_served(hosts: list[str]) -> None:
    validate_debug_hosts(debug=True, hosts=hosts)
    validate_debug_hosts(debug=False, hosts=[*hosts, "panel.example.org"])


@pytest.mark.parametrize(
    "hosts",
    [
        ["*"],
        ["panel.example.org"],
        ["localhost", "panel.example.org"],
        [".localhost.example.org"],
        ["0.0.0.0"],
        ["10.0.0.1", "127.0.0.1"],
        ["[fe80::1]"],
        ["localhost.example.org"],
    ],
)
def test_other_host_is_refused_by_name_in_debug(hosts: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="DEBUG=true is for this machine alone"):
        validate_debug_hosts(debug=True, hosts=hosts)


@pytest.fixture
def panel(tmp_path: Path) -> PanelProcess:
    panel = PanelProcess(tmp_path, api="http://127.0.0.1:9")
    panel.env |= {"DEBUG": "true", "PLAIN_HTTP": "false", "ALLOWED_HOSTS": "panel.example.org"}
    return panel


@pytest.mark.parametrize(
    "arguments",
    [
        ("panel",),
        ("runserver", "--nothreading", "127.0.0.1:0"),
        ("runserver", "--noreload", "127.0.0.1:0"),
    ],
)
def test_server_with_other_hosts_does_not_start_in_debug(
    panel: PanelProcess, arguments: tuple[str, ...]
) -> None:
    result = panel.manage(*arguments)
    assert result.returncode == 1
    assert DEBUG_REFUSAL in result.stderr
    assert "Traceback" not in result.stderr


def test_web_server_with_other_hosts_cannot_load_the_application(panel: PanelProcess) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import freddy_admin.wsgi"],
        env=panel.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 3  # so that gunicorn ends, and does not try again at once
    assert DEBUG_REFUSAL in result.stderr
    assert "Traceback" not in result.stderr


def test_commands_that_serve_nothing_run_in_debug(panel: PanelProcess) -> None:
    panel.create_database()
    for arguments in (("migrate",), ("check_now", "--all")):
        result = panel.manage(*arguments)
        assert result.returncode == 0, result.stderr
    doctor_result = panel.manage("doctor")
    assert "DEBUG is on" in doctor_result.stdout


def test_demo_has_settings_of_its_own() -> None:
    from freddy_admin.ops.demo_data import demo_environment

    environment = demo_environment(api_port=9)
    assert environment["DEBUG"] == "false"
    validate_debug_hosts(debug=True, hosts=environment["ALLOWED_HOSTS"].split(","))

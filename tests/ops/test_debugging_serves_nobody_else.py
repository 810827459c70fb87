"""With DEBUG=true nothing serves but on this machine; commands that serve nothing still run."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core.configuration import serving_check
from tests.flows.panel import ROOT, Panel

SAYS = "DEBUG=true is for this machine alone: set ALLOWED_HOSTS to localhost and 127.0.0.1"


@pytest.mark.parametrize(
    "hosts",
    [[], ["localhost"], ["localhost", "127.0.0.1", "[::1]"], ["127.0.0.2", "::1"]],
)
def test_loopback_hosts_are_served(hosts: list[str]) -> None:
    serving_check(debug=True, hosts=hosts)
    serving_check(debug=False, hosts=[*hosts, "panel.example.org"])


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
def test_any_other_host_is_refused_by_name(hosts: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="DEBUG=true is for this machine alone"):
        serving_check(debug=True, hosts=hosts)


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    panel = Panel(tmp_path, api="http://127.0.0.1:9")
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
def test_no_server_starts_for_others(panel: Panel, arguments: tuple[str, ...]) -> None:
    done = panel.manage(*arguments)
    assert done.returncode == 1
    assert SAYS in done.stderr
    assert "Traceback" not in done.stderr


def test_no_web_server_loads_the_application(panel: Panel) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import freddy_admin.wsgi"],
        env=panel.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert SAYS in done.stderr.splitlines()[-1]


def test_commands_that_serve_nothing_run(panel: Panel) -> None:
    for arguments in (("migrate",), ("check_now", "--all")):
        done = panel.manage(*arguments)
        assert done.returncode == 0, done.stderr
    told = panel.manage("doctor")
    assert "DEBUG is on" in told.stdout


def test_the_demo_brings_settings_of_its_own() -> None:
    from freddy_admin.ops.demo import demo_settings

    found = demo_settings(api_port=9)
    assert found["DEBUG"] == "false"
    serving_check(debug=True, hosts=found["ALLOWED_HOSTS"].split(","))

"""`doctor` tells a copy of the panel, `confirm_panel` says that this is the panel."""

from typing import Any

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core.panel_address import panel_address_record, panel_copied_from
from tests.ops.conftest import RunCommand

pytestmark = pytest.mark.django_db


def panel_line(run_command: RunCommand) -> str:
    (line,) = [line for line in run_command("doctor").lines if line[9:].startswith("panel ")]
    return line


def test_a_copy_is_a_problem_until_it_is_confirmed(run_command: RunCommand, settings: Any) -> None:
    here, settings.PANEL_URL = settings.PANEL_URL, "https://panel.example.org"
    assert panel_line(run_command).startswith("ok ")
    panel_address_record()
    settings.PANEL_URL = here
    line = panel_line(run_command)
    assert line.startswith("PROBLEM")
    assert "https://panel.example.org" in line
    assert "manage.py confirm_panel" in line
    result = run_command("confirm_panel")
    assert result.code == 0
    assert result.out.startswith(f"Confirmed: this is the panel {here}.")
    assert panel_copied_from() == ""
    assert panel_line(run_command).startswith("ok ")
    assert AuditEvent.objects.filter(tag="panel_confirmed", actor_id=None).count() == 1


def test_commands_call_nothing_where_calls_are_off(run_command: RunCommand, settings: Any) -> None:
    settings.AITRONOS_CALLS = False
    result = run_command("check_now", "--all")
    assert result.code == 1
    assert "AITRONOS_CALLS=off" in result.err
    (line,) = [line for line in run_command("doctor").lines if line[9:].startswith("api ")]
    assert line.startswith("ok ")
    assert "switched off" in line

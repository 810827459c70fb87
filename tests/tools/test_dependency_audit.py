"""Drill S34: `make audit` finds vulnerabilities, and says where it could not ask about them.

No test may call the advisory services: a program stands in for pip-audit.
"""

import json
from pathlib import Path

import pytest

from tools.security import dependency_audit

CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
VULNERABLE = {
    "name": "django",
    "version": "5.2.19",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["5.2.20"], "aliases": []}],
}
SKIPPED = {"name": "django", "skip_reason": "Dependency not found and could not be audited"}


@pytest.fixture
def program(tmp_path: Path):
    def create_program(
        *dependencies: dict[str, object], output: str = "", exit_code: int = 0
    ) -> str:
        report = {"dependencies": dependencies, "fixes": []}
        (tmp_path / "output").write_text(json.dumps(report) if dependencies else output)
        path = tmp_path / "pip-audit"
        path.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncat {tmp_path}/output\n'
            f"echo 'Traceback: no such host' >&2\nexit {exit_code}\n"
        )
        path.chmod(0o755)
        return str(path)

    return create_program


def test_an_audit_without_known_vulnerabilities_passes(program, capsys) -> None:
    assert dependency_audit.main(program(CLEAN)) == 0
    assert "2 libraries, 0 known holes." in capsys.readouterr().out


def test_a_known_vulnerability_is_printed_with_its_fixed_version(program, capsys) -> None:
    assert dependency_audit.main(program(VULNERABLE, exit_code=1)) == 1
    output = capsys.readouterr().out
    assert "django 5.2.19 (runs the panel): PYSEC-2026-1, repaired in 5.2.20" in output


def test_an_accepted_vulnerability_is_printed_with_its_reason_and_passes(
    program, capsys, monkeypatch
) -> None:
    monkeypatch.setitem(
        dependency_audit.ACCEPTED_VULNERABILITIES, "PYSEC-2026-1", "the panel reads no such file"
    )
    assert dependency_audit.main(program(VULNERABLE, exit_code=1)) == 0
    assert "accepted: the panel reads no such file" in capsys.readouterr().out


def test_a_library_that_was_skipped_fails_the_audit(program, capsys) -> None:
    assert (
        dependency_audit.main(program(CLEAN, SKIPPED)) == dependency_audit.EXIT_SERVICE_UNREACHABLE
    )
    output = capsys.readouterr().err
    assert "No advisory service could be asked" in output
    assert "1 of 2 libraries" in output


def test_an_unreachable_service_has_an_exit_code_of_its_own(program, capsys) -> None:
    assert (
        dependency_audit.main(program(output="", exit_code=1))
        == dependency_audit.EXIT_SERVICE_UNREACHABLE
        == 3
    )
    assert "it could not be reached (Traceback: no such host)" in capsys.readouterr().err


def test_every_audited_file_is_passed_to_pip_audit(program, tmp_path: Path) -> None:
    dependency_audit.main(program(CLEAN))
    calls = (tmp_path / "calls").read_text()
    assert calls.count("--require-hashes") == 2
    assert all(f"{name}\n" in calls for name in ("requirements/dev.txt", "requirements/audit.txt"))

"""Drill S34: `make audit` tells holes from clean, and from what nobody could judge.

The advisory services are elsewhere and no test may ask them: a program stands in for pip-audit.
"""

import json
from pathlib import Path

import pytest

from tools.security import audit

CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
HOLED = {
    "name": "django",
    "version": "5.2.19",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["5.2.20"], "aliases": []}],
}
SKIPPED = {"name": "django", "skip_reason": "Dependency not found and could not be audited"}


@pytest.fixture
def program(tmp_path: Path):
    def make(*told: dict[str, object], words: str = "", code: int = 0) -> str:
        answer = json.dumps({"dependencies": told, "fixes": []}) if told else words
        (tmp_path / "answer").write_text(answer)
        path = tmp_path / "pip-audit"
        path.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/answer\n'
            f"echo 'Traceback: no such host' >&2\nexit {code}\n"
        )
        path.chmod(0o755)
        return str(path)

    return make


def test_no_known_hole_is_the_end_of_it(program, capsys) -> None:
    assert audit.main(program(CLEAN)) == 0
    assert "2 libraries, 0 known holes." in capsys.readouterr().out


def test_a_known_hole_is_named_with_its_repair(program, capsys) -> None:
    assert audit.main(program(HOLED, code=1)) == 1
    said = capsys.readouterr().out
    assert "django 5.2.19 (runs the panel): PYSEC-2026-1, repaired in 5.2.20" in said


def test_an_accepted_one_is_told_with_its_reason_and_passes(program, capsys, monkeypatch) -> None:
    monkeypatch.setitem(audit.ACCEPTED, "PYSEC-2026-1", "the panel reads no such file")
    assert audit.main(program(HOLED, code=1)) == 0
    assert "accepted: the panel reads no such file" in capsys.readouterr().out


def test_a_library_that_was_not_judged_is_not_passed(program, capsys) -> None:
    assert audit.main(program(CLEAN, SKIPPED)) == audit.NOT_ASKED
    said = capsys.readouterr().err
    assert "No advisory service could be asked" in said
    assert "1 of 2 libraries" in said


def test_a_service_that_is_out_of_reach_has_a_code_of_its_own(program, capsys) -> None:
    assert audit.main(program(words="", code=1)) == audit.NOT_ASKED == 3
    assert "it could not be reached (Traceback: no such host)" in capsys.readouterr().err


def test_every_lock_file_is_asked_about(program, tmp_path: Path) -> None:
    audit.main(program(CLEAN))
    asked = (tmp_path / "asked").read_text()
    assert asked.count("--require-hashes") == 2
    assert all(f"{name}\n" in asked for name in ("requirements/dev.txt", "requirements/audit.txt"))

"""`venv_install.py`: from a bare Python to installed libraries, quick the second time."""

from collections.abc import Sequence
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from freddy_admin.ops import venv_install


class RecordedCommands:
    """Records the processes that would make the environment and install."""

    def __init__(self, venv: Path) -> None:
        self.venv, self.calls, self.failing_argument = venv, list[tuple[str, ...]](), ""

    def __call__(self, command: Sequence[str], **_options: object) -> None:
        self.calls.append(tuple(command))
        if self.failing_argument and self.failing_argument in command:
            raise CalledProcessError(1, list(command))
        if "venv" in command:
            (self.venv / "bin").mkdir(parents=True)
            (self.venv / "bin" / "python").touch()


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedCommands:
    recorded = RecordedCommands(tmp_path / ".venv")
    for name in venv_install.REQUIREMENT_FILES.values():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one==1 --hash=sha256:0\n")
    monkeypatch.setattr(venv_install, "BASE_DIR", tmp_path)
    monkeypatch.setattr(venv_install, "VENV", recorded.venv)
    monkeypatch.setattr("subprocess.run", recorded)
    return recorded


def test_first_run_creates_the_venv_and_installs_by_hash(commands: RecordedCommands) -> None:
    assert venv_install.main("runtime") == 0
    venv_command, install_command = commands.calls
    assert venv_command[1:3] == ("-m", "venv")
    assert "--require-hashes" in install_command
    assert "--no-deps" in install_command
    assert install_command[-1].endswith("requirements.txt")


def test_second_run_of_venv_install_does_nothing(commands: RecordedCommands) -> None:
    venv_install.main("runtime")
    commands.calls.clear()
    assert venv_install.main("runtime") == 0
    assert commands.calls == []


def test_changed_requirements_are_installed_into_the_same_venv(commands: RecordedCommands) -> None:
    venv_install.main("runtime")
    (venv_install.BASE_DIR / "requirements.txt").write_text("two==2 --hash=sha256:0\n")
    commands.calls.clear()
    venv_install.main("runtime")
    assert not any("venv" in command for command in commands.calls)
    assert any("install" in command for command in commands.calls)


def test_development_requirements_include_the_runtime(commands: RecordedCommands) -> None:
    venv_install.main("dev")
    commands.calls.clear()
    assert venv_install.main("runtime") == 0
    assert commands.calls == []


def test_broken_venv_is_created_anew(commands: RecordedCommands) -> None:
    venv_install.main("runtime")
    (venv_install.VENV / ".runtime-installed").unlink()
    commands.failing_argument = "-c"
    venv_install.main("runtime")
    assert any("venv" in command for command in commands.calls[2:])


def test_failed_install_is_a_sentence_and_is_retried(
    commands: RecordedCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.failing_argument = "--require-hashes"
    assert venv_install.main("runtime") == 1
    assert "python3-venv" in capsys.readouterr().err
    commands.failing_argument = ""
    assert venv_install.main("runtime") == 0


def test_old_python_gets_a_sentence(
    commands: RecordedCommands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 2, "final", 0))
    assert venv_install.main("runtime") == 1
    assert "needs Python 3.11 or newer; this is 3.9" in capsys.readouterr().err
    assert commands.calls == []

"""`set_up.py`: from a bare Python to installed libraries, quick the second time."""

from pathlib import Path
from subprocess import CalledProcessError

import pytest

from freddy_admin.ops import set_up


class Commands:
    """Stands for the processes that would make the environment and install."""

    def __init__(self, venv: Path) -> None:
        self.venv, self.seen, self.broken = venv, list[tuple[str, ...]](), ""

    def __call__(self, *command: str, stderr: int | None = None) -> None:
        self.seen.append(command)
        if self.broken and self.broken in command:
            raise CalledProcessError(1, list(command))
        if "venv" in command:
            (self.venv / "bin").mkdir(parents=True)
            (self.venv / "bin" / "python").touch()


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    found = Commands(tmp_path / ".venv")
    for name in set_up.FILES.values():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one==1 --hash=sha256:0\n")
    monkeypatch.setattr(set_up, "BASE_DIR", tmp_path)
    monkeypatch.setattr(set_up, "VENV", found.venv)
    monkeypatch.setattr(set_up, "_run", found)
    return found


def test_the_first_time_makes_and_installs_by_hash(commands: Commands) -> None:
    assert set_up.main("runtime") == 0
    made, installed = commands.seen
    assert made[1:3] == ("-m", "venv")
    assert "--require-hashes" in installed
    assert "--no-deps" in installed
    assert installed[-1].endswith("requirements.txt")


def test_the_second_time_does_nothing(commands: Commands) -> None:
    set_up.main("runtime")
    commands.seen.clear()
    assert set_up.main("runtime") == 0
    assert commands.seen == []


def test_changed_requirements_are_installed_into_the_same_environment(commands: Commands) -> None:
    set_up.main("runtime")
    (set_up.BASE_DIR / "requirements.txt").write_text("two==2 --hash=sha256:0\n")
    commands.seen.clear()
    set_up.main("runtime")
    assert not any("venv" in command for command in commands.seen)
    assert any("install" in command for command in commands.seen)


def test_development_includes_the_runtime(commands: Commands) -> None:
    set_up.main("dev")
    commands.seen.clear()
    assert set_up.main("runtime") == 0
    assert commands.seen == []


def test_a_broken_environment_is_made_anew(commands: Commands) -> None:
    set_up.main("runtime")
    (set_up.VENV / ".runtime-installed").unlink()
    commands.broken = "-c"
    set_up.main("runtime")
    assert any("venv" in command for command in commands.seen[2:])


def test_what_fails_is_a_sentence_and_tried_again(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.broken = "--require-hashes"
    assert set_up.main("runtime") == 1
    assert "python3-venv" in capsys.readouterr().err
    commands.broken = ""
    assert set_up.main("runtime") == 0


def test_an_old_python_is_told_so(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 2, "final", 0))
    assert set_up.main("runtime") == 1
    assert "needs Python 3.11 or newer; this is 3.9" in capsys.readouterr().err
    assert commands.seen == []

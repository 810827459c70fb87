"""The `.env` of a first start."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from freddy_admin.core import configuration
from freddy_admin.ops import first_run


def _values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_it_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert first_run.environment_write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in tmp_path.iterdir()] == [".env"]


def test_its_values_are_those_of_a_valid_trial(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    first_run.environment_write(path)
    values = _values(path)
    assert configuration.secret_key(values["SECRET_KEY"], debug=False)
    assert configuration.encryption(values["ENCRYPTION_KEYS"], "", debug=False)
    hosts = values["ALLOWED_HOSTS"].split(",")
    assert configuration.plain_http(values["PLAIN_HTTP"] == "true", hosts=hosts)
    assert (values["DEBUG"], values["REQUIRE_MFA"]) == ("false", "off")


def test_secrets_differ_from_start_to_start() -> None:
    assert first_run.environment_text() != first_run.environment_text()


def test_a_present_file_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not first_run.environment_write(path)
    assert path.read_text() == "SECRET_KEY=mine\n"


def test_of_two_starts_at_once_the_first_one_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"

    def slower() -> str:
        path.write_text("SECRET_KEY=faster\n")
        return "SECRET_KEY=slower\n"

    monkeypatch.setattr(first_run, "environment_text", slower)
    assert not first_run.environment_write(path)
    assert path.read_text() == "SECRET_KEY=faster\n"
    assert [child.name for child in tmp_path.iterdir()] == [".env"]


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_run, "BASE_DIR", tmp_path / "absent")
    assert first_run.main() == 1
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["first_run", "set_up", "supervisor"])
def test_neither_django_nor_a_library_is_needed(module: str) -> None:
    code = (
        f"import freddy_admin.ops.{module}, sys;"
        "sys.exit(any(name.split('.')[0] in {'django', 'environ'} for name in sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-I", "-S", "-c", _from(root, code)], check=True)


def _from(root: Path, code: str) -> str:
    return f"import sys; sys.path.insert(0, {str(root)!r}); {code}"

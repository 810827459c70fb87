"""The `.env` of a first start."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from freddy_admin.conf import master_key_settings, setting_parsers
from freddy_admin.ops import env_file


def _parse_env_file(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_env_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert env_file.env_file_write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in tmp_path.iterdir()] == [".env"]


def test_env_file_holds_the_settings_of_a_valid_trial(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    env_file.env_file_write(path)
    values = _parse_env_file(path)
    assert setting_parsers.parse_secret_key(values["SECRET_KEY"], debug=False)
    assert master_key_settings.parse_encryption_keys(values["ENCRYPTION_KEYS"], "", debug=False)
    hosts = values["ALLOWED_HOSTS"].split(",")
    assert setting_parsers.validate_plain_http(values["PLAIN_HTTP"] == "true", hosts=hosts)
    assert (values["DEBUG"], values["REQUIRE_MFA"]) == ("false", "off")


def test_secrets_of_two_env_files_differ() -> None:
    assert env_file.env_file_text() != env_file.env_file_text()


def test_existing_env_file_is_never_changed(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")
    assert not env_file.env_file_write(path)
    assert path.read_text() == "SECRET_KEY=mine\n"


def test_env_file_of_the_first_of_two_concurrent_starts_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"

    def write_slower() -> str:
        path.write_text("SECRET_KEY=faster\n")
        return "SECRET_KEY=slower\n"

    monkeypatch.setattr(env_file, "env_file_text", write_slower)
    assert not env_file.env_file_write(path)
    assert path.read_text() == "SECRET_KEY=faster\n"
    assert [child.name for child in tmp_path.iterdir()] == [".env"]


def test_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(env_file, "BASE_DIR", tmp_path / "absent")
    assert env_file.main() == 1
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["env_file", "venv_install", "supervisor"])
def test_module_needs_neither_django_nor_a_library(module: str) -> None:
    code = (
        f"import freddy_admin.ops.{module}, sys;"
        "sys.exit(any(name.split('.')[0] in {'django', 'environ'} for name in sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-I", "-S", "-c", _with_import_path(root, code)], check=True)


def _with_import_path(root: Path, code: str) -> str:
    return f"import sys; sys.path.insert(0, {str(root)!r}); {code}"

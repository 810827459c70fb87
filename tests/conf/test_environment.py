"""`NAME_FILE` keeps a secret out of the environment; tests never read `.env`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.environment import Environment


def test_a_setting_is_read_from_the_file_that_its_name_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("PLANTED_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("PLANTED", "from the environment")

    assert Environment().str("PLANTED") == "from the file"


def test_an_unreadable_setting_file_is_refused_by_its_settings_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANTED_FILE", "/nowhere/at/all")

    with pytest.raises(ImproperlyConfigured, match="PLANTED_FILE names a file") as raised:
        Environment().str("PLANTED", default="")

    assert "/nowhere" not in str(raised.value)


def test_a_binary_setting_file_is_refused_by_its_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("PLANTED_FILE", str(tmp_path / "secret"))

    with pytest.raises(ImproperlyConfigured, match="PLANTED_FILE"):
        Environment().str("PLANTED", default="")


@pytest.mark.parametrize("value", ["$HOME", "$abc$def", r"a\$b", r"\$", "a$b#c"])
def test_a_dollar_sign_in_a_setting_means_itself(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", value)

    assert Environment().str("PLANTED", default="") == value


def test_the_tests_read_no_env_file() -> None:
    assert os.environ["ENV_FILE"] == os.devnull
    assert not [name for name in os.environ if name.endswith("_FILE") and name != "ENV_FILE"]


def test_no_proxy_is_trusted_by_default() -> None:
    assert settings.TRUSTED_PROXIES == 0


def test_a_start_without_a_master_key_prints_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("SECRET_KEY=planted-0123456789-abcdefghijklmnopqrst\n")
    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "ENV_FILE": str(tmp_path / "env")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith("Freddy Admin cannot start. ENCRYPTION_KEYS is not set")
    assert "Traceback" not in result.stderr
    assert "planted" not in result.stderr

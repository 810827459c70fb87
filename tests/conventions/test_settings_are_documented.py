"""Every setting that the panel reads is in `.env.example` and in `docs/settings.md`."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""(?:env(?:\.\w+)?|conf\.\w+)\(\s*"([A-Z][A-Z_]+)\"""")
# Read by gunicorn.conf.py and by the first start, not by the settings.
ENVIRONMENT_ONLY = {"PORT", "WEB_CONCURRENCY", "ADMIN_EMAIL", "ADMIN_PASSWORD"}


def _settings_read() -> set[str]:
    panel = ROOT / "freddy_admin"
    files = [panel / "settings.py", *sorted((panel / "conf").glob("*.py"))]
    return {name for file in files for name in READ.findall(file.read_text())}


def test_the_search_pattern_finds_known_settings() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "TRUSTED_PROXIES"} <= _settings_read()


def test_every_setting_is_in_the_example_file() -> None:
    names = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert set(names) == _settings_read()


def test_every_setting_is_in_the_table_of_settings() -> None:
    table = re.findall(
        r"^\| `([A-Z][A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.M
    )
    assert set(table) - ENVIRONMENT_ONLY == _settings_read()


def test_the_example_file_contains_no_keys() -> None:
    text = (ROOT / ".env.example").read_text()
    assert re.search(r"^SECRET_KEY=$", text, re.M)
    assert re.search(r"^ENCRYPTION_KEYS=$", text, re.M)

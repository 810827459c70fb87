"""Whoever reads a setting also explains it, in `.env.example` and in `docs/settings.md`."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""(?:env(?:\.\w+)?|conf\.\w+|backends\.\w+)\(\s*"([A-Z][A-Z_]+)\"""")
# Read by gunicorn.conf.py and by the first start, not by the settings.
BESIDE = {"PORT", "WEB_CONCURRENCY", "ADMIN_EMAIL", "ADMIN_PASSWORD"}


def _settings_read() -> set[str]:
    files = [
        ROOT / "freddy_admin" / "settings.py",
        ROOT / "freddy_admin" / "core" / "configuration.py",
        ROOT / "freddy_admin" / "core" / "backends.py",
    ]
    return {name for file in files for name in READ.findall(file.read_text())}


def test_the_pattern_finds_the_settings() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "TRUSTED_PROXIES"} <= _settings_read()


def test_every_setting_is_in_the_example() -> None:
    named = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert set(named) == _settings_read()


def test_every_setting_is_in_the_table() -> None:
    table = re.findall(
        r"^\| `([A-Z][A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.M
    )
    assert set(table) - BESIDE == _settings_read()


def test_the_example_starts_nothing_by_itself() -> None:
    text = (ROOT / ".env.example").read_text()
    assert re.search(r"^SECRET_KEY=$", text, re.M)
    assert re.search(r"^ENCRYPTION_KEYS=$", text, re.M)

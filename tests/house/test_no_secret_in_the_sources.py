"""Drill S33: no secret of anybody stands in a file that is kept."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}",
    "an AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a Slack token": r"\bxox[abprs]-[0-9A-Za-z-]{20}",
    "a Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a JSON Web Token": r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.",
    "a password in an address": r"\b(?:postgres|redis|smtp\+tls)://[^\s:/@]+:(?!password)[^\s@]{8,}@"
    r"(?!db|host|localhost|127\.0\.0\.1|redis|mail)",
    "a master key": r"\bENCRYPTION_KEYS(?:_KMS)?\s*=\s*[A-Za-z0-9_+/:-]{40}",
    "a secret key": r"\bSECRET_KEY\s*=\s*[\"']?[A-Za-z0-9_-]{30}",
}


def _kept() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("these are not the files of a repository")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def _found(path: Path) -> list[tuple[str, str, str]]:
    name, text = str(path.relative_to(ROOT)), path.read_bytes().decode("latin-1")
    # Tests make up settings of their own.
    patterns = {
        what: pattern
        for what, pattern in SECRETS.items()
        if what != "a secret key" or not name.startswith("tests/")
    }
    return [
        (name, what, match[0][:12])
        for what, pattern in patterns.items()
        for match in re.finditer(pattern, text)
    ]


def test_none_is_there() -> None:
    files = [path for path in _kept() if path.is_file() and path != Path(__file__).resolve()]
    assert [one for path in files for one in _found(path)] == []


def test_nothing_that_holds_secrets_is_kept() -> None:
    kept = {str(path.relative_to(ROOT)) for path in _kept()}
    assert ".env.example" in kept
    private = re.compile(r"(^|/)\.env$|\.(sqlite3(-wal)?|pem|key|p12|log|dump)$|^var/")
    assert [name for name in kept if private.search(name)] == []


@pytest.mark.parametrize("what", SECRETS)
def test_each_pattern_would_find_one(what: str) -> None:
    examples = {
        "a private key": "-----BEGIN PRIVATE KEY-----\n" + "A" * 64,
        "an AWS key": "AKIA" + "Z" * 16,
        "a GitHub token": "ghp_" + "a" * 36,
        "a GitLab token": "glpat-" + "a" * 20,
        "a Slack token": "xoxb-" + "1" * 20,
        "a Google key": "AIza" + "a" * 35,
        "a JSON Web Token": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + ".",
        "a password in an address": "postgres://freddy:hunter2hunter2@prod.example.org/x",
        "a master key": "ENCRYPTION_KEYS=" + "a" * 43,
        "a secret key": 'SECRET_KEY = "' + "a" * 40,
    }
    assert re.search(SECRETS[what], examples[what])

"""Drill S33: no secret of anybody stands in a file that is kept, or ever was."""

import base64
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.security.secrets import reading
from tools.security.secrets.known import HARMLESS

ROOT = Path(__file__).resolve().parents[2]
PRIVATE = re.compile(r"(^|/)\.env(?!\.example$)|\.(sqlite3(-\w+)?|pem|key|p12|log|dump)$|^var/")
# Put together here, so that this file holds none.
PLANTED = {
    "a private key": "-----BEGIN " + "PRIVATE KEY-----\n" + "MIIE" * 16,
    "a private key in code": "'-----BEGIN EC " + "PRIVATE KEY-----\\n" + "MHcC" * 16,
    "an AWS key": "AKIA" + "Z" * 16,
    "a GitHub token": "ghp_" + "a1" * 18,
    "a GitLab token": "glpat-" + "a1" * 10,
    "a Slack token": "xoxb-" + "-".join(["1" * 12, "2" * 12, "a" * 24]),
    "a password in an address": "postgres://freddy:" + "correct-horse@prod.example.org/x",
    "a master key": "ENCRYPTION_KEYS" + "=" + base64.urlsafe_b64encode(b"k" * 32).decode(),
    "a master key without its name": base64.urlsafe_b64encode(b"m" * 32).decode(),
    "a secret key": "SECRET_KEY" + ' = "' + "a1b2" * 10 + '"',
    "an Aitronos key": "oak_live_" + "a1B2" * 15,
    "an Aitronos key of another shape": "ak_" + "a1B2" * 10,
    "a panel token": "freddy_" + "a1B2" * 10 + "xyz",
    "the secret of a provider": "OIDC_CLIENT_SECRET" + ": " + "q9w8" * 6,
}


def _searched(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.security.secrets", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", "-C", str(root), *who, *arguments], capture_output=True, text=True, check=True
    ).stdout


def _commit(root: Path, text: str, message: str = "Change") -> None:
    (root / "notes.txt").write_text(text)
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", message)


@pytest.fixture
def throw_away(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    _git(root, "init", "--quiet")
    _commit(root, "Nothing yet.")
    return root


def _skip_without_git() -> None:
    try:
        reading.commits(ROOT)
    except reading.NoRepository:
        pytest.skip("these are not the files of a repository")


def test_none_is_in_the_tree_or_in_any_commit() -> None:
    _skip_without_git()
    # What others have on branches of their own is theirs; `make secrets` looks there, too.
    done = _searched("--head")
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_that_holds_secrets_is_kept_or_handed_on() -> None:
    _skip_without_git()
    kept = [one.place for one in reading.tree(ROOT)]
    shipped = _git(ROOT, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert ".env.example" in kept
    assert [name for name in {*kept, *shipped} if PRIVATE.search(name)] == []
    ever = _git(ROOT, "log", "--all", "--format=", "--name-only", "--no-renames").splitlines()
    assert [name for name in set(ever) if PRIVATE.search(name)] == []


def test_an_archive_leaves_out_what_a_running_panel_keeps(throw_away: Path) -> None:
    (throw_away / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    (throw_away / "var").mkdir()
    for name in (".env", "var/freddy.sqlite3", "var/first-link", "kept.txt"):
        (throw_away / name).write_text("x")
    _commit(throw_away, "Something.")
    packed = throw_away.parent / "panel.tar"
    _git(throw_away, "archive", f"--output={packed}", "HEAD")
    with tarfile.open(packed) as archive:
        assert sorted(archive.getnames()) == [".gitignore", "kept.txt", "notes.txt"]


def test_those_in_the_tree_are_found_and_not_said(throw_away: Path) -> None:
    for number, value in enumerate(PLANTED.values()):
        (throw_away / f"new-{number}.txt").write_text(f"before\n{value}\n")
    done = _searched("--tree", str(throw_away))
    assert done.returncode == 1
    missed = [
        what for number, what in enumerate(PLANTED) if f"new-{number}.txt:2: " not in done.stderr
    ]
    assert missed == []
    said = [
        what
        for what, value in PLANTED.items()
        if value[-12:].strip("\"'") in done.stdout + done.stderr
    ]
    assert said == []


def test_those_that_a_later_commit_took_out_are_found(throw_away: Path) -> None:
    _commit(throw_away, "\n\n".join(PLANTED.values()))
    named = _git(throw_away, "rev-parse", "--short", "HEAD").strip()
    _commit(throw_away, "Cleaned.")
    assert _searched("--tree", str(throw_away)).returncode == 0
    done = _searched(str(throw_away))
    assert done.returncode == 1
    assert done.stderr.count(f"commit {named}, notes.txt:") >= len(PLANTED)


def test_one_on_another_branch_or_in_the_words_of_a_commit_is_found(throw_away: Path) -> None:
    _git(throw_away, "checkout", "--quiet", "-b", "aside")
    _commit(throw_away, "Harmless.", f"Use {PLANTED['an Aitronos key']}")
    _git(throw_away, "checkout", "--quiet", "-")
    done = _searched(str(throw_away))
    assert done.returncode == 1
    assert "the commit's own words" in done.stderr


def test_a_shallow_clone_is_searched_and_says_that_it_is_one(
    throw_away: Path, tmp_path: Path
) -> None:
    _commit(throw_away, PLANTED["an AWS key"])
    _commit(throw_away, "Cleaned.")
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "--quiet", "--depth=1", throw_away.as_uri(), str(clone))
    done = _searched(str(clone))
    assert done.returncode == 0
    assert "This clone is shallow" in done.stdout


def test_a_folder_that_is_no_repository_is_not_passed_as_clean(tmp_path: Path) -> None:
    done = _searched(str(tmp_path))
    assert done.returncode == 2
    assert "cannot be searched" in done.stderr


def test_what_is_called_harmless_is_called_so_for_a_reason() -> None:
    assert all(len(reason) > 8 for reason in HARMLESS.values())

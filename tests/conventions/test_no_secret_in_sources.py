"""Drill S33: no secret is in any file of the tree or in the last commits."""

import base64
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tools.security.secrets import git_texts
from tools.security.secrets.harmless_values import HARMLESS_VALUES

ROOT = Path(__file__).resolve().parents[2]
PRIVATE = re.compile(r"(^|/)\.env(?!\.example$)|\.(sqlite3(-\w+)?|pem|key|p12|log|dump)$|^var/")
# Put together here, so that this file holds none.
PLANTED_SECRETS = {
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


def _run_secret_search(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.security.secrets", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], capture_output=True, text=True, check=True
    ).stdout


def _commit(root: Path, text: str, message: str = "Change") -> None:
    (root / "notes.txt").write_text(text)
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", message)


@pytest.fixture
def temporary_repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    _git(root, "init", "--quiet")
    _commit(root, "Nothing yet.")
    return root


def _skip_without_git() -> None:
    try:
        git_texts.count_commits(ROOT)
    except git_texts.NotARepository:
        pytest.skip("the files are not in a git repository")


def test_no_secret_is_in_the_tree_or_in_the_last_commits() -> None:
    _skip_without_git()
    # Every commit of every branch is searched by `make secrets`, which `.ci/run` begins with.
    completed = _run_secret_search("--recent")
    assert (completed.returncode, completed.stderr) == (0, "")


def test_no_file_that_holds_secrets_is_tracked() -> None:
    _skip_without_git()
    tree_paths = [text.path for text in git_texts.list_tree_texts(ROOT)]
    head_paths = _git(ROOT, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
    assert ".env.example" in tree_paths
    assert [name for name in {*tree_paths, *head_paths} if PRIVATE.search(name)] == []
    history_names = _git(ROOT, "log", "--all", "--format=", "--name-only", "--no-renames")
    assert [name for name in set(history_names.splitlines()) if PRIVATE.search(name)] == []


def test_an_archive_leaves_out_files_of_a_running_panel(temporary_repository: Path) -> None:
    (temporary_repository / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    (temporary_repository / "var").mkdir()
    for name in (".env", "var/freddy.sqlite3", "var/first-link", "tracked.txt"):
        (temporary_repository / name).write_text("x")
    _commit(temporary_repository, "Something.")
    archive_path = temporary_repository.parent / "panel.tar"
    _git(temporary_repository, "archive", f"--output={archive_path}", "HEAD")
    with tarfile.open(archive_path) as archive:
        assert sorted(archive.getnames()) == [".gitignore", "notes.txt", "tracked.txt"]


def test_planted_secrets_in_the_tree_are_found_and_not_printed(temporary_repository: Path) -> None:
    for number, value in enumerate(PLANTED_SECRETS.values()):
        (temporary_repository / f"new-{number}.txt").write_text(f"before\n{value}\n")
    completed = _run_secret_search("--tree", str(temporary_repository))
    assert completed.returncode == 1
    missed = [
        description
        for number, description in enumerate(PLANTED_SECRETS)
        if f"new-{number}.txt:2: " not in completed.stderr
    ]
    assert missed == []
    printed = [
        description
        for description, value in PLANTED_SECRETS.items()
        if value[-12:].strip("\"'") in completed.stdout + completed.stderr
    ]
    assert printed == []


def test_secrets_removed_by_a_later_commit_are_found(temporary_repository: Path) -> None:
    _commit(temporary_repository, "\n\n".join(PLANTED_SECRETS.values()))
    commit_id = _git(temporary_repository, "rev-parse", "--short", "HEAD").strip()
    _commit(temporary_repository, "Cleaned.")
    assert _run_secret_search("--tree", str(temporary_repository)).returncode == 0
    completed = _run_secret_search(str(temporary_repository))
    assert completed.returncode == 1
    assert completed.stderr.count(f"commit {commit_id}, notes.txt:") >= len(PLANTED_SECRETS)


def test_a_recent_search_takes_the_last_twenty_commits(temporary_repository: Path) -> None:
    _commit(temporary_repository, PLANTED_SECRETS["an AWS key"])
    for number in range(19):
        _commit(temporary_repository, f"Cleaned {number}.")
    assert _run_secret_search("--recent", str(temporary_repository)).returncode == 1
    _commit(temporary_repository, "Cleaned again.")
    _commit(temporary_repository, "And again.")
    assert _run_secret_search("--recent", str(temporary_repository)).returncode == 0


def test_secrets_on_another_branch_or_in_a_commit_message_are_found(
    temporary_repository: Path,
) -> None:
    _git(temporary_repository, "checkout", "--quiet", "-b", "aside")
    _commit(temporary_repository, "Harmless.", f"Use {PLANTED_SECRETS['an Aitronos key']}")
    _git(temporary_repository, "checkout", "--quiet", "-")
    completed = _run_secret_search(str(temporary_repository))
    assert completed.returncode == 1
    assert "the commit's own words" in completed.stderr


def test_a_shallow_clone_is_searched_and_says_that_it_is_one(
    temporary_repository: Path, tmp_path: Path
) -> None:
    _commit(temporary_repository, PLANTED_SECRETS["an AWS key"])
    _commit(temporary_repository, "Cleaned.")
    clone = tmp_path / "clone"
    _git(tmp_path, "clone", "--quiet", "--depth=1", temporary_repository.as_uri(), str(clone))
    completed = _run_secret_search(str(clone))
    assert completed.returncode == 0
    assert "This clone is shallow" in completed.stdout


def test_folder_without_repository_is_not_reported_clean(tmp_path: Path) -> None:
    completed = _run_secret_search(str(tmp_path))
    assert completed.returncode == 2
    assert "cannot be searched" in completed.stderr


def test_every_harmless_value_has_a_reason() -> None:
    assert all(len(reason) > 8 for reason in HARMLESS_VALUES.values())

"""The texts of a repository: its files, and every object of every commit of every branch."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

OBJECTS_PER_BATCH = 400  # objects that one call of git reads
RECENT_COMMITS = 20


class GitText(NamedTuple):
    """A text to search: its path, its object name in git (empty for a file), its content."""

    path: str
    object: str
    content: str


class NotARepository(Exception):
    """The folder is no git repository, so nothing can be searched."""


def list_tree_texts(root: Path) -> Iterator[GitText]:
    """Every file that git tracks, or would track with the next commit."""
    output = _run_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in sorted(set(filter(None, output.split("\0")))):
        if (root / name).is_file():
            yield GitText(name, "", (root / name).read_bytes().decode("latin-1"))


def list_recent_refs(root: Path) -> list[str]:
    """What names the last commits of the current branch for git: its end, without what is older."""
    older = ["--first-parent", f"--skip={RECENT_COMMITS}", "--max-count=1"]
    return ["HEAD", *(f"^{name}" for name in _run_git(root, "rev-list", *older, "HEAD").split())]


def list_history_texts(root: Path, refs: Sequence[str] = ("--all",)) -> Iterator[GitText]:
    """Every version of every file, every commit message and every tag, each once."""
    paths = {
        name: path
        for name, _, path in (
            line.partition(" ")
            for line in _run_git(root, "rev-list", *refs, "--objects").splitlines()
        )
    }
    names = list(paths)
    for start in range(0, len(names), OBJECTS_PER_BATCH):
        for name, kind, content in _read_objects(root, names[start : start + OBJECTS_PER_BATCH]):
            if kind != "tree":
                yield GitText(paths[name] or f"the {kind}'s own words", name, content)


def is_shallow_clone(root: Path) -> bool:
    """Whether older commits were left behind when this was cloned."""
    return _run_git(root, "rev-parse", "--is-shallow-repository").strip() == "true"


def count_commits(root: Path, refs: Sequence[str] = ("--all",)) -> int:
    """The number of commits that these refs reach."""
    return int(_run_git(root, "rev-list", *refs, "--count"))


def find_commit_with_object(root: Path, name: str) -> str:
    """The short id of the first commit that held this object, or of the object itself."""
    output = _run_git(root, "log", "--all", "--reverse", "--format=%h", f"--find-object={name}")
    return output.split()[0] if output else name[:8]


def _read_objects(root: Path, names: list[str]) -> Iterator[tuple[str, str, str]]:
    output = _run_git_with_input(root, ["cat-file", "--batch"], "\n".join(names).encode())
    while output:
        header, _, output = output.partition(b"\n")
        name, kind, size = header.decode().split()
        yield name, kind, output[: int(size)].decode("latin-1")
        output = output[int(size) + 1 :]


def _run_git(root: Path, *arguments: str) -> str:
    return _run_git_with_input(root, list(arguments), b"").decode("utf-8", "surrogateescape")


def _run_git_with_input(root: Path, arguments: list[str], stdin: bytes) -> bytes:
    result = subprocess.run(
        ["git", "-C", str(root), *arguments], input=stdin, capture_output=True, check=False
    )
    if result.returncode:
        raise NotARepository(result.stderr.decode("utf-8", "replace").strip())
    return result.stdout

"""What is in a repository: its files, and everything any commit of any branch ever held."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

AT_ONCE = 400  # objects that git is asked for together


class Text(NamedTuple):
    """Something to be searched; `place` is a path, `object` git's name for it or nothing."""

    place: str
    object: str
    content: str


class NoRepository(Exception):
    """There is nothing that could be searched."""


def tree(root: Path) -> Iterator[Text]:
    """Every file that is kept, or would be with the next commit."""
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in sorted(set(filter(None, listed.split("\0")))):
        if (root / name).is_file():
            yield Text(name, "", (root / name).read_bytes().decode("latin-1"))


def history(root: Path, refs: str = "--all") -> Iterator[Text]:
    """Every version of every file, every message of a commit and every tag, each once."""
    names = {
        name: place
        for name, _, place in (
            line.partition(" ") for line in _git(root, "rev-list", refs, "--objects").splitlines()
        )
    }
    wanted = list(names)
    for start in range(0, len(wanted), AT_ONCE):
        for name, kind, content in _objects(root, wanted[start : start + AT_ONCE]):
            if kind != "tree":
                yield Text(names[name] or f"the {kind}'s own words", name, content)


def shallow(root: Path) -> bool:
    """Whether older commits were left behind when this was cloned."""
    return _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"


def commits(root: Path, refs: str = "--all") -> int:
    """How many there are."""
    return int(_git(root, "rev-list", refs, "--count"))


def commit_with(root: Path, name: str) -> str:
    """The first commit that held this object, or which it is itself."""
    found = _git(root, "log", "--all", "--reverse", "--format=%h", f"--find-object={name}")
    return found.split()[0] if found else name[:8]


def _objects(root: Path, names: list[str]) -> Iterator[tuple[str, str, str]]:
    rest = _run(root, ["cat-file", "--batch"], "\n".join(names).encode())
    while rest:
        head, _, rest = rest.partition(b"\n")
        name, kind, size = head.decode().split()
        yield name, kind, rest[: int(size)].decode("latin-1")
        rest = rest[int(size) + 1 :]


def _git(root: Path, *arguments: str) -> str:
    return _run(root, list(arguments), b"").decode("utf-8", "surrogateescape")


def _run(root: Path, arguments: list[str], given: bytes) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], input=given, capture_output=True, check=False
    )
    if done.returncode:
        raise NoRepository(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout

"""Reads what is pinned: the lock files, and the list of vendored files."""

import re
from pathlib import Path
from typing import NamedTuple

# From what runs the panel to what tests it; each holds all of the one before.
LOCKS = ("requirements.txt", "requirements/aws.txt", "requirements/dev.txt")
_START = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+?)(?: ; (.+?))? \\$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VENDORED = re.compile(r"^([0-9a-f]{64})  (\S+)  (\S+) (\d+\.\d+\.\d+), ([\w.-]+)")


class Pinned(NamedTuple):
    """A library: its name, version, the files it may come as, and who asks for it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]  # names of libraries; a file of ours stands as "-r NAME"


class Vendored(NamedTuple):
    """A package of which files were copied into `static/`."""

    name: str
    version: str
    licence: str
    files: tuple[tuple[str, str], ...]  # path below static/, sha256


def pinned(text: str) -> dict[str, Pinned]:
    """The libraries of a lock file, by name, in its order."""
    found: dict[str, Pinned] = {}
    for part in re.split(r"\n(?=[A-Za-z0-9])", text):
        first, _, rest = part.partition("\n")
        if head := _START.match(first):
            name, version, marker = head[1], head[2], head[3] or ""
            found[name] = Pinned(name, version, marker, tuple(_HASH.findall(rest)), _via(rest))
    return found


def vendored(text: str) -> list[Vendored]:
    """The packages of `static/vendor/CHECKSUMS`."""
    found: dict[str, Vendored] = {}
    for digest, path, name, version, licence in (
        match.groups() for match in map(_VENDORED.match, text.splitlines()) if match
    ):
        before = found.get(name, Vendored(name, version, licence, ()))
        found[name] = before._replace(files=(*before.files, (path, digest)))
    return list(found.values())


def lock(root: Path, name: str) -> dict[str, Pinned]:
    """One of LOCKS."""
    return pinned((root / name).read_text())


def _via(rest: str) -> tuple[str, ...]:
    comments = re.findall(r"^ +# +(.+)$", rest, re.MULTILINE)
    names = (one.removeprefix("via").strip() for one in comments)
    return tuple(re.sub(r"\[[^\]]*\]", "", name) for name in names if name)

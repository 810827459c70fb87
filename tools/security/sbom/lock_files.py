"""Reads the lock files and the list of vendored files."""

import re
from pathlib import Path
from typing import NamedTuple

# Each holds all libraries of the one before.
LOCK_FILES = ("requirements.txt", "requirements/aws.txt", "requirements/dev.txt")
_REQUIREMENT_PATTERN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+?)(?: ; (.+?))? \\$")
_HASH_PATTERN = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VENDORED_PATTERN = re.compile(r"^([0-9a-f]{64})  (\S+)  (\S+) (\d+\.\d+\.\d+), ([\w.-]+)")


class PinnedLibrary(NamedTuple):
    """A library of a lock file: the hashes of its files, and who depends on it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    required_by: tuple[str, ...]  # names of libraries, or "-r NAME" for a requirements file


class VendoredFile(NamedTuple):
    """A package whose files were copied into `static/`."""

    name: str
    version: str
    licence: str
    files: tuple[tuple[str, str], ...]  # path below static/, sha256


def parse_lock_file(text: str) -> dict[str, PinnedLibrary]:
    """The libraries of a lock file, by name, in its order."""
    libraries: dict[str, PinnedLibrary] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        first_line, _, other_lines = block.partition("\n")
        if match := _REQUIREMENT_PATTERN.match(first_line):
            name, version, marker = match[1], match[2], match[3] or ""
            libraries[name] = PinnedLibrary(
                name,
                version,
                marker,
                tuple(_HASH_PATTERN.findall(other_lines)),
                _parse_required_by(other_lines),
            )
    return libraries


def parse_vendored_files(text: str) -> list[VendoredFile]:
    """The packages of `static/vendor/CHECKSUMS`."""
    packages: dict[str, VendoredFile] = {}
    for digest, path, name, version, licence in (
        match.groups() for match in map(_VENDORED_PATTERN.match, text.splitlines()) if match
    ):
        package = packages.get(name, VendoredFile(name, version, licence, ()))
        packages[name] = package._replace(files=(*package.files, (path, digest)))
    return list(packages.values())


def read_lock_file(root: Path, name: str) -> dict[str, PinnedLibrary]:
    """The libraries of one of LOCK_FILES, by name."""
    return parse_lock_file((root / name).read_text())


def _parse_required_by(comment_lines: str) -> tuple[str, ...]:
    comments = re.findall(r"^ +# +(.+)$", comment_lines, re.MULTILINE)
    names = (comment.removeprefix("via").strip() for comment in comments)
    return tuple(re.sub(r"\[[^\]]*\]", "", name) for name in names if name)

"""What is installed is pinned, and every file of it is known by its hash."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _requirements(name: str) -> dict[str, str]:
    text = re.sub(r"\\\n\s*", " ", (ROOT / name).read_text())
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {re.split(r"[\[=]", line, maxsplit=1)[0]: line for line in lines}


FILES = ("requirements.txt", "requirements/aws.txt", "requirements/dev.txt")
ALONE = "requirements/audit.txt"  # in a virtual environment of its own


@pytest.mark.parametrize("name", [*FILES, ALONE])
def test_every_library_is_pinned_with_hashes(name: str) -> None:
    bad = [
        line for line in _requirements(name).values() if "==" not in line or "sha256" not in line
    ]
    assert bad == []


@pytest.mark.parametrize("more", FILES[1:])
def test_what_is_added_adds_to_the_same_versions(more: str) -> None:
    runtime, larger = _requirements("requirements.txt"), _requirements(more)
    assert {name: larger.get(name) for name in runtime} == runtime


def test_nothing_names_a_package_index() -> None:
    for name in (*FILES, ALONE):
        assert "://" not in (ROOT / name).read_text()

"""Every library is pinned, with the hashes of its files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _read_requirements(name: str) -> dict[str, str]:
    text = re.sub(r"\\\n\s*", " ", (ROOT / name).read_text())
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {re.split(r"[\[=]", line, maxsplit=1)[0]: line for line in lines}


FILES = (
    "requirements.txt",
    "requirements/anymail.txt",
    "requirements/aws.txt",
    "requirements/dev.txt",
)
AUDIT_FILE = "requirements/audit.txt"  # in a virtual environment of its own


@pytest.mark.parametrize("name", [*FILES, AUDIT_FILE])
def test_every_library_is_pinned_with_hashes(name: str) -> None:
    unpinned = [
        line
        for line in _read_requirements(name).values()
        if "==" not in line or "sha256" not in line
    ]
    assert unpinned == []


@pytest.mark.parametrize("name", FILES[1:])
def test_longer_lists_pin_the_versions_of_the_runtime_list(name: str) -> None:
    runtime, extended = _read_requirements("requirements.txt"), _read_requirements(name)
    assert {library: extended.get(library) for library in runtime} == runtime


def test_no_requirements_file_names_a_package_index() -> None:
    for name in (*FILES, AUDIT_FILE):
        assert "://" not in (ROOT / name).read_text()


def test_mails_through_a_sending_service_need_one_library_more() -> None:
    runtime = _read_requirements("requirements.txt")
    assert _read_requirements("requirements/anymail.txt").keys() - runtime == {"django-anymail"}

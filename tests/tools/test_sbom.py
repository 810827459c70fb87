"""Drill S34: every library that is pinned, and every vendored file, is in the bill of materials."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tools.security.sbom.bill_of_materials import build_bill_of_materials
from tools.security.sbom.library_licences import LICENCES_READ_BY_HAND
from tools.security.sbom.lock_files import LOCK_FILES, read_lock_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return json.loads(build_bill_of_materials())


def _libraries(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        component["name"]: component
        for component in bill["components"]
        if component["purl"].startswith("pkg:pypi/")
    }


def test_the_bill_holds_every_pinned_library_with_version_and_hashes(bill: dict[str, Any]) -> None:
    libraries = _libraries(bill)
    for name in LOCK_FILES:
        text = (ROOT / name).read_text()
        # Parsed in another way than `read_lock_file` does.
        blocks = re.findall(r"^([\w.-]+)(?:\[.*?\])?==(\S+)(.*?)(?=^[\w.-]|\Z)", text, re.M | re.S)
        assert len(blocks) == text.count("==") - len(re.findall(r"; .*==", text))
        for library, version, block in blocks:
            hashes = [
                file["content"]
                for reference in libraries[library]["externalReferences"]
                for file in reference["hashes"]
            ]
            assert libraries[library]["version"] == version
            assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", block)) != []


def test_the_bill_holds_no_other_library(bill: dict[str, Any]) -> None:
    assert set(_libraries(bill)) == set(read_lock_file(ROOT, LOCK_FILES[-1]))


def test_each_installed_library_has_a_licence(bill: dict[str, Any]) -> None:
    unlicensed = [
        name for name, component in _libraries(bill).items() if not component.get("licenses")
    ]
    assert [name for name in unlicensed if find_spec(name.replace("-", "_"))] == []
    assert all(
        component["licenses"] for component in bill["components"] if "pkg:npm/" in component["purl"]
    )


def test_licences_read_by_hand_are_in_the_bill(bill: dict[str, Any]) -> None:
    libraries = _libraries(bill)
    for name, licence in LICENCES_READ_BY_HAND.items():
        (entry,) = libraries[name]["licenses"]
        assert entry in ({"license": {"id": licence}}, {"expression": licence})


def test_libraries_of_the_panel_and_of_its_tests_have_other_scopes(bill: dict[str, Any]) -> None:
    scopes = {name: component["scope"] for name, component in _libraries(bill).items()}
    runtime = set(read_lock_file(ROOT, "requirements.txt"))
    assert {name for name, scope in scopes.items() if scope == "required"} == runtime
    assert scopes["boto3"] == "optional"
    assert scopes["pytest"] == "excluded"


def test_the_bill_holds_who_depends_on_what(bill: dict[str, Any]) -> None:
    dependencies = {
        component["ref"]: component.get("dependsOn", []) for component in bill["dependencies"]
    }
    purls = {name: component["purl"] for name, component in _libraries(bill).items()}
    assert purls["django"] in dependencies["freddy-admin"]
    assert purls["cffi"] in dependencies[purls["cryptography"]]
    dependency_refs = {ref for refs in dependencies.values() for ref in refs}
    assert {component["bom-ref"] for component in bill["components"]} - dependency_refs == set()


def test_the_bill_holds_the_vendored_files(bill: dict[str, Any]) -> None:
    checksum_lines = (ROOT / "static/vendor/CHECKSUMS").read_text().splitlines()[1:]
    files = {
        (file["hashes"][0]["content"], file["name"])
        for component in bill["components"]
        for file in component.get("components", [])
    }
    assert files == {(line.split()[0], f"static/{line.split()[1]}") for line in checksum_lines}


def test_the_bill_is_reproducible() -> None:
    assert build_bill_of_materials() == build_bill_of_materials()
    assert "timestamp" not in build_bill_of_materials()

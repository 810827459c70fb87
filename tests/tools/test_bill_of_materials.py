"""Drill S34: every library that is pinned, and every vendored file, is in the bill of materials."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tools.security.sbom.bill import bill
from tools.security.sbom.licences import READ_IN_THEIR_FILES
from tools.security.sbom.locks import LOCKS, lock

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return json.loads(bill())


def _libraries(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in told["components"] if one["purl"].startswith("pkg:pypi/")}


def test_every_pinned_library_is_in_it_with_version_and_hashes(told: dict[str, Any]) -> None:
    found = _libraries(told)
    for name in LOCKS:
        text = (ROOT / name).read_text()
        # Read here in another way than the bill's own.
        blocks = re.findall(r"^([\w.-]+)(?:\[.*?\])?==(\S+)(.*?)(?=^[\w.-]|\Z)", text, re.M | re.S)
        assert len(blocks) == text.count("==") - len(re.findall(r"; .*==", text))
        for library, version, rest in blocks:
            hashes = [
                one["content"]
                for reference in found[library]["externalReferences"]
                for one in reference["hashes"]
            ]
            assert found[library]["version"] == version
            assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", rest)) != []


def test_nothing_else_is_in_it(told: dict[str, Any]) -> None:
    assert set(_libraries(told)) == set(lock(ROOT, LOCKS[-1]))


def test_each_that_is_installed_has_a_licence(told: dict[str, Any]) -> None:
    without = [name for name, one in _libraries(told).items() if not one.get("licenses")]
    assert [name for name in without if find_spec(name.replace("-", "_"))] == []
    assert all(one["licenses"] for one in told["components"] if "pkg:npm/" in one["purl"])


def test_where_a_library_says_bsd_alone_its_file_was_read(told: dict[str, Any]) -> None:
    found = _libraries(told)
    for name, licence in READ_IN_THEIR_FILES.items():
        (said,) = found[name]["licenses"]
        assert said in ({"license": {"id": licence}}, {"expression": licence})


def test_what_runs_the_panel_is_told_from_what_tests_it(told: dict[str, Any]) -> None:
    scopes = {name: one["scope"] for name, one in _libraries(told).items()}
    runtime = set(lock(ROOT, "requirements.txt"))
    assert {name for name, scope in scopes.items() if scope == "required"} == runtime
    assert scopes["boto3"] == "optional"
    assert scopes["pytest"] == "excluded"


def test_who_asks_for_what_is_in_it(told: dict[str, Any]) -> None:
    asks = {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}
    versions = {name: one["purl"] for name, one in _libraries(told).items()}
    assert versions["django"] in asks["freddy-admin"]
    assert versions["cffi"] in asks[versions["cryptography"]]
    asked_for = {ref for refs in asks.values() for ref in refs}
    assert {one["bom-ref"] for one in told["components"]} - asked_for == set()


def test_files_that_were_copied_into_the_pages_are_in_it(told: dict[str, Any]) -> None:
    listed = (ROOT / "static/vendor/CHECKSUMS").read_text().splitlines()[1:]
    files = {
        (part["hashes"][0]["content"], part["name"])
        for one in told["components"]
        for part in one.get("components", [])
    }
    assert files == {(line.split()[0], f"static/{line.split()[1]}") for line in listed}


def test_the_same_files_make_the_same_bytes() -> None:
    assert bill() == bill()
    assert "timestamp" not in bill()

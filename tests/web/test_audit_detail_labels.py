"""Every audit detail that the code records has a label."""

import ast
from collections.abc import Iterator
from pathlib import Path

from freddy_admin.web.presenters.audit_event_details import (
    _DETAIL_NAME_LABELS,
    _HIDDEN_DETAIL_NAMES,
)

CODE = Path(__file__).resolve().parents[2] / "freddy_admin"
RECORDING_FUNCTIONS = {
    "audit_event_record",
    "audit_event_record_if_possible",
    "key_audit_record",
    "_invitation_audit_record",
    "_token_audit_record",
    "_second_factor_change_record",
}
EVENT_ARGUMENTS = {"tag", "actor", "organisation", "subject", "same_as"}


def _recorded_detail_names() -> Iterator[str]:
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if name in RECORDING_FUNCTIONS:
                yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def test_search_finds_the_audit_details_in_the_code() -> None:
    assert {"filters", "to_test", "place_ended", "changes"} <= set(_recorded_detail_names())


def test_every_audit_detail_has_a_label() -> None:
    assert (
        set(_recorded_detail_names())
        - EVENT_ARGUMENTS
        - set(_HIDDEN_DETAIL_NAMES)
        - set(_DETAIL_NAME_LABELS)
        == set()
    )

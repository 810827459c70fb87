"""Whatever an event holds, its line in the timeline is words, and never markup."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.sync.models import EventKind as Kind
from tests.web.test_timeline_words import AT, XSS, M, iso, shown

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([iso(1), "late", XSS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = """
state what enabled total next hours incremental kind http code count first last since full
outcome synced created tool name enable message
"""
NAMES = st.sampled_from(_NAMES.split())
WHATS = st.sampled_from(["sync", "sync_ended", "switch", "switch_ended", "added", "edited"])


@given(st.sampled_from(Kind), st.dictionaries(NAMES, JSON), WHATS, st.text(), st.booleans())
def test_whatever_is_stored_is_a_sentence_and_never_markup(
    kind: Kind, details: dict[str, Any], what: str, by: str, over: bool
) -> None:
    details = details if over else details | {"what": what}
    event = shown(kind, details, by=by, until=AT + M if over else None)
    assert event.words
    rest = re.sub(r"</?(?:time|span)(?: [\w-]+=\"[^\"<>]*\")*>", "", event.words + event.note)
    assert "<" not in rest


@pytest.mark.parametrize(
    "details",
    [
        {"what": "switch", "name": XSS},
        {"what": "switch_ended", "tool": XSS, "outcome": "done"},
        {"what": "sync_ended", "outcome": "refused", "message": XSS, "kind": XSS},
    ],
)
def test_what_others_wrote_is_text(details: Any) -> None:
    event = shown(Kind.PERSON_DID, details, by=XSS)
    assert "<script" not in event.words + event.note


def test_a_long_message_is_cut() -> None:
    details = {"what": "sync_ended", "outcome": "refused", "message": "x" * 5000}
    assert len(shown(Kind.PERSON_DID, details).note) < 400

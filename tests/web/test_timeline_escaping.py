"""Whatever an event holds, its line in the timeline is words, and never markup."""

import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.history.timeline import TimelineFilters, TimelinePage
from freddy_admin.sync.models import EventKind as Kind
from freddy_admin.web.pages.history.filters import HistoryQuery
from freddy_admin.web.pages.history.presenter import timeline_section
from freddy_admin.wording.times import UserTime
from tests.wording.key_rows import key_row
from tests.wording.timeline_entries import AT, MINUTE, XSS, iso_time, timeline_entry

pytestmark = pytest.mark.sqlite_is_enough

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.sampled_from([iso_time(1), "late", XSS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = """
state what enabled total next hours incremental kind http code count first last since full
outcome synced created tool name enable message
"""
NAMES = st.sampled_from(_NAMES.split())
WHATS = st.sampled_from(["sync", "sync_ended", "switch", "switch_ended", "added", "edited"])


def render_timeline_event(kind: Kind, details: Any, **more: Any) -> dict[str, Any]:
    entry = timeline_entry(kind, details, **more)
    page = TimelinePage(TimelineFilters(), (entry,), has_older=False)
    query = HistoryQuery("/organisations/alder/")
    user_time = UserTime(AT + 240 * MINUTE, UTC)
    access = Access(Organisation(slug="alder"), None, frozenset(Permission))
    timeline = timeline_section(page, query, user_time, access=access, rows=[key_row()])
    assert timeline is not None
    [(_day, [event])] = timeline["days"]
    return event


@given(st.sampled_from(Kind), st.dictionaries(NAMES, JSON), WHATS, st.text(), st.booleans())
def test_stored_event_is_a_sentence_and_never_markup(
    kind: Kind, details: dict[str, Any], change: str, actor_name: str, has_ended: bool
) -> None:
    details = details if has_ended else details | {"what": change}
    event = render_timeline_event(
        kind, details, by=actor_name, until=AT + MINUTE if has_ended else None
    )
    assert event["words"]
    text = re.sub(r"</?(?:time|span)(?: [\w-]+=\"[^\"<>]*\")*>", "", event["words"] + event["note"])
    assert "<" not in text


@pytest.mark.parametrize(
    "details",
    [
        {"what": "switch", "name": XSS},
        {"what": "switch_ended", "tool": XSS, "outcome": "done"},
        {"what": "sync_ended", "outcome": "refused", "message": XSS, "kind": XSS},
    ],
)
def test_text_of_others_is_never_markup(details: Any) -> None:
    event = render_timeline_event(Kind.PERSON_ACTION, details, by=XSS)
    assert "<script" not in event["words"] + event["note"]


def test_long_message_is_truncated() -> None:
    details = {"what": "sync_ended", "outcome": "refused", "message": "x" * 5000}
    assert len(render_timeline_event(Kind.PERSON_ACTION, details)["note"]) < 400

"""History for programs: newest first, a part at a time, each event once whatever comes in."""

from datetime import datetime, timedelta

import pytest

from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People
from tests.web.machines import Program

PATH = "organisations/alder/events"
KINDS = [EventKind.SYNC_SEEN, EventKind.TOOLS_CHANGED, EventKind.PERSON_DID]


def _happened(key: ApiKey, number: int, at: datetime, **more: object) -> HistoryEvent:
    values = {"kind": KINDS[number % 3], "details": {"number": number}} | more
    return HistoryEvent.objects.create(
        organisation=key.organisation, key=key, at=at, noticed_at=at, **values
    )


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key("Main")


@pytest.fixture
def seven(key: ApiKey) -> list[int]:
    """Seven events, the oldest first; the last three at the very same moment."""
    now = clock.now()
    ages = [6, 5, 4, 3, 1, 1, 1]
    return [_happened(key, n, now - timedelta(hours=age)).pk for n, age in enumerate(ages)]


def test_the_whole_history_comes_in_parts_each_event_once(
    people: People, key: ApiKey, seven: list[int]
) -> None:
    program, found, cursor = Program(people.viewer), [], ""
    while True:
        told = program.get(PATH, limit=2, **({"cursor": cursor} if cursor else {})).json()
        found += [event["id"] for event in told["events"]]
        # What happens meanwhile is newer, and moves nothing.
        _happened(key, 9, clock.now())
        cursor = told["next_cursor"]
        if cursor is None:
            break
    assert found == seven[::-1]


def test_an_event_tells_what_it_is(people: People, key: ApiKey) -> None:
    at = clock.now() - timedelta(hours=1)
    details = {"state": ["late", "overdue"]}
    actor = "Ana Sample (ana@example.org)"
    made = _happened(key, 0, at, kind=EventKind.HEALTH_CHANGED, details=details, actor_name=actor)
    assert Program(people.viewer).get(PATH).json() == {
        "events": [
            {
                "id": made.pk,
                "kind": "health_changed",
                "at": "2026-03-02T11:00:00Z",
                "noticed_at": "2026-03-02T11:00:00Z",
                "until": None,
                "key_id": key.pk,
                "key_label": "Main",
                "actor": "Ana Sample",
                "details": details,
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.usefixtures("seven")
def test_it_can_be_narrowed_to_a_kind_and_a_key(
    people: People, make_key: MakeKey, other: Organisation
) -> None:
    _happened(make_key("Second"), 0, clock.now())
    _happened(make_key("Foreign", at=other), 0, clock.now())
    program = Program(people.viewer)
    syncs = program.get(PATH, show="syncs").json()["events"]
    assert len(syncs) == 4
    assert {event["kind"] for event in syncs} == {"sync_seen"}
    second = HistoryEvent.objects.get(key__label="Second").key_id
    assert len(program.get(PATH, key=second).json()["events"]) == 1
    foreign = HistoryEvent.objects.get(key__label="Foreign").key_id
    assert program.get(PATH, key=foreign).json()["events"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"cursor": "x"}, {"cursor": "1-"}, {"cursor": "1-" + "9" * 19}, {"cursor": "9" * 17 + "-1"},
     {"cursor": "\u0661-\u0661"}, {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"key": 2**63},
     {"show": "everything"}],
)  # fmt: skip
def test_what_makes_no_sense_is_422(wrong: dict[str, object], people: People) -> None:
    answer = Program(people.viewer).get(PATH, **wrong)
    assert answer.status_code == 422
    [field] = answer.json()["fields"]
    assert field["field"].endswith(next(iter(wrong)))


def test_the_furthest_cursor_is_only_a_place(people: People, seven: list[int]) -> None:
    program = Program(people.viewer)
    assert len(program.get(PATH, cursor="9" * 16 + "-" + "9" * 18).json()["events"]) == 7
    assert program.get(PATH, cursor="0-1").json() == {"events": [], "next_cursor": None}


def test_it_takes_one_query_beside_the_gate(
    people: People, seven: list[int], django_assert_max_num_queries: object
) -> None:
    program = Program(people.viewer)
    program.get(PATH)
    # The token, its count between two savepoints, the organisation, the events.
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        program.get(PATH, limit=5)

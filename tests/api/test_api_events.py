"""The events API: newest first, page by page, each event once whatever is added meanwhile."""

from datetime import datetime, timedelta

import pytest

from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey
from tests.api.api_client import ApiClient
from tests.web.conftest import MakeKey, People

PATH = "organisations/alder/events"
KINDS = [EventKind.SYNC_SEEN, EventKind.TOOLS_CHANGED, EventKind.PERSON_ACTION]


def _create_event(key: ApiKey, number: int, at: datetime, **more: object) -> HistoryEvent:
    values = {"kind": KINDS[number % 3], "details": {"number": number}} | more
    return HistoryEvent.objects.create(
        organisation=key.organisation, key=key, at=at, noticed_at=at, **values
    )


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key("Main")


@pytest.fixture
def seven_event_ids(key: ApiKey) -> list[int]:
    """Seven events, the oldest first; the last three at the very same moment."""
    now = clock.now()
    ages = [6, 5, 4, 3, 1, 1, 1]
    return [_create_event(key, n, now - timedelta(hours=age)).pk for n, age in enumerate(ages)]


def test_events_api_pages_hold_each_event_once(
    people: People, key: ApiKey, seven_event_ids: list[int]
) -> None:
    program, event_ids, cursor = ApiClient(people.viewer), [], ""
    while True:
        body = program.get(PATH, limit=2, **({"cursor": cursor} if cursor else {})).json()
        event_ids += [event["id"] for event in body["events"]]
        # What happens meanwhile is newer, and moves nothing.
        _create_event(key, 9, clock.now())
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert event_ids == seven_event_ids[::-1]


def test_event_of_the_api_carries_its_kind_and_details(people: People, key: ApiKey) -> None:
    at = clock.now() - timedelta(hours=1)
    details = {"state": ["late", "overdue"]}
    actor = "Ana Sample (ana@example.org)"
    event = _create_event(
        key, 0, at, kind=EventKind.HEALTH_CHANGED, details=details, actor_name=actor
    )
    assert ApiClient(people.viewer).get(PATH).json() == {
        "events": [
            {
                "id": event.pk,
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


@pytest.mark.usefixtures("seven_event_ids")
def test_events_api_can_be_filtered_by_kind_and_key(
    people: People, make_key: MakeKey, other_organisation: Organisation
) -> None:
    _create_event(make_key("Second"), 0, clock.now())
    _create_event(make_key("Foreign", at=other_organisation), 0, clock.now())
    program = ApiClient(people.viewer)
    syncs = program.get(PATH, show="syncs").json()["events"]
    assert len(syncs) == 4
    assert {event["kind"] for event in syncs} == {"sync_seen"}
    second_key_id = HistoryEvent.objects.get(key__label="Second").key_id
    assert len(program.get(PATH, key=second_key_id).json()["events"]) == 1
    foreign_key_id = HistoryEvent.objects.get(key__label="Foreign").key_id
    assert program.get(PATH, key=foreign_key_id).json()["events"] == []


@pytest.mark.parametrize(
    "query",
    [{"cursor": "x"}, {"cursor": "1-"}, {"cursor": "1-" + "9" * 19}, {"cursor": "9" * 17 + "-1"},
     {"cursor": "\u0661-\u0661"}, {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"key": 2**63},
     {"show": "everything"}],
)  # fmt: skip
def test_invalid_parameter_of_the_events_api_is_422(
    query: dict[str, object], people: People
) -> None:
    answer = ApiClient(people.viewer).get(PATH, **query)
    assert answer.status_code == 422
    [field] = answer.json()["fields"]
    assert field["field"].endswith(next(iter(query)))


def test_cursor_of_the_events_api_is_only_a_position(
    people: People, seven_event_ids: list[int]
) -> None:
    program = ApiClient(people.viewer)
    assert len(program.get(PATH, cursor="9" * 16 + "-" + "9" * 18).json()["events"]) == 7
    assert program.get(PATH, cursor="0-1").json() == {"events": [], "next_cursor": None}


def test_events_api_costs_one_query_beside_authentication(
    people: People, seven_event_ids: list[int], django_assert_max_num_queries: object
) -> None:
    program = ApiClient(people.viewer)
    program.get(PATH)
    # The token, its count between two savepoints, the organisation, the events.
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        program.get(PATH, limit=5)

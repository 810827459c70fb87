"""The list of incidents, its filters and its export; the lines that lead to an incident."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.alerts.incidents.selectors import INCIDENT_PAGE_SIZE
from freddy_admin.alerts.models import Incident, IncidentState, Severity
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import WorkerHeartbeat
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of
from tests.web.incident_rows import create_incident, create_mute, create_resolved_incident

OVERVIEW_QUERIES = 5  # beside those of the session and the user


def names_in(client: Client, query: str = "") -> list[str]:
    """The labels of the keys in the list, in its order."""
    page = client.get(f"/alerts/{query}").content.decode()
    parts = page.split('class="incident-name"')[1:]
    return [part.partition("<small>")[2].partition("</small>")[0] for part in parts]


def overdue_key(make_key: MakeKey, label: str = "Main", **options: object) -> ApiKey:
    """A key whose sync is overdue, which the overview shows as a card."""
    now = clock.now()
    return make_key(
        label,
        state="overdue",
        last_sync_at=now - timedelta(hours=5),
        next_sync_at=now - timedelta(hours=4),
        **options,
    )


def test_list_shows_what_is_not_over_and_filters_stand_in_the_address(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    create_incident(make_key("Open"), minutes_ago=10)
    create_incident(
        make_key("Mine"),
        minutes_ago=20,
        state=IncidentState.ACKNOWLEDGED,
        severity=Severity.WARNING,
        assignee=people.operator,
    )
    create_resolved_incident(make_key("Over"))
    client = signed_in(people.operator)
    assert names_in(client) == ["Open", "Mine"]
    assert names_in(client, "?state=all") == ["Open", "Mine", "Over"]
    assert names_in(client, "?state=resolved") == ["Over"]
    assert names_in(client, "?state=acknowledged") == ["Mine"]
    assert names_in(client, "?severity=warning") == ["Mine"]
    assert names_in(client, "?mine=1") == ["Mine"]
    assert names_in(client, "?organisation=alder") == ["Open", "Mine"]
    assert names_in(client, "?organisation=nowhere") == []
    for query in ("?state=bogus", "?severity=%00", "?mine=x"):
        assert names_in(client, query) == ["Open", "Mine"]


def test_strangers_see_no_incident_of_others(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    create_incident(make_key("Own"))
    create_incident(make_key("Foreign", at=other_organisation))
    assert names_in(signed_in(people.viewer), "?state=all") == ["Own"]
    assert names_in(signed_in(people.viewer), f"?organisation={other_organisation.slug}") == []
    assert sorted(names_in(signed_in(people.admin))) == ["Foreign", "Own"]


def test_long_list_has_pages_of_the_same_number_of_queries(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    client = signed_in(people.viewer)
    create_incident(make_key("First"))
    client.get("/alerts/")
    with CaptureQueriesContext(connection) as few:
        client.get("/alerts/")
    for number in range(INCIDENT_PAGE_SIZE):
        create_incident(make_key(f"Key {number}"))
    with CaptureQueriesContext(connection) as many:
        page = client.get("/alerts/").content.decode()
    assert len(many) == len(few)
    assert 'href="/alerts/?page=2"' in page
    assert len(names_in(client, "?page=2")) == 1
    # A page behind the end leads to the last one.
    assert client.get("/alerts/?page=9")["Location"] == "/alerts/?page=2"


def test_times_are_those_of_the_readers_zone_which_the_page_names(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    create_incident(make_key("Main"), minutes_ago=30)  # it is noon in UTC
    for zone, at in (("Asia/Tokyo", "20:30"), ("America/New_York", "06:30"), ("UTC", "11:30")):
        people.viewer.time_zone = zone
        people.viewer.save()
        page = signed_in(people.viewer).get("/alerts/").content.decode()
        assert f"Times are shown in {zone}." in page
        shown = set(re.findall(r"2 Mar(?: 2026)?, (\d\d:\d\d)", page))
        assert shown == {at}, zone


def test_empty_list_says_that_nothing_is_broken(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.viewer)
    assert "Nothing is broken" in client.get("/alerts/").content.decode()
    assert "Nothing matches" in client.get("/alerts/?mine=1").content.decode()


def test_tabs_name_what_a_person_may_use(people: People, signed_in: SignIn) -> None:
    for person in (people.viewer, people.operator, people.manager, people.admin):
        page = signed_in(person).get("/alerts/").content.decode()
        tabs = re.findall(r'<a class="tab" href="([^"]*)"', page)
        may_manage = person in {people.manager, people.admin}
        assert tabs == [
            "/alerts/",
            "/alerts/rules/",
            *(["/alerts/channels/"] if may_manage else []),
            "/alerts/windows/",
            "/alerts/rehearsal/",
            *(["/alerts/log/"] if may_manage else []),
        ], person
    page = signed_in(people.viewer).get("/").content.decode()
    assert 'href="/alerts/"' in page


def test_export_holds_what_the_filters_leave_and_no_formula(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    create_incident(
        make_key("=1+1"),
        state=IncidentState.ACKNOWLEDGED,
        acknowledged_at=clock.now(),
        acknowledged_by="Operator (operator@example.org)",
        assignee=people.operator,
    )
    create_resolved_incident(make_key("Over"))
    Organisation.objects.filter(slug="alder").update(name="@SUM(A1)")
    client = signed_in(people.viewer)
    lines = _csv_lines(client, "")
    assert [line["keys"] for line in lines] == ["'=1+1"]
    assert lines[0]["organisation"] == "'@SUM(A1)"
    assert (lines[0]["state"], lines[0]["seconds"]) == ("acknowledged", "1800")
    assert (lines[0]["acknowledged_by"], lines[0]["assignee"]) == ("Operator", "Operator")
    assert lines[0]["opened_at"] == "2026-03-02T11:30:00Z"
    assert [line["keys"] for line in _csv_lines(client, "?state=all")] == ["Over", "'=1+1"]


def _csv_lines(client: Client, query: str) -> list[dict[str, str]]:
    text = client.get(f"/alerts.csv{query}").getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_open_list_is_sent_nothing_while_nothing_changes(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    incident = create_incident(make_key("Main"))
    client = signed_in(people.viewer)
    seen = shown_digests_of(client.get("/alerts/").content.decode())
    headers = {"x-live": "1", "x-seen": seen}
    assert client.get("/alerts/", headers=headers).status_code == 204
    Incident.objects.filter(pk=incident.pk).update(state=IncidentState.ACKNOWLEDGED)
    assert client.get("/alerts/", headers=headers).status_code == 200


@pytest.mark.parametrize("address", ["/", "/organisations/alder/"])
def test_line_leads_to_the_incident_and_acts_there(
    address: str,
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    worker: WorkerHeartbeat,
) -> None:
    incident = create_incident(overdue_key(make_key))
    url, origin = f"/organisations/alder/incidents/{incident.pk}/", "overview"
    origin = "overview" if address == "/" else "organisation"
    page = signed_in(people.viewer).get(address).content.decode()
    assert f'<a href="{url}">Incident: nobody has taken it on yet.</a>' in page
    assert f'action="{url}' not in page
    client = signed_in(people.operator)
    page = client.get(address).content.decode()
    for verb in ("acknowledge", "assign", "mute"):
        assert f'action="{url}{verb}/"' in page, verb
    seen = {"x-live": "1", "x-seen": shown_digests_of(page)}
    assert client.get(address, headers=seen).status_code == 204
    answer = client.post(f"{url}acknowledge/", {"from": origin})
    assert answer["Location"] == address
    part = client.get(address, headers=seen).content.decode()
    assert "Incident: acknowledged by Operator." in part
    client.post(f"{url}assign/", {"assignee": people.manager.pk, "from": origin})
    fields = {"hours": "1", "reason": "Aitronos is at it", "from": origin}
    assert client.post(f"{url}mute/", fields)["Location"] == address
    page = client.get(address).content.decode()
    assert "Incident: Manager looks after it. Muted until" in page


def test_line_shows_no_mute_that_ran_its_time(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    create_mute(create_incident(overdue_key(make_key)), hours=1)
    client = signed_in(people.viewer)
    page = client.get("/").content.decode()
    assert "Muted until" in page
    hand_clock.advance(minutes=61)
    headers = {"x-live": "1", "x-seen": shown_digests_of(page)}
    assert "Muted until" not in client.get("/", headers=headers).content.decode()


def test_lines_cost_the_overview_no_query(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    keys = [overdue_key(make_key, f"Key {number}") for number in range(3)]
    client = signed_in(people.operator)
    client.get("/")
    with CaptureQueriesContext(connection) as without:
        client.get("/")
    for key in keys:
        create_mute(create_incident(key, assignee=people.manager))
    with CaptureQueriesContext(connection) as with_lines:
        page = client.get("/").content.decode()
    assert page.count('class="incident-line"') == 3
    assert len(with_lines) == len(without)


def test_keys_that_share_an_incident_share_its_line_on_their_page(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    create_incident(overdue_key(make_key, "One"), overdue_key(make_key, "Two"))
    page = signed_in(people.viewer).get("/organisations/alder/").content.decode()
    assert page.count('class="incident-line"') == 1
    assert "One, Two" in page

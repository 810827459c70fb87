"""The timeline of an organisation's and a key's page: filters, pages, permissions."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import EventKind, HistoryEvent, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of
from tests.web.history_events import DAY, HOUR, MINUTE, create_event, create_state_change

HERE = "/organisations/alder/"
XSS = '"><script>alert(1)</script>'


@pytest.fixture
def client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


def timeline(client: Client, address: str = HERE) -> str:
    page = client.get(address).content.decode()
    return page[page.index('id="timeline"') :].partition("</section>")[0]


def event_sentences(timeline_html: str) -> list[str]:
    matches = re.findall(r'class="event-main">\s*<p>(.*?)</p>', timeline_html, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", html) for html in matches]


def event_times(timeline_html: str) -> list[str]:
    return re.findall(r'class="event-when"><time[^>]*>([\d:]+)<', timeline_html)


def test_events_stand_under_their_days_the_newest_first(client: Client, make_key: MakeKey) -> None:
    key = make_key()
    for ago in (HOUR, DAY, 2 * DAY, 2 * DAY + HOUR):
        create_event(key, EventKind.SYNC_SEEN, ago=ago)
    timeline_html = timeline(client)
    days = re.findall(r'class="timeline-day">([^<]+)<', timeline_html)
    assert days == ["Today", "Yesterday", "Saturday, 28 Feb 2026"]
    assert event_times(timeline_html) == ["11:00:00", "12:00:00", "12:00:00", "11:00:00"]
    assert 'title="2 Mar 2026, 11:00:00 UTC"' in timeline_html


def test_days_and_times_are_in_the_time_zone_of_the_user(
    client: Client, people: People, make_key: MakeKey
) -> None:
    people.viewer.time_zone = "Pacific/Kiritimati"
    people.viewer.save()
    create_event(make_key(), EventKind.SYNC_SEEN, ago=3 * HOUR)
    timeline_html = timeline(client)
    assert "Yesterday" in timeline_html
    assert event_times(timeline_html) == ["23:00:00"]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("syncs", "Synced."),
        ("failures", "Our checks fail: Not reachable."),
        ("states", "Late → became Overdue"),
        ("people", "The key was paused."),
    ],
)
def test_timeline_can_be_filtered_by_kind(
    kind: str, sentence: str, client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    create_event(key, EventKind.SYNC_SEEN)
    create_event(key, EventKind.CHECK_FAILED, details={"kind": "unreachable"})
    create_state_change(key, "late", "overdue", ago=HOUR)
    create_event(key, EventKind.KEY_CHANGED, details={"what": "paused"})
    assert len(event_sentences(timeline(client))) == 4
    timeline_html = timeline(client, f"{HERE}?show={kind}")
    assert event_sentences(timeline_html) == [sentence]
    assert f'<option value="{kind}" selected>' in timeline_html
    assert "Clear" in timeline_html


@pytest.mark.parametrize(
    "query", ["show=bogus", "show=", "key=x", "key=-1", "key=0", "key=" + "9" * 30, "events=0",
              "events=x", "events=99999999", "over=year", f"show={XSS}", f"over={XSS}"]
)  # fmt: skip
def test_unknown_filter_value_is_ignored(query: str, client: Client, make_key: MakeKey) -> None:
    create_event(make_key(), EventKind.SYNC_SEEN)
    timeline_html = timeline(client, f"{HERE}?{query}")
    assert event_sentences(timeline_html) == ["Synced."]
    assert "Clear" not in timeline_html
    assert "<script" not in timeline_html


def test_timeline_can_be_filtered_by_key(client: Client, make_key: MakeKey) -> None:
    first_key, second_key = make_key("One"), make_key("Two")
    create_event(first_key, EventKind.SYNC_SEEN)
    create_event(second_key, EventKind.SYNC_SKIPPED)
    timeline_html = timeline(client)
    assert re.findall(r'class="event-where"><a href="([^"]+)">(\w+)<', timeline_html) == [
        (f"{HERE}keys/{second_key.pk}/", "Two"),
        (f"{HERE}keys/{first_key.pk}/", "One"),
    ]
    assert event_sentences(timeline(client, f"{HERE}?key={first_key.pk}")) == ["Synced."]


def test_a_single_key_is_neither_named_nor_a_choice(client: Client, make_key: MakeKey) -> None:
    create_event(make_key(), EventKind.SYNC_SEEN)
    timeline_html = timeline(client)
    assert 'class="event-where"></p>' in timeline_html
    assert 'name="key"' not in timeline_html


def test_a_key_of_another_organisation_shows_nothing(
    client: Client, make_key: MakeKey, other_organisation: Organisation
) -> None:
    foreign_key, own_key = make_key("Hush", at=other_organisation), make_key()
    create_event(
        foreign_key, EventKind.KEY_CHANGED, actor_name="Secretive", details={"what": "paused"}
    )
    create_event(own_key, EventKind.SYNC_SEEN)
    for address in (
        HERE,
        f"{HERE}?key={foreign_key.pk}",
        f"{HERE}keys/{own_key.pk}/?key={foreign_key.pk}",
    ):
        page = client.get(address).content.decode()
        assert "Secretive" not in page
        assert "Hush" not in page
    timeline_html = timeline(client, f"{HERE}?key={foreign_key.pk}")
    assert "Nothing matches" in timeline_html
    assert f'href="{HERE}#timeline"' in timeline_html
    assert event_sentences(timeline(client, f"{HERE}keys/{own_key.pk}/?key={foreign_key.pk}")) == [
        "Synced."
    ]


def test_page_of_a_key_lists_events_of_that_key_alone(client: Client, make_key: MakeKey) -> None:
    first_key, second_key = make_key("One"), make_key("Two")
    create_event(first_key, EventKind.SYNC_SEEN)
    create_event(second_key, EventKind.SYNC_SKIPPED)
    timeline_html = timeline(client, f"{HERE}keys/{first_key.pk}/")
    assert event_sentences(timeline_html) == ["Synced."]
    assert 'class="event-where"></p>' in timeline_html


def test_events_of_a_revoked_key_stay(client: Client, make_key: MakeKey) -> None:
    key, other_key = make_key("Old"), make_key("New")
    create_event(key, EventKind.KEY_CHANGED, actor_name="Ana", details={"what": "revoked"})
    SyncStatus.objects.filter(pk=key.pk).delete()
    ApiKey.objects.filter(pk=key.pk).update(status=KeyLifecycle.REVOKED)
    assert event_sentences(timeline(client)) == ["Ana revoked the key."]
    assert ">Old</a>" in timeline(client)
    timeline_html = timeline(client, f"{HERE}?key={key.pk}")
    assert f'<option value="{key.pk}" selected>Old</option>' in timeline_html
    assert event_sentences(timeline(client, f"{HERE}keys/{key.pk}/")) == ["Ana revoked the key."]
    SyncStatus.objects.filter(pk=other_key.pk).delete()
    ApiKey.objects.filter(pk=other_key.pk).update(status=KeyLifecycle.REVOKED)
    assert event_sentences(timeline(client)) == ["Ana revoked the key."]


def test_older_events_are_on_the_next_page(client: Client, make_key: MakeKey) -> None:
    key = make_key()
    for n in range(30):
        create_event(key, EventKind.SYNC_SEEN, ago=n * MINUTE)
    first_page = timeline(client, f"{HERE}?show=syncs&over=day")
    assert len(event_sentences(first_page)) == 25
    assert f'href="{HERE}?over=day&amp;show=syncs&amp;events=2#timeline" rel="next"' in first_page
    assert "Newer" not in first_page
    second_page = timeline(client, f"{HERE}?show=syncs&over=day&events=2")
    assert len(event_sentences(second_page)) == 5
    assert f'href="{HERE}?over=day&amp;show=syncs#timeline" rel="prev"' in second_page
    assert "Older" not in second_page
    assert "Nothing matches" in timeline(client, f"{HERE}?events=9")


def test_timeline_form_keeps_the_other_query_parameters(client: Client, make_key: MakeKey) -> None:
    create_event(make_key(), EventKind.SYNC_SEEN)
    timeline_html = timeline(client, f"{HERE}?over=week&events=2&show=syncs")
    assert re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', timeline_html) == [
        ("over", "week")
    ]


def test_timeline_form_keeps_the_filters_of_the_key_list(client: Client, make_key: MakeKey) -> None:
    for n in range(6):
        create_event(make_key(f"Key {n}"), EventKind.SYNC_SEEN)
    timeline_html = timeline(client, f"{HERE}?q=key&state=up_to_date")
    assert re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', timeline_html) == [
        ("state", "up_to_date"),
        ("q", "key"),
    ]


def test_empty_timeline_says_so_and_offers_no_filter(client: Client, make_key: MakeKey) -> None:
    make_key()
    timeline_html = timeline(client)
    assert "Nothing has happened yet" in timeline_html
    assert "<form" not in timeline_html


def test_organisation_without_a_key_has_no_timeline(client: Client) -> None:
    assert 'id="timeline"' not in client.get(HERE).content.decode()


def test_names_and_messages_of_the_timeline_are_text(client: Client, make_key: MakeKey) -> None:
    key = make_key(XSS)
    make_key("Two")
    details = {"what": "switch_ended", "outcome": "refused", "name": XSS, "message": XSS}
    create_event(key, EventKind.PERSON_ACTION, actor_name=XSS, details=details)
    page = client.get(HERE).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_a_narrow_page_and_a_wide_one_are_the_same_page(client: Client, make_key: MakeKey) -> None:
    create_event(make_key(), EventKind.SYNC_SEEN)
    timeline_html = timeline(client)
    assert "style=" not in timeline_html
    assert "<table" not in timeline_html


def _poll(client: Client, shown_digests: str, address: str = HERE):  # type: ignore[no-untyped-def]
    return client.get(
        address, headers={"x-live": "1", "x-seen": shown_digests, "hx-request": "true"}
    )


@pytest.mark.parametrize("own_page", [False, True])
def test_a_new_event_is_sent_alone(own_page: bool, client: Client, make_key: MakeKey) -> None:
    key = make_key()
    address = f"{HERE}keys/{key.pk}/" if own_page else HERE
    create_event(key, EventKind.SYNC_SEEN)
    shown_digests = shown_digests_of(client.get(address).content.decode())
    assert _poll(client, shown_digests, address).status_code == 204
    create_event(key, EventKind.PERSON_ACTION, actor_name="Ana", details={"what": "check"})
    answer = _poll(client, shown_digests, address)
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert re.findall(r'data-part="([^"]+)"', page) == ["timeline"]
    assert page.count('hx-swap-oob="morph"') == 1
    assert "Ana asked for a check." in page
    assert _poll(client, f"{shown_digests},{shown_digests_of(page)}", address).status_code == 204


def test_ended_span_is_sent_to_the_page(
    client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    span = create_event(make_key(), EventKind.CHECK_FAILED, details={"kind": "tls"})
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    HistoryEvent.objects.filter(pk=span.pk).update(
        until=hand_clock(), details={"kind": "tls", "count": 12}
    )
    assert "From 11:00 to 12:00, 12 checks." in _poll(client, shown_digests).content.decode()


def test_new_day_sends_the_day_headings_anew(
    client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key(unknown_at=None, next_check_at=hand_clock() + 9 * DAY)
    create_event(key, EventKind.SYNC_SEEN)
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    hand_clock.advance(hours=13)
    assert "Yesterday" in _poll(client, shown_digests).content.decode()


def test_the_first_event_of_all_brings_the_whole_page(client: Client, make_key: MakeKey) -> None:
    draft = make_key()
    SyncStatus.objects.all().delete()
    ApiKey.objects.update(status=KeyLifecycle.REVOKED)
    shown_digests = shown_digests_of(client.get(HERE).content.decode())
    assert "timeline" not in shown_digests
    create_event(draft, EventKind.KEY_CHANGED, details={"what": "revoked"})
    page = _poll(client, shown_digests).content.decode()
    assert 'data-part="frame"' in page
    assert _poll(client, shown_digests_of(page)).status_code == 204


def test_state_change_noticed_late_reads_as_people_say_it(
    client: Client, make_key: MakeKey
) -> None:
    event = create_state_change(make_key(), "unknown", HealthState.OVERDUE, ago=30 * MINUTE)
    event.details["since"] = "2026-03-02T09:20:00Z"
    event.noticed_at = event.at + timedelta(minutes=20)
    event.save()
    timeline_html = timeline(client)
    assert event_sentences(timeline_html) == ["Overdue, as it has been since 09:20."]
    assert "Noticed at " in timeline_html

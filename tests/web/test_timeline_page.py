"""The timeline on the page of an organisation and of a key: filters, pages, whose events."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import EventKind, HistoryEvent, KeySync
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.web.conftest import HandClock, MakeKey, People, SignIn, seen_of
from tests.web.past import D, H, M, became, told

HERE = "/organisations/alder/"
XSS = '"><script>alert(1)</script>'


@pytest.fixture
def client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


def timeline(client: Client, address: str = HERE) -> str:
    page = client.get(address).content.decode()
    return page[page.index('id="timeline"') :].partition("</section>")[0]


def sentences(part: str) -> list[str]:
    found = re.findall(r'class="event-main">\s*<p>(.*?)</p>', part, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", one) for one in found]


def times(part: str) -> list[str]:
    return re.findall(r'class="event-when"><time[^>]*>([\d:]+)<', part)


def test_events_stand_under_their_days_the_newest_first(client: Client, make_key: MakeKey) -> None:
    key = make_key()
    for ago in (H, D, 2 * D, 2 * D + H):
        told(key, EventKind.SYNC_SEEN, ago=ago)
    part = timeline(client)
    days = re.findall(r'class="timeline-day">([^<]+)<', part)
    assert days == ["Today", "Yesterday", "Saturday, 28 Feb 2026"]
    assert times(part) == ["11:00:00", "12:00:00", "12:00:00", "11:00:00"]
    assert 'title="2 Mar 2026, 11:00:00 UTC"' in part


def test_days_and_times_are_those_of_the_reader(
    client: Client, people: People, make_key: MakeKey
) -> None:
    people.viewer.time_zone = "Pacific/Kiritimati"
    people.viewer.save()
    told(make_key(), EventKind.SYNC_SEEN, ago=3 * H)
    part = timeline(client)
    assert "Yesterday" in part
    assert times(part) == ["23:00:00"]


@pytest.mark.parametrize(
    ("show", "sentence"),
    [
        ("syncs", "Synced."),
        ("failures", "Our checks fail: Not reachable."),
        ("states", "Late → became Overdue"),
        ("people", "The key was paused."),
    ],
)
def test_one_kind_can_be_asked_for(
    show: str, sentence: str, client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    told(key, EventKind.SYNC_SEEN)
    told(key, EventKind.CHECK_FAILED, details={"kind": "unreachable"})
    became(key, "late", "overdue", ago=H)
    told(key, EventKind.KEY_CHANGED, details={"what": "paused"})
    assert len(sentences(timeline(client))) == 4
    part = timeline(client, f"{HERE}?show={show}")
    assert sentences(part) == [sentence]
    assert f'<option value="{show}" selected>' in part
    assert "Clear" in part


@pytest.mark.parametrize(
    "query", ["show=bogus", "show=", "key=x", "key=-1", "key=0", "key=" + "9" * 30, "events=0",
              "events=x", "events=99999999", "over=year", f"show={XSS}", f"over={XSS}"]
)  # fmt: skip
def test_what_is_not_offered_is_ignored(query: str, client: Client, make_key: MakeKey) -> None:
    told(make_key(), EventKind.SYNC_SEEN)
    part = timeline(client, f"{HERE}?{query}")
    assert sentences(part) == ["Synced."]
    assert "Clear" not in part
    assert "<script" not in part


def test_the_events_of_one_key_can_be_asked_for(client: Client, make_key: MakeKey) -> None:
    one, two = make_key("One"), make_key("Two")
    told(one, EventKind.SYNC_SEEN)
    told(two, EventKind.SYNC_SKIPPED)
    part = timeline(client)
    assert re.findall(r'class="event-where"><a href="([^"]+)">(\w+)<', part) == [
        (f"{HERE}keys/{two.pk}/", "Two"),
        (f"{HERE}keys/{one.pk}/", "One"),
    ]
    assert sentences(timeline(client, f"{HERE}?key={one.pk}")) == ["Synced."]


def test_a_single_key_is_neither_named_nor_a_choice(client: Client, make_key: MakeKey) -> None:
    told(make_key(), EventKind.SYNC_SEEN)
    part = timeline(client)
    assert 'class="event-where"></p>' in part
    assert 'name="key"' not in part


def test_a_key_of_another_organisation_shows_nothing(
    client: Client, make_key: MakeKey, other: Organisation
) -> None:
    foreign, mine = make_key("Hush", at=other), make_key()
    told(foreign, EventKind.KEY_CHANGED, by="Secretive", details={"what": "paused"})
    told(mine, EventKind.SYNC_SEEN)
    for address in (HERE, f"{HERE}?key={foreign.pk}", f"{HERE}keys/{mine.pk}/?key={foreign.pk}"):
        page = client.get(address).content.decode()
        assert "Secretive" not in page
        assert "Hush" not in page
    part = timeline(client, f"{HERE}?key={foreign.pk}")
    assert "Nothing matches" in part
    assert f'href="{HERE}#timeline"' in part
    assert sentences(timeline(client, f"{HERE}keys/{mine.pk}/?key={foreign.pk}")) == ["Synced."]


def test_the_page_of_a_key_tells_of_that_key_alone(client: Client, make_key: MakeKey) -> None:
    one, two = make_key("One"), make_key("Two")
    told(one, EventKind.SYNC_SEEN)
    told(two, EventKind.SYNC_SKIPPED)
    part = timeline(client, f"{HERE}keys/{one.pk}/")
    assert sentences(part) == ["Synced."]
    assert 'class="event-where"></p>' in part


def test_what_happened_with_a_revoked_key_stays(client: Client, make_key: MakeKey) -> None:
    key, kept = make_key("Old"), make_key("New")
    told(key, EventKind.KEY_CHANGED, by="Ana", details={"what": "revoked"})
    KeySync.objects.filter(pk=key.pk).delete()
    ApiKey.objects.filter(pk=key.pk).update(status=KeyStatus.REVOKED)
    assert sentences(timeline(client)) == ["Ana revoked the key."]
    assert ">Old</a>" in timeline(client)
    chosen = timeline(client, f"{HERE}?key={key.pk}")
    assert f'<option value="{key.pk}" selected>Old</option>' in chosen
    assert sentences(timeline(client, f"{HERE}keys/{key.pk}/")) == ["Ana revoked the key."]
    KeySync.objects.filter(pk=kept.pk).delete()
    ApiKey.objects.filter(pk=kept.pk).update(status=KeyStatus.REVOKED)
    assert sentences(timeline(client)) == ["Ana revoked the key."]


def test_older_events_are_on_the_next_page(client: Client, make_key: MakeKey) -> None:
    key = make_key()
    for n in range(30):
        told(key, EventKind.SYNC_SEEN, ago=n * M)
    first = timeline(client, f"{HERE}?show=syncs&over=day")
    assert len(sentences(first)) == 25
    assert f'href="{HERE}?over=day&amp;show=syncs&amp;events=2#timeline" rel="next"' in first
    assert "Newer" not in first
    second = timeline(client, f"{HERE}?show=syncs&over=day&events=2")
    assert len(sentences(second)) == 5
    assert f'href="{HERE}?over=day&amp;show=syncs#timeline" rel="prev"' in second
    assert "Older" not in second
    assert "Nothing matches" in timeline(client, f"{HERE}?events=9")


def test_the_form_keeps_what_else_stands_in_the_address(client: Client, make_key: MakeKey) -> None:
    told(make_key(), EventKind.SYNC_SEEN)
    part = timeline(client, f"{HERE}?over=week&events=2&show=syncs")
    assert re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', part) == [("over", "week")]


def test_the_list_of_many_keys_is_kept_too(client: Client, make_key: MakeKey) -> None:
    for n in range(6):
        told(make_key(f"Key {n}"), EventKind.SYNC_SEEN)
    part = timeline(client, f"{HERE}?q=key&state=up_to_date")
    assert re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', part) == [
        ("state", "up_to_date"),
        ("q", "key"),
    ]


def test_nothing_yet_is_said_and_offers_no_filter(client: Client, make_key: MakeKey) -> None:
    make_key()
    part = timeline(client)
    assert "Nothing has happened yet" in part
    assert "<form" not in part


def test_without_a_key_there_is_nothing_to_tell(client: Client) -> None:
    assert 'id="timeline"' not in client.get(HERE).content.decode()


def test_names_and_messages_are_text(client: Client, make_key: MakeKey) -> None:
    key = make_key(XSS)
    make_key("Two")
    details = {"what": "switch_ended", "outcome": "refused", "name": XSS, "message": XSS}
    told(key, EventKind.PERSON_DID, by=XSS, details=details)
    page = client.get(HERE).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_a_narrow_page_and_a_wide_one_are_the_same_page(client: Client, make_key: MakeKey) -> None:
    told(make_key(), EventKind.SYNC_SEEN)
    part = timeline(client)
    assert "style=" not in part
    assert "<table" not in part


def _ask(client: Client, seen: str, address: str = HERE):  # type: ignore[no-untyped-def]
    return client.get(address, headers={"x-live": "1", "x-seen": seen, "hx-request": "true"})


@pytest.mark.parametrize("own_page", [False, True])
def test_a_new_event_is_sent_alone(own_page: bool, client: Client, make_key: MakeKey) -> None:
    key = make_key()
    address = f"{HERE}keys/{key.pk}/" if own_page else HERE
    told(key, EventKind.SYNC_SEEN)
    seen = seen_of(client.get(address).content.decode())
    assert _ask(client, seen, address).status_code == 204
    told(key, EventKind.PERSON_DID, by="Ana", details={"what": "check"})
    answer = _ask(client, seen, address)
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert re.findall(r'data-part="([^"]+)"', page) == ["timeline"]
    assert page.count('hx-swap-oob="morph"') == 1
    assert "Ana asked for a check." in page
    assert _ask(client, f"{seen},{seen_of(page)}", address).status_code == 204


def test_the_end_of_a_span_is_news(
    client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    span = told(make_key(), EventKind.CHECK_FAILED, details={"kind": "tls"})
    seen = seen_of(client.get(HERE).content.decode())
    HistoryEvent.objects.filter(pk=span.pk).update(
        until=hand_clock(), details={"kind": "tls", "count": 12}
    )
    assert "From 11:00 to 12:00, 12 checks." in _ask(client, seen).content.decode()


def test_a_new_day_names_the_days_anew(
    client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key(unknown_at=None, next_check_at=hand_clock() + 9 * D)
    told(key, EventKind.SYNC_SEEN)
    seen = seen_of(client.get(HERE).content.decode())
    hand_clock.forward(hours=13)
    assert "Yesterday" in _ask(client, seen).content.decode()


def test_the_first_event_of_all_brings_the_whole_page(client: Client, make_key: MakeKey) -> None:
    draft = make_key()
    KeySync.objects.all().delete()
    ApiKey.objects.update(status=KeyStatus.REVOKED)
    seen = seen_of(client.get(HERE).content.decode())
    assert "timeline" not in seen
    told(draft, EventKind.KEY_CHANGED, details={"what": "revoked"})
    page = _ask(client, seen).content.decode()
    assert 'data-part="frame"' in page
    assert _ask(client, seen_of(page)).status_code == 204


def test_late_news_of_states_reads_as_people_say_it(client: Client, make_key: MakeKey) -> None:
    event = became(make_key(), "unknown", State.OVERDUE, ago=30 * M)
    event.details["since"] = "2026-03-02T09:20:00Z"
    event.noticed_at = event.at + timedelta(minutes=20)
    event.save()
    part = timeline(client)
    assert sentences(part) == ["Overdue, as it has been since 09:20."]
    assert "Noticed at " in part

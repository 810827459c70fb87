"""The overview says which keys report the same sync, leads to them, and says nothing of others."""

import re

import pytest
from django.test import Client

from freddy_admin.accounts.models import SavedView
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.shared_figures import shared_figures_refresh
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of

A, B = "a" * 16, "b" * 16
SAME = {"figures_digest": A, "figures_check_count": 3}


def _shared_sync_notice_text(page: str) -> str:
    match = re.search(r'<div class="shared-sync">.*?</div>', page, re.DOTALL)
    return re.sub(r"\s+", " ", match.group()) if match else ""


def _create_organisations(number: int) -> list[Organisation]:
    return [
        Organisation.objects.create(name=f"Fjord <{n}>", slug=f"fjord-{n}") for n in range(number)
    ]


@pytest.mark.parametrize(
    ("organisations", "keys", "sentence"),
    [
        (1, 2, "These 2 keys of Fjord &lt;0&gt; report the same sync."),
        (2, 1, "These 2 report the same sync: Fjord &lt;0&gt; and Fjord &lt;1&gt;."),
        (2, 2, "These 4 keys report the same sync: Fjord &lt;0&gt; and Fjord &lt;1&gt;."),
        (3, 1, "These 3 report the same sync: Fjord &lt;0&gt;, Fjord &lt;2&gt; and 1 other."),
        (7, 1, "These 7 report the same sync: Fjord &lt;0&gt;, Fjord &lt;6&gt; and 5 others."),
        (
            3,
            2,
            "keys report the same sync: Fjord &lt;0&gt;, Fjord &lt;2&gt; and 1 other organisation.",
        ),
    ],
)
def test_shared_sync_notice_names_the_keys_and_links_to_exactly_these(
    organisations: int,
    keys: int,
    sentence: str,
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
) -> None:
    for organisation in _create_organisations(organisations):
        for number in range(keys):
            make_key(f"Key {number}", at=organisation, **SAME)
    make_key("Another")
    shared_figures_refresh(now=clock.now())
    client = signed_in(people.admin)
    notice = _shared_sync_notice_text(client.get("/").content.decode())
    assert sentence in notice
    assert "Their numbers are not added up." in notice
    assert f'href="/?same={A}"' in notice
    page = client.get(f"/?same={A}").content.decode()
    assert page.count('data-part="row-') == organisations * keys
    assert "Another" not in page
    assert "Reporting the same sync" in page
    assert _shared_sync_notice_text(page) == ""


def test_more_than_three_groups_are_counted(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for number in range(2 * 5):
        make_key(str(number), figures_digest=f"{number // 2:016x}", figures_check_count=3)
    shared_figures_refresh(now=clock.now())
    notice = _shared_sync_notice_text(signed_in(people.viewer).get("/").content.decode())
    assert notice.count("report the same sync") == 3
    assert "There are 2 more such groups." in notice


def test_shared_sync_notice_says_nothing_of_keys_a_person_does_not_see(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    own_key = make_key("Mine", **SAME)
    make_key("Hush", at=other_organisation, **SAME)
    shared_figures_refresh(now=clock.now())
    client = signed_in(people.viewer)
    assert _shared_sync_notice_text(client.get("/").content.decode()) == ""
    page = client.get(f"/?same={A}").content.decode()
    assert re.findall(r'data-part="row-(\d+)"', page) == [str(own_key.pk)]
    assert "2" in _shared_sync_notice_text(signed_in(people.admin).get("/").content.decode())


def test_key_of_a_newly_joined_organisation_counts_from_then_on(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    make_key("Mine", **SAME)
    make_key("Hush", at=other_organisation, **SAME)
    other_organisation.memberships.create(user=people.viewer, role=Role.VIEWER)  # type: ignore[attr-defined]
    shared_figures_refresh(now=clock.now())
    notice = _shared_sync_notice_text(signed_in(people.viewer).get("/").content.decode())
    assert "These 2 report the same sync: Alder and Birch." in notice


@pytest.mark.parametrize(
    "mark", ["", "x", "A" * 16, "a" * 15, "a" * 17, "' OR 1=1 --a", "a" * 15 + "\n"]
)
def test_malformed_digest_in_the_query_is_ignored(
    mark: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    page = signed_in(people.viewer).get("/", {"same": mark}).content.decode()
    assert page.count('data-part="row-') == 1
    assert "Reporting the same sync" not in page


def test_unknown_digest_finds_nothing_and_can_be_cleared(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key(**SAME)
    page = signed_in(people.viewer).get(f"/?same={B}&q=alder&sort=-last").content.decode()
    assert "Nothing matches" in page
    assert "no longer report the same sync" in page
    assert 'href="/?q=alder&amp;sort=-last"' in page
    assert f'<input type="hidden" name="same" value="{B}">' in page


def test_the_export_of_a_filtered_view_holds_the_same_keys(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for label in ("One", "Two"):
        make_key(label, **SAME)
    make_key("Three")
    client = signed_in(people.viewer)
    assert f'href="/overview.csv?same={A}"' in client.get(f"/?same={A}").content.decode()
    lines = client.get(f"/overview.csv?same={A}").getvalue().decode().splitlines()
    assert len(lines) == 3


def test_shared_sync_filter_cannot_be_saved_as_a_view(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key(**SAME)
    client = signed_in(people.viewer)
    assert "Keep this view" not in client.get(f"/?same={A}&q=alder").content.decode()
    client.post("/views/keep/", {"name": "Mine", "query": f"same={A}"})
    assert not SavedView.objects.exists()


def _poll(client: Client, shown_digests: str) -> str:
    headers = {"x-live": "1", "x-seen": shown_digests, "hx-request": "true"}
    return client.get("/", headers=headers).content.decode()


def test_shared_sync_notice_comes_and_goes_by_itself(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
) -> None:
    keys = [make_key(label, **SAME) for label in ("One", "Two")]
    SyncStatus.objects.filter(pk=keys[0].pk).update(figures_check_count=2)
    client = signed_in(people.viewer)
    page = client.get("/").content.decode()
    assert _shared_sync_notice_text(page) == ""
    assert _poll(client, shown_digests_of(page)) == ""
    SyncStatus.objects.update(figures_check_count=3)
    shared_figures_refresh(now=clock.now())
    page = _poll(client, shown_digests_of(page))
    assert re.findall(r'data-part="([^"]+)"', page) == ["head", "checked"]
    assert "These 2 keys of Alder" in _shared_sync_notice_text(page)

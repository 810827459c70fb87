"""The overview says which keys report the same sync, leads to them, and says nothing of others."""

import re

import pytest
from django.test import Client

from freddy_admin.accounts.models import SavedView
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.models import KeySync, WorkerBeat
from tests.web.conftest import HandClock, MakeKey, People, SignIn, seen_of

A, B = "a" * 16, "b" * 16
SAME = {"figures_mark": A, "figures_count": 3}


def _notice(page: str) -> str:
    found = re.search(r'<div class="alike">.*?</div>', page, re.DOTALL)
    return re.sub(r"\s+", " ", found.group()) if found else ""


def _organisations(number: int) -> list[Organisation]:
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
def test_a_quiet_notice_names_them_and_leads_to_exactly_these(
    organisations: int,
    keys: int,
    sentence: str,
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
) -> None:
    for place in _organisations(organisations):
        for number in range(keys):
            make_key(f"Key {number}", at=place, **SAME)
    make_key("Another")
    client = signed_in(people.admin)
    notice = _notice(client.get("/").content.decode())
    assert sentence in notice
    assert "Their numbers are not added up." in notice
    assert f'href="/?same={A}"' in notice
    page = client.get(f"/?same={A}").content.decode()
    assert page.count('data-part="row-') == organisations * keys
    assert "Another" not in page
    assert "Reporting the same sync" in page
    assert _notice(page) == ""


def test_more_than_three_groups_are_counted(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for number in range(2 * 5):
        make_key(str(number), figures_mark=f"{number // 2:016x}", figures_count=3)
    notice = _notice(signed_in(people.viewer).get("/").content.decode())
    assert notice.count("report the same sync") == 3
    assert "There are 2 more such groups." in notice


def test_nothing_is_said_of_keys_a_person_does_not_see(
    people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    mine = make_key("Mine", **SAME)
    make_key("Hush", at=other, **SAME)
    client = signed_in(people.viewer)
    assert _notice(client.get("/").content.decode()) == ""
    page = client.get(f"/?same={A}").content.decode()
    assert re.findall(r'data-part="row-(\d+)"', page) == [str(mine.pk)]
    assert "2" in _notice(signed_in(people.admin).get("/").content.decode())


def test_a_key_that_was_joined_to_my_organisations_counts_from_then_on(
    people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    make_key("Mine", **SAME)
    make_key("Hush", at=other, **SAME)
    other.memberships.create(user=people.viewer, role=Role.VIEWER)  # type: ignore[attr-defined]
    notice = _notice(signed_in(people.viewer).get("/").content.decode())
    assert "These 2 report the same sync: Alder and Birch." in notice


@pytest.mark.parametrize(
    "mark", ["", "x", "A" * 16, "a" * 15, "a" * 17, "' OR 1=1 --a", "a" * 15 + "\n"]
)
def test_what_is_no_mark_is_ignored(
    mark: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    page = signed_in(people.viewer).get("/", {"same": mark}).content.decode()
    assert page.count('data-part="row-') == 1
    assert "Reporting the same sync" not in page


def test_an_unknown_mark_finds_nothing_and_can_be_cleared(
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


def test_which_keys_report_the_same_is_no_view_to_keep(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key(**SAME)
    client = signed_in(people.viewer)
    assert "Keep this view" not in client.get(f"/?same={A}&q=alder").content.decode()
    client.post("/views/keep/", {"name": "Mine", "query": f"same={A}"})
    assert not SavedView.objects.exists()


def _ask(client: Client, seen: str) -> str:
    headers = {"x-live": "1", "x-seen": seen, "hx-request": "true"}
    return client.get("/", headers=headers).content.decode()


def test_it_comes_and_goes_by_itself(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    worker: WorkerBeat,
    hand_clock: HandClock,
) -> None:
    keys = [make_key(label, **SAME) for label in ("One", "Two")]
    KeySync.objects.filter(pk=keys[0].pk).update(figures_count=2)
    client = signed_in(people.viewer)
    page = client.get("/").content.decode()
    assert _notice(page) == ""
    assert _ask(client, seen_of(page)) == ""
    KeySync.objects.update(figures_count=3)
    page = _ask(client, seen_of(page))
    assert re.findall(r'data-part="([^"]+)"', page) == ["head"]
    assert "These 2 keys of Alder" in _notice(page)

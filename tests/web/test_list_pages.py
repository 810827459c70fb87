"""What holds for every list of a key: whose it is, how it is fetched anew, what it may contain."""

import re

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import KeySync, Listing, ListingKind
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.web.conftest import HandClock, MakeKey, People, SignIn, seen_of
from tests.web.listings import AUTH, CONNECTORS, HERE, listed, live, names, page_of, text_of

KIND = ListingKind.AUTH_CONFIGS
ITEMS = ({"id": "ac_1", "toolkit": "gmail"}, {"id": "ac_2"}, {"id": "ac_3"})


@pytest.fixture
def viewer(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def operator(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.operator)


def test_a_viewer_is_not_offered_the_button(
    viewer: Client, operator: Client, make_key: MakeKey
) -> None:
    listed(make_key(), *ITEMS, kind=KIND)
    assert "Check now" not in page_of(viewer, AUTH)
    assert "Check now" in page_of(operator, AUTH)


def test_check_now_locks_its_button_and_ends_on_evidence(
    operator: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    listed(key, *ITEMS, kind=KIND)
    asked = operator.post(f"{HERE}keys/{key.pk}/lists/auth_configs/check/")["Location"]
    assert asked.startswith(f"{AUTH}?key={key.pk}&asked=")
    page = page_of(operator, asked)
    assert "Asking Aitronos, as you asked" in page
    assert 'disabled aria-busy="true"' in page
    assert AuditEvent.objects.get(tag="check_requested").details == {"kind": "auth_configs"}
    hand_clock.forward(seconds=50)
    assert "The worker may be busy or stopped." in page_of(operator, asked)
    hand_clock.forward(seconds=50)
    assert "waiting for the worker" in page_of(operator, asked)
    assert "data-pending" not in page_of(operator, asked)
    done = hand_clock.forward(seconds=1)
    Listing.objects.update(checked_at=done, observed_at=done, wanted_at=None, requested_at=None)
    page = page_of(operator, asked)
    assert "Fetched at 12:01, after you asked." in text_of(page)
    assert "aria-busy" not in page
    Listing.objects.update(error_kind="server_error", error_http_status=500)
    assert "Tried at 12:01, after you asked: Aitronos error 500." in text_of(
        page_of(operator, asked)
    )
    hand_clock.forward(minutes=11)
    assert "after you asked" not in page_of(operator, asked)


def test_a_press_just_after_the_result_and_one_that_aitronos_holds_back_are_explained(
    operator: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    listed(key, *ITEMS, kind=KIND, ago=0.1)
    address = f"{HERE}keys/{key.pk}/lists/auth_configs/check/"
    assert "fetched a moment ago" in operator.post(address, follow=True).content.decode()
    hand_clock.forward(seconds=10)
    Listing.objects.update(hold_until=hand_clock().replace(hour=12, minute=20))
    page = operator.post(address, follow=True).content.decode()
    assert "Aitronos asked us to wait until 12:20. The list can be fetched after that." in page
    assert "Aitronos asked us to wait until 12:20" in text_of(page)


@pytest.mark.parametrize("kind", ["bogus", "keys", "connector_switch", "overview"])
def test_only_lists_that_there_are_can_be_asked_for(
    kind: str, operator: Client, make_key: MakeKey
) -> None:
    answer = operator.post(f"{HERE}keys/{make_key().pk}/lists/{kind}/check/")
    assert answer.status_code == 404


@pytest.mark.parametrize("page", ["connectors", "auth-configs"])
def test_another_organisations_key_is_not_there(
    page: str, people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    mine, theirs = make_key("Mine"), make_key("Theirs", at=other)
    listed(mine)
    listed(theirs, {"tool_key": "secret-of-birch", "display_name": "Secret of Birch"})
    admin, manager = signed_in(people.admin), signed_in(people.manager)
    for client in (manager, admin):
        assert client.get(f"{HERE}{page}/?key={theirs.pk}").status_code == 404
        posts = f"{HERE}keys/{theirs.pk}/lists/connectors/check/"
        assert client.post(posts).status_code == 404
        switch = f"{HERE}keys/{theirs.pk}/connectors/switch/?tool=gmail&on=0"
        assert client.get(switch).status_code == 404
        assert client.post(switch, {"understood": "on"}).status_code == 404
    assert not Listing.objects.filter(key=theirs, requested_at__isnull=False).exists()


def test_the_first_key_that_works_is_shown_and_another_can_be_chosen(
    viewer: Client, make_key: MakeKey
) -> None:
    broken, works, last = make_key("A", outcome="refused"), make_key("B"), make_key("C")
    for key in (broken, works, last):
        listed(key, {"id": f"of {key.label}"}, kind=KIND)
    assert names(page_of(viewer, AUTH)) == ["of B"]
    assert names(page_of(viewer, f"{AUTH}?key={last.pk}")) == ["of C"]
    assert names(page_of(viewer, f"{AUTH}?key=bogus&page=-3")) == ["of B"]
    assert viewer.get(f"{AUTH}?key=999999").status_code == 404
    KeySync.objects.update(outcome="failed")
    assert names(page_of(viewer, AUTH)) == ["of A"]


def test_a_key_that_is_not_in_use_cannot_be_chosen(viewer: Client, make_key: MakeKey) -> None:
    make_key("A")
    draft = make_key("Draft")
    ApiKey.objects.filter(pk=draft.pk).update(status=KeyStatus.DRAFT)
    assert viewer.get(f"{AUTH}?key={draft.pk}").status_code == 404


def test_a_paused_key_says_why_its_list_stays_as_it_is(operator: Client, make_key: MakeKey) -> None:
    key = make_key(key={"paused_at": clock.now(), "paused_by": "Ann"})
    listed(key, *ITEMS, kind=KIND, ago=60)
    page = page_of(operator, AUTH)
    assert "This key is paused" in page
    assert "Check now" not in page
    assert Listing.objects.get().wanted_at is None


def test_a_replaced_keys_former_list_is_marked(viewer: Client, make_key: MakeKey) -> None:
    key = make_key(key={"secret_set_at": clock.now()})
    listed(key, *ITEMS, kind=KIND)
    assert "This list came with the former key" in page_of(viewer, AUTH)


def test_the_page_is_told_nothing_twice_and_gets_the_result_by_itself(
    viewer: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    seen = seen_of(page_of(viewer, AUTH))
    assert live(viewer, seen, AUTH).status_code == 204
    done = hand_clock.forward(seconds=3)
    Listing.objects.filter(key=key).update(
        items=list(ITEMS), observed_at=done, checked_at=done, wanted_at=None
    )
    answer = live(viewer, seen, AUTH)
    page = answer.content.decode()
    assert len(names(page)) == 3
    assert "<html" not in page
    assert live(viewer, seen_of(page), AUTH).status_code == 204


@pytest.mark.parametrize("address", [AUTH, f"{CONNECTORS}"])
def test_a_hostile_list_is_text_however_long(
    address: str, viewer: Client, make_key: MakeKey
) -> None:
    bad = '"><script>alert(1)</script>'
    key, long = make_key(bad), bad + "x" * 10_000
    item = dict.fromkeys(
        (
            "id",
            "toolkit",
            "type",
            "tool_key",
            "display_name",
            "description",
            "category",
            "release_channel",
            "connection_id",
        ),
        long,
    )
    for kind in ListingKind:
        listed(key, item, kind=kind, error_kind="tls", error_message=bad * 9)
    page = page_of(viewer, f"{address}?q={bad}&category={bad}")
    assert "<script>alert" not in page
    page = page_of(viewer, address)
    assert "<script>alert" not in page
    assert "x" * 10_000 in page


def test_the_tabs_lead_from_one_part_to_the_next(viewer: Client, make_key: MakeKey) -> None:
    key = make_key()
    for address, current in ((HERE, HERE), (AUTH, AUTH)):
        page = page_of(viewer, address)
        tabs = page[page.index('class="tabs"') : page.index("</nav>", page.index('class="tabs"'))]
        assert re.findall(r'<a class="tab" href="([^"]*)"', tabs) == [
            HERE,
            f"{CONNECTORS}",
            AUTH,
            "/organisations/alder/members/",
        ]
        assert re.search(r'href="([^"]*)" aria-current="page"', tabs).group(1) == current  # type: ignore[union-attr]
    page = page_of(viewer, f"{AUTH}?key={key.pk}")
    assert f"{CONNECTORS}?key={key.pk}" in page

"""The owner filter of the overview, which also finds keys without an owner."""

import re

from tests.web.conftest import MakeKey, People, SignIn


def _ids(page: str) -> list[int]:
    return [int(key_id) for key_id in re.findall(r'data-part="row-(\d+)"', page)]


def test_owner_filter_leaves_keys_without_an_owner(
    make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    owned_key, free_key = make_key("a", key={"owner": people.operator}), make_key("b")
    client = signed_in(people.viewer)
    page = client.get("/?owner=none").content.decode()
    assert _ids(page) == [free_key.pk]
    assert '<option value="none" selected>Nobody yet</option>' in page
    assert "1 of 2 keys" in page
    assert _ids(client.get(f"/?owner={people.operator.pk}").content.decode()) == [owned_key.pk]


def test_owner_filter_is_offered_even_where_no_key_has_an_owner(
    make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    make_key()
    page = signed_in(people.viewer).get("/").content.decode()
    assert '<option value="none" >Nobody yet</option>' in page


def test_owner_filter_stays_in_links_and_exports(
    make_key: MakeKey, people: People, signed_in: SignIn
) -> None:
    make_key("a", key={"owner": people.operator})
    make_key("b")
    client = signed_in(people.viewer)
    assert 'href="/overview.csv?owner=none"' in client.get("/?owner=none").content.decode()
    lines = client.get("/overview.csv?owner=none").getvalue().decode().strip().splitlines()
    assert len(lines) == 2


def test_a_new_key_may_be_given_an_owner_right_away(people: People, signed_in: SignIn) -> None:
    page = signed_in(people.manager).get("/organisations/alder/keys/add/").content.decode()
    before_more = page[: page.index('<details class="more"')]
    assert 'name="owner"' in before_more

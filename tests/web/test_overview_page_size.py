"""50, 200 or 1,000 rows a page: in the address, in a saved view, and in polls."""

import re

import pytest
from django.urls import reverse

from freddy_admin.accounts.models import SavedView
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn

ROW = re.compile(r'<tr id="(row-\d+)" data-part="\1" data-digest="(\w+)"')


@pytest.fixture
def keys(make_key: MakeKey) -> list[ApiKey]:
    """Three more than fit on the smallest page."""
    return [make_key(f"Key {number:03d}") for number in range(53)]


def _links(html: str) -> dict[str, str]:
    control = html.partition("page-sizes")[2].partition("</nav>")[0]
    return {
        word: href for href, word in re.findall(r'<a [^>]*href="([^"]+)"[^>]*>([\d,]+)<', control)
    }


def test_page_offers_fifty_two_hundred_and_a_thousand_rows(
    people: People, signed_in: SignIn, keys: list[ApiKey]
) -> None:
    client = signed_in(people.manager)
    html = client.get("/?sort=organisation").content.decode()
    links = _links(html)
    assert links == {
        "50": "/?sort=organisation",
        "200": "/?sort=organisation&amp;rows=200",
        "1,000": "/?sort=organisation&amp;rows=1000",
    }
    assert (len(ROW.findall(html)), "Page 1 of 2" in html) == (50, True)
    for rows in ("200", "1000"):
        html = client.get(f"/?rows={rows}").content.decode()
        assert (len(ROW.findall(html)), "Page 1 of" in html) == (53, False)
        assert html.count('aria-current="true">' + f"{int(rows):,}<") == 1


def test_number_of_rows_stays_through_filters_sort_and_pages(
    people: People, signed_in: SignIn, keys: list[ApiKey]
) -> None:
    html = signed_in(people.manager).get("/?rows=200&q=Key").content.decode()
    assert '<input type="hidden" name="rows" value="200">' in html
    table_heads = html.partition("<thead>")[2].partition("</thead>")[0]
    assert all("rows=200" in href for href in re.findall(r'<a href="([^"]+)"', table_heads))


@pytest.mark.parametrize("rows", ["0", "51", "1e3", "100000", "-1", "", "x"])
def test_any_other_number_of_rows_is_fifty(
    rows: str, people: People, signed_in: SignIn, keys: list[ApiKey]
) -> None:
    html = signed_in(people.manager).get("/", {"rows": rows}).content.decode()
    assert len(ROW.findall(html)) == 50


def test_page_behind_the_last_one_of_larger_pages_is_the_last_one(
    people: People, signed_in: SignIn, keys: list[ApiKey]
) -> None:
    html = signed_in(people.manager).get("/?rows=200&page=2").content.decode()
    assert len(ROW.findall(html)) == 53


def test_control_is_hidden_where_all_keys_fit_on_a_page(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    assert "page-sizes" not in signed_in(people.manager).get("/").content.decode()


def test_saved_view_remembers_the_number_of_rows(
    people: People, signed_in: SignIn, keys: list[ApiKey]
) -> None:
    client = signed_in(people.viewer)
    client.post(reverse("saved_view_create"), {"name": "Long", "query": "rows=1000"})
    assert SavedView.objects.get().query == "rows=1000"


def test_poll_of_a_long_page_fits_into_a_header_and_finds_what_changed(
    people: People, signed_in: SignIn, keys: list[ApiKey]
) -> None:
    client = signed_in(people.manager)
    html = client.get("/?rows=1000").content.decode()
    parts = dict(re.findall(r'data-part="(frame|head|needs|checked)"\s+data-digest="(\w+)"', html))
    rows = ROW.findall(html)
    seen = ",".join(f"{name}={digest}" for name, digest in parts.items())
    seen += ",rows=" + "".join(digest[:6] for _anchor, digest in rows)
    headers = {"x-live": "1", "x-seen": seen}
    assert client.get("/?rows=1000", headers=headers).status_code == 204
    changed = keys[51]
    SyncStatus.objects.filter(pk=changed.pk).update(total_tools=99, updated_at="2026-03-02T13:00Z")
    answer = client.get("/?rows=1000", headers=headers).content.decode()
    assert [anchor for anchor, _digest in ROW.findall(answer)] == [f"row-{changed.pk}"]

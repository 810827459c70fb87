"""Saved views on the overview: kept as the panel writes them, each for its person alone."""

import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from freddy_admin.accounts.models import SavedView
from freddy_admin.accounts.saved_views import QUERY_LIMIT, VIEWS_AT_MOST, saved_view_keep
from freddy_admin.audit.services import OPERATOR
from tests.web.conftest import MakeKey, People, SignIn


@pytest.fixture
def client(people: People, signed_in: SignIn, make_key: MakeKey) -> Client:
    make_key()
    return signed_in(people.viewer)


def _views(page: str) -> str:
    found = re.search(r'<nav class="views".*?</nav>', page, re.DOTALL)
    return found.group() if found else ""


def _keep(client: Client, query: str, name: str = "Mine") -> str:
    return client.post("/views/keep/", {"name": name, "query": query}, follow=True).content.decode()


def test_without_filters_and_views_nothing_takes_room(client: Client) -> None:
    assert _views(client.get("/").content.decode()) == ""


@pytest.mark.parametrize("query", ["state=late", "q=alder", "sort=-last", "tag=emea&page=3"])
def test_what_narrows_or_sorts_can_be_kept_and_is_then_shown_as_current(
    query: str, client: Client
) -> None:
    assert "Keep this view" in _views(client.get(f"/?{query}").content.decode())
    page = _keep(client, query, "Müller & <Söhne>")
    row = _views(page)
    kept = SavedView.objects.get().query
    assert kept == query.replace("&page=3", "")
    assert f'href="/?{kept}"' in row
    assert 'aria-current="page">Müller &amp; &lt;Söhne&gt;</a>' in row
    assert "Keep this view" not in row
    assert "is kept." in page
    assert "aria-current" not in _views(client.get("/?q=other").content.decode())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("?state=late", "state=late"),
        ("state=paused&state=late&page=7", "state=late&state=paused"),
        ("q=++a%20b++&sort=nonsense&owner=x&evil=1", "q=a+b"),
        ("next=https%3A%2F%2Fevil.example&q=a#x", "q=a%23x"),
        ("same=0123456789abcdef&q=a", "q=a"),
        ("q=%22%3E%3Cscript%3E", "q=%22%3E%3Cscript%3E"),
    ],
)
def test_what_was_sent_is_written_anew(sent: str, kept: str, client: Client) -> None:
    answer = client.post("/views/keep/", {"name": "Mine", "query": sent.removeprefix("?")})
    assert SavedView.objects.get().query == kept
    assert answer["Location"] == f"/?{kept}"


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", "q=a", "Fill this in."),
        ("a\u200bb", "q=a", "invisible characters"),
        ("Mine", "", "Search, filter or sort first"),
        ("Mine", "evil=1", "Search, filter or sort first"),
        ("Mine", urlencode({"q": "語" * 100, "tag": "語" * 100}), "too long to be kept"),
    ],
)
def test_what_cannot_be_kept_is_said_on_the_overview(
    name: str, query: str, sentence: str, client: Client
) -> None:
    page = _keep(client, query, name)
    assert sentence in page
    assert "<h1>Overview</h1>" in page
    assert not SavedView.objects.exists()
    assert len(query) > QUERY_LIMIT or sentence != "too long to be kept"


def test_twenty_are_enough(client: Client, people: People) -> None:
    for number in range(VIEWS_AT_MOST):
        saved_view_keep(actor=OPERATOR, user=people.viewer, name=str(number), query="q=a")
    assert "You keep 20 views already" in _keep(client, "q=b")


def test_a_view_is_removed_and_what_is_shown_stays(client: Client, people: People) -> None:
    view = saved_view_keep(actor=OPERATOR, user=people.viewer, name="Mine", query="q=a")
    answer = client.post(f"/views/{view.pk}/remove/", {"query": "state=late&page=2&evil=1"})
    assert answer["Location"] == "/?state=late"
    page = client.get("/?state=late").content.decode()
    assert "The view “Mine” was removed." in page
    assert not SavedView.objects.exists()


def test_views_of_others_are_neither_shown_nor_removed(client: Client, people: People) -> None:
    view = saved_view_keep(actor=OPERATOR, user=people.admin, name="Hush", query="q=a")
    assert "Hush" not in client.get("/?q=a").content.decode()
    assert client.post(f"/views/{view.pk}/remove/").status_code == 404
    assert client.post(f"/views/{10**18}/remove/").status_code == 404
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_a_form_of_another_site_keeps_nothing(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.viewer)
    answer = client.post("/views/keep/", {"name": "Mine", "query": "q=a"})
    assert answer.status_code == 403
    assert not SavedView.objects.exists()

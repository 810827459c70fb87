"""Saved views of the overview: stored as the panel writes URLs, private to their person."""

import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from freddy_admin.accounts.models import SavedView
from freddy_admin.accounts.saved_views import QUERY_LIMIT, VIEWS_AT_MOST, saved_view_save
from freddy_admin.audit.services import OPERATOR
from tests.web.conftest import MakeKey, People, SignIn


@pytest.fixture
def client(people: People, signed_in: SignIn, make_key: MakeKey) -> Client:
    make_key()
    return signed_in(people.viewer)


def _saved_views_html(page: str) -> str:
    match = re.search(r'<nav class="saved-views".*?</nav>', page, re.DOTALL)
    return match.group() if match else ""


def _save_view(client: Client, query: str, name: str = "Mine") -> str:
    return client.post("/views/keep/", {"name": name, "query": query}, follow=True).content.decode()


def test_saved_view_bar_is_absent_without_filters_and_views(client: Client) -> None:
    assert _saved_views_html(client.get("/").content.decode()) == ""


@pytest.mark.parametrize("query", ["state=late", "q=alder", "sort=-last", "tag=emea&page=3"])
def test_filter_or_sorting_can_be_saved_and_is_then_current(query: str, client: Client) -> None:
    assert "Keep this view" in _saved_views_html(client.get(f"/?{query}").content.decode())
    page = _save_view(client, query, "Müller & <Söhne>")
    row = _saved_views_html(page)
    saved_query = SavedView.objects.get().query
    assert saved_query == query.replace("&page=3", "")
    assert f'href="/?{saved_query}"' in row
    assert 'aria-current="page">Müller &amp; &lt;Söhne&gt;</a>' in row
    assert "Keep this view" not in row
    assert "is kept." in page
    assert "aria-current" not in _saved_views_html(client.get("/?q=other").content.decode())


@pytest.mark.parametrize(
    ("query", "saved_query"),
    [
        ("?state=late", "state=late"),
        ("state=paused&state=late&page=7", "state=late&state=paused"),
        ("q=++a%20b++&sort=nonsense&owner=x&evil=1", "q=a+b"),
        ("next=https%3A%2F%2Fevil.example&q=a#x", "q=a%23x"),
        ("same=0123456789abcdef&q=a", "q=a"),
        ("q=%22%3E%3Cscript%3E", "q=%22%3E%3Cscript%3E"),
    ],
)
def test_saved_query_is_rewritten_by_the_panel(
    query: str, saved_query: str, client: Client
) -> None:
    answer = client.post("/views/keep/", {"name": "Mine", "query": query.removeprefix("?")})
    assert SavedView.objects.get().query == saved_query
    assert answer["Location"] == f"/?{saved_query}"


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
def test_refused_saved_view_is_explained_on_the_overview(
    name: str, query: str, sentence: str, client: Client
) -> None:
    page = _save_view(client, query, name)
    assert sentence in page
    assert "<h1>Overview</h1>" in page
    assert not SavedView.objects.exists()
    assert len(query) > QUERY_LIMIT or sentence != "too long to be kept"


def test_person_saves_at_most_twenty_views(client: Client, people: People) -> None:
    for number in range(VIEWS_AT_MOST):
        saved_view_save(actor=OPERATOR, user=people.viewer, name=str(number), query="q=a")
    assert "You keep 20 views already" in _save_view(client, "q=b")


def test_deleted_view_leaves_the_shown_filters(client: Client, people: People) -> None:
    view = saved_view_save(actor=OPERATOR, user=people.viewer, name="Mine", query="q=a")
    answer = client.post(f"/views/{view.pk}/remove/", {"query": "state=late&page=2&evil=1"})
    assert answer["Location"] == "/?state=late"
    page = client.get("/?state=late").content.decode()
    assert "The view “Mine” was removed." in page
    assert not SavedView.objects.exists()


def test_views_of_others_are_neither_shown_nor_deleted(client: Client, people: People) -> None:
    view = saved_view_save(actor=OPERATOR, user=people.admin, name="Hush", query="q=a")
    assert "Hush" not in client.get("/?q=a").content.decode()
    assert client.post(f"/views/{view.pk}/remove/").status_code == 404
    assert client.post(f"/views/{10**18}/remove/").status_code == 404
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_form_of_another_site_saves_no_view(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.viewer)
    answer = client.post("/views/keep/", {"name": "Mine", "query": "q=a"})
    assert answer.status_code == 403
    assert not SavedView.objects.exists()

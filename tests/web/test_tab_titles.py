"""The tab says how many need somebody, on every page that shows keys, and goes on counting."""

import re

import pytest
from django.test import Client

from freddy_admin.sync.models import KeySync, WorkerBeat
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, seen_of

HERE = "/organisations/alder/"


def _title(page: str) -> str:
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    return " ".join(found.group(1).split()) if found else ""


def _counted(page: str) -> tuple[str, str]:
    (number,) = re.findall(r'data-needs-you="(\d+)"', page)
    (title,) = re.findall(r'data-title="([^"]+)"', page)
    return number, title


def _ask(client: Client, address: str, seen: str) -> str:
    headers = {"x-live": "1", "x-seen": seen, "hx-request": "true"}
    return client.get(address, headers=headers).content.decode()


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    make_key("Well")
    return make_key("A “B” <i>", state=State.OVERDUE)


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("overview", "Overview"),
        ("organisation", "Alder"),
        ("key", "A “B” &lt;i&gt; · Alder"),
    ],
)
def test_the_number_stands_in_the_tab_and_follows_what_happens(
    page: str, title: str, key: ApiKey, people: People, signed_in: SignIn, worker: WorkerBeat
) -> None:
    address = {"overview": "/", "organisation": HERE, "key": f"{HERE}keys/{key.pk}/"}[page]
    client = signed_in(people.viewer)
    shown = client.get(address).content.decode()
    assert _title(shown) == f"(1) {title} · Freddy Admin"
    assert _counted(shown) == ("1", f"{title} · Freddy Admin")
    KeySync.objects.filter(pk=key.pk).update(state=State.UP_TO_DATE)
    observations_forget(rows=[KeySync.objects.get(pk=key.pk)])
    assert _counted(_ask(client, address, seen_of(shown)))[0] == "0"
    assert _title(client.get(address).content.decode()) == f"{title} · Freddy Admin"

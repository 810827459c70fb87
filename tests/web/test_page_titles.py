"""The tab title counts the keys that need somebody on every page with keys, live."""

import re

import pytest
from django.test import Client

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.observation_cache import observation_cache_invalidate
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, shown_digests_of

HERE = "/organisations/alder/"


def _title(page: str) -> str:
    match = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    return " ".join(match.group(1).split()) if match else ""


def _count_and_title(page: str) -> tuple[str, str]:
    (number,) = re.findall(r'data-needs-you="(\d+)"', page)
    (title,) = re.findall(r'data-title="([^"]+)"', page)
    return number, title


def _poll(client: Client, address: str, shown_digests: str) -> str:
    headers = {"x-live": "1", "x-seen": shown_digests, "hx-request": "true"}
    return client.get(address, headers=headers).content.decode()


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    make_key("Well")
    return make_key("A “B” <i>", state=HealthState.OVERDUE)


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("overview", "Overview"),
        ("organisation", "Alder"),
        ("key", "A “B” &lt;i&gt; · Alder"),
    ],
)
def test_tab_title_carries_the_count_and_follows_changes(
    page: str, title: str, key: ApiKey, people: People, signed_in: SignIn, worker: WorkerHeartbeat
) -> None:
    address = {"overview": "/", "organisation": HERE, "key": f"{HERE}keys/{key.pk}/"}[page]
    client = signed_in(people.operator)
    page_html = client.get(address).content.decode()
    assert _title(page_html) == f"(1) {title} · Freddy Admin"
    assert _count_and_title(page_html) == ("1", f"{title} · Freddy Admin")
    SyncStatus.objects.filter(pk=key.pk).update(state=HealthState.UP_TO_DATE)
    observation_cache_invalidate(rows=[SyncStatus.objects.get(pk=key.pk)])
    assert _count_and_title(_poll(client, address, shown_digests_of(page_html)))[0] == "0"
    assert _title(client.get(address).content.decode()) == f"{title} · Freddy Admin"

"""Live updates: a page that has everything is told nothing, one that has not is told the rest."""

from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import KeySync, WorkerBeat
from tests.web.conftest import MakeKey, People, SignIn, seen_of


def _ask(client: Client, seen: str, address: str = "/"):  # type: ignore[no-untyped-def]
    return client.get(address, headers={"x-live": "1", "x-seen": seen, "hx-request": "true"})


def test_nothing_changed_is_204_without_a_byte(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    answer = _ask(client, seen_of(client.get("/").content.decode()))
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_changed_row_comes_alone(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    changed, same = make_key("One"), make_key("Two")
    client = signed_in(people.viewer)
    seen = seen_of(client.get("/").content.decode())
    KeySync.objects.filter(pk=changed.pk).update(updated_at=clock.now())
    answer = _ask(client, seen)
    page = answer.content.decode()
    assert answer["HX-Reswap"] == "none"
    assert f'id="row-{changed.pk}"' in page
    assert f'id="row-{same.pk}"' not in page
    assert page.count("hx-swap-oob") == 1


def test_another_order_brings_the_whole_list(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerBeat
) -> None:
    make_key("One")
    client = signed_in(people.viewer)
    seen = seen_of(client.get("/").content.decode())
    make_key("Two")
    page = _ask(client, seen).content.decode()
    assert 'id="live"' in page
    assert "<html" not in page


def test_the_page_of_an_organisation_is_told_nothing_either(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    client = signed_in(people.viewer)
    address = "/organisations/alder/"
    seen = seen_of(client.get(address).content.decode())
    assert _ask(client, seen, address).status_code == 204
    assert _ask(client, "all=other", address).status_code == 200

"""Aitronos sends parts of a key back wherever an answer has room for them: nobody reads them here.

Searched are every table, the pages, exports, JSON and the log, for any eight characters in a row.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db.models import Model
from django.test import Client

from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.check_now import keys_check_now
from freddy_admin.sync.models import KeySync, Listing, ListingKind, Order, OrderState
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.sealing import Row, canary_ensure, seal_into
from tests.aitronos.calls import CONFIGS, PAGE, STARTED
from tests.aitronos.test_no_key_comes_out import with_echoes
from tests.aitronos.wire import GOOD, ScriptedServer, Talk, answer
from tests.searching import parts_in_a_row
from tests.sync.listing_ends import run as lists_fetched
from tests.sync.listing_ends import want
from tests.sync.ordering import sent
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.crawling import _body

OWN = "9a92Kq7Xw2Rk9Lm4Vt8Nb3Hs6Jd1Fg5Pc0YaTzQe4Uv"
SECRET = f"oak_live_{OWN}"
HIDDEN = [part.lower() for part in parts_in_a_row(OWN, 8)]
# Eight and more characters, in ways that an answer may have of writing them.
ECHOES = (
    f"API key oak_live_…{OWN[2:16]}… is not valid",
    f"key {OWN[20:28].upper()}",
    f"k={'-'.join(OWN[8:22])}",
    f"k={''.join(f'%{ord(one):02x}' for one in OWN[11:23])}",
)
Answers = dict[tuple[str, str], bytes]


def found_in(text: str) -> list[str]:
    """The parts of the key that are there, bare of signs as well."""
    lowered = text.lower()
    bare = "".join(filter(str.isalnum, lowered))
    return [part for part in HIDDEN if part in lowered or part in bare]


def echoing(echo: str) -> Answers:
    """What is answered to each call, this text in every place that takes one."""
    head = {"x-request-id": f"req {echo[:100]}", "x-trace-id": echo, "aitronos-organization": echo}
    head = {name: value.replace("…", "...") for name, value in head.items()}
    told = {"code": echo[:60], "message": echo, "trace_id": echo, "details": {"key": echo}}
    refusal = answer({"error": told, "meta": {"request_id": echo}}, f"401 {OWN}", headers=head)

    def good(body: dict[str, Any]) -> bytes:
        return answer(with_echoes(body, echo), headers=head)

    return {
        ("GET", "sync/status"): refusal,
        ("GET", "auth-configs"): good(CONFIGS),
        ("GET", "available"): good(PAGE | {"returned": 1, "total": 1}),
        ("POST", "sync"): good(STARTED),
        ("GET", "figures"): good(GOOD),
    }


@pytest.fixture
def served(settings: LazySettings) -> Iterator[Callable[[Answers], AitronosClient]]:
    """A client of a server with these answers, found by method and the end of the path."""
    opened: list[Any] = []
    # A lease lasts as long as the calls of this client may.
    settings.AITRONOS_TOTAL_TIMEOUT = settings.AITRONOS_SYNC_TIMEOUT = 60

    def serve(answers: Answers) -> AitronosClient:
        def script(talk: Talk) -> None:
            while request := talk.request():
                method, target = request.split(b" ")[:2]
                path = target.decode().partition("?")[0]
                ends = (one for end, one in answers.items() if _fits(end, method.decode(), path))
                talk.send(next(ends))

        server = ScriptedServer(script)
        config = ClientConfig(server.base_url, connect_timeout=5, read_timeout=20)
        client = AitronosClient(config, clock=clock.now)
        opened.extend((client, server))
        return client

    yield serve
    for one in opened:
        one.close()


def _fits(end: tuple[str, str], method: str, path: str) -> bool:
    return method == end[0] and path.endswith(end[1])


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    key = make_key("Main")
    canary_ensure()
    seal_into(key, SECRET, row=Row(key.organisation_id, key.pk, key.version))
    key.save()
    return key


def everything_stored() -> str:
    """Every value of every table."""
    models: list[type[Model]] = apps.get_models()
    return "\n".join(str(list(one._default_manager.values_list())) for one in models)


def pages(client: Client, bearer: str, key: ApiKey, order: Order) -> Iterator[str]:
    """Whatever tells of a key."""
    here = f"/organisations/{key.organisation.slug}/"
    for path in (
        *("/", "/audit/", "/system/", "/overview.csv", "/audit.csv", f"{here}?show=failures"),
        *(here, f"{here}keys/{key.pk}/", f"{here}keys/{key.pk}/sync/", f"{here}connectors/"),
        *(f"{here}auth-configs/", f"{here}export/"),
    ):
        answered = client.get(path, follow=True)
        assert answered.status_code == 200, path
        yield _body(answered)
    for path in ("statuses", f"organisations/{key.organisation.slug}/events", f"orders/{order.pk}"):
        answered = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {bearer}"})
        assert answered.status_code == 200, path
        yield answered.content.decode()


@pytest.mark.parametrize("echo", ECHOES)
def test_no_part_that_came_back_is_stored_shown_or_logged(
    echo: str,
    key: ApiKey,
    organisation: Organisation,
    people: People,
    signed_in: SignIn,
    served: Callable[[Answers], AitronosClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = served(echoing(echo))
    for kind in (ListingKind.CONNECTORS, ListingKind.AUTH_CONFIGS):
        want(key, kind)
    lists_fetched(client)
    order_sync(organisation=organisation, actor=Actor("Ana"), key_id=key.pk, full=True)
    order = sent(client)
    said = [str(line) for line in keys_check_now(client=client)]

    row = KeySync.objects.get(pk=key.pk)
    assert (row.error_kind, order.state) == ("key_refused", OrderState.DONE)
    assert [len(one.items) for one in Listing.objects.all()] == [1, 1]
    bearer = api_token_create(actor=Actor("Ana"), user=people.admin, name="crawl")
    shown = "\n".join(pages(signed_in(people.admin), bearer, key, order))
    assert found_in(everything_stored()) == []
    assert found_in(shown) == []
    assert found_in(caplog.text + "".join(said)) == []
    # It was there to be cut out, and the words around it are kept.
    assert "…" in row.error_message
    assert shown.count("Gmail ") > 2


def test_the_search_finds_what_was_left_in(key: ApiKey) -> None:
    assert found_in(everything_stored()) == []
    for part in (OWN[5:13], OWN[5:13].upper(), "-".join(OWN[30:38])):
        KeySync.objects.filter(pk=key.pk).update(error_message=f"key {part}")
        assert found_in(everything_stored()), part

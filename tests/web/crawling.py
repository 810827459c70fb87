"""Asks for every address there is, as one person, and leaves everything as it was."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from tests.web.test_access_table import _patterns
from tests.web.two_tenants import Tenant
from tests.web.undone import let_go

NAMED = re.compile(r"<(?:\w+:)?(\w+)>")
# Addresses of one's own second factors and links from mails: their rooms' tests know them.
ELSEWHERE = ("accounts/password/^reset",)
LIVE = {"X-Live": "1", "X-Seen": "frame=0,all=0", "HX-Request": "true"}


@dataclass(frozen=True)
class Asked:
    """One request: a route with what stands in its gaps, a method, and what is sent along."""

    route: str
    gaps: tuple[tuple[str, str], ...]
    method: str = "get"
    live: bool = False
    along: str = ""  # whose ids are in the query or the form

    @property
    def path(self) -> str:
        values = dict(self.gaps)
        return "/" + NAMED.sub(lambda gap: values[gap.group(1)], self.route)

    def filled(self, ids: Mapping[str, Any], besides: tuple[str, ...] = ()) -> "Asked":
        gaps = tuple(
            (name, value if name in besides else str(ids[name])) for name, value in self.gaps
        )
        return replace(self, gaps=gaps)


@dataclass(frozen=True)
class Answered:
    """What came, in a form that can be compared."""

    status: int
    body: str
    headers: str
    queries: int


def routes() -> list[str]:
    """All of them."""
    found = [route for route, __ in _patterns(get_resolver())]
    return [route for route in found if not route.startswith(ELSEWHERE)]


def asked_for(ids: Mapping[str, Any], along: str) -> Iterator[Asked]:
    """Every route with these ids: as a page, as a live part, as a form that is sent."""
    for route in routes():
        names = NAMED.findall(route)
        unknown = set(names) - set(ids) - {"rest", "pk"}
        assert not unknown, f"{route}: tell two_tenants.py what {unknown} is"
        gaps = tuple((name, str(ids.get(name, "5"))) for name in names)
        yield Asked(route, gaps, along=along)
        yield Asked(route, gaps, live=True, along=along)
        yield Asked(route, gaps, "post", along=along)


class Crawler:
    """One person's browser and programs; each request is undone once it was answered."""

    def __init__(self, client: Client, bearer: str) -> None:
        self.cookies, self.bearer = SimpleCookie(client.cookies), bearer
        # One for all requests: each new one would look through all static files anew.
        self.client = Client(raise_request_exception=True)

    def ask(self, asked: Asked, tenant: Tenant, *, check: Any = None) -> Answered:
        """The answer; `check` is called before everything is undone."""
        with transaction.atomic():
            answered = self._ask(asked, tenant)
            if check is not None:
                check()
            transaction.set_rollback(True)
        if settings.REDIS_URL:
            caches["fast"].clear()  # it knows nothing of the database's transactions
        return answered

    def _ask(self, asked: Asked, tenant: Tenant) -> Answered:
        client = self.client
        client.cookies = SimpleCookie(self.cookies)
        headers = LIVE if asked.live else {}
        if asked.route.startswith("api/"):
            headers = headers | {"Authorization": f"Bearer {self.bearer}"}
        sent = _sent(tenant) if asked.along else {}
        with CaptureQueriesContext(connection) as queries:
            if asked.method == "post" and asked.route.startswith("api/"):
                answer = client.post(
                    asked.path, {"full": True}, "application/json", headers=headers
                )
            elif asked.method == "post":
                answer = client.post(asked.path, sent, headers=headers)
            else:
                answer = client.get(asked.path, sent, headers=headers)
            body = _body(answer)
        return Answered(answer.status_code, body, _headers(answer), len(queries))


def _sent(tenant: Tenant) -> dict[str, Any]:
    """Ids of a tenant wherever a query or a form might take one; words that belong to nobody."""
    ids = tenant.ids
    return {
        "key": ids["key_id"],
        "keys": ids["key_id"],
        "key_id": ids["key_id"],
        "owner": tenant.manager.pk,
        "user": ids["user_id"],
        "organisation": tenant.organisation.pk,
        "organisation_id": tenant.organisation.pk,
        "organisations": tenant.organisation.pk,
        "batch": ids["batch_id"],
        "draft": ids["draft_id"],
        "token_id": ids["token_id"],
        "view": ids["view_id"],
        "start": "each",
        "mode": "full",
        "do": "withdraw",
        "role": "operator",
        "tool": "plain",
        "on": "1",
        "name": "Plain",
        "label": "Plain",
        "email": "plain@example.org",
        "days": "30",
        "scope": "read",
    }


def _body(answer: HttpResponseBase) -> str:
    if getattr(answer, "streaming", False):
        text = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    else:
        text = answer.content  # type: ignore[attr-defined]
    let_go(answer)
    if text.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(text)) as packed:
            text = b"".join(packed.read(name) for name in packed.namelist())
    return bytes(text).decode("utf-8", "replace")


def _headers(answer: HttpResponseBase) -> str:
    shown = {name: value for name, value in answer.headers.items() if name != "Location"}
    return str(sorted(shown.items()))


def without_asked(body: str, asked: Asked) -> str:
    """Without what the request itself said: its address, and ids long enough to be no accident."""
    body = body.replace(asked.path, "·")
    for value in sorted((value for __, value in asked.gaps if len(value) > 5), key=len):
        body = body.replace(value, "·")
    return body


def plain(answered: Answered, asked: Asked) -> tuple[int, str]:
    """Status and body without what differs between any two requests, and without the ids asked."""
    body = re.sub(r"(?m)^\d+(?=,)", "", answered.body)  # a line's number in the audit log's export
    body = re.sub(
        r'value="[\w-]{64}"|data-now="\d+"|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\b[0-9a-f]{12}\b',
        "",
        body,
    )
    return answered.status, without_asked(body, asked)

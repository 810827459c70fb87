"""Requests every URL of the panel as one person, and rolls back every change."""

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
from django.urls import get_resolver

from tests.web.fuzz_rollback_helpers import close_response, post_form
from tests.web.tenant_factory import Tenant, tenant_tables
from tests.web.test_access_table import list_url_patterns

URL_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# URLs of second factors and links from mails: tested in tests/accounts.
SKIPPED_ROUTE_PREFIXES = ("accounts/password/^reset",)
LIVE_HEADERS = {"X-Live": "1", "X-Seen": "frame=0,all=0", "HX-Request": "true"}


@dataclass(frozen=True)
class CrawlRequest:
    """A route with the values of its parameters, a method, and whose ids are sent along."""

    route: str
    url_values: tuple[tuple[str, str], ...]
    method: str = "get"
    is_live: bool = False
    extra_ids_of: str = ""  # whose ids are in the query or the form

    @property
    def path(self) -> str:
        values = dict(self.url_values)
        return "/" + URL_PARAMETER.sub(lambda match: values[match.group(1)], self.route)

    def with_ids(self, ids: Mapping[str, Any], besides: tuple[str, ...] = ()) -> "CrawlRequest":
        url_values = tuple(
            (name, value if name in besides else str(ids[name])) for name, value in self.url_values
        )
        return replace(self, url_values=url_values)


@dataclass(frozen=True)
class CrawlResponse:
    """A response in a form that can be compared."""

    status: int
    body: str
    headers: str
    queries: int


def list_routes() -> list[str]:
    """All routes of the panel but those of SKIPPED_ROUTE_PREFIXES."""
    routes = [route for route, __ in list_url_patterns(get_resolver())]
    return [route for route in routes if not route.startswith(SKIPPED_ROUTE_PREFIXES)]


def list_crawl_requests(ids: Mapping[str, Any], extra_ids_of: str) -> Iterator[CrawlRequest]:
    """Every route with these ids: as a page, as a live update, as a form that is sent."""
    for route in list_routes():
        names = URL_PARAMETER.findall(route)
        unknown = set(names) - set(ids) - {"rest", "pk"}
        assert not unknown, f"{route}: tell tenant_factory.py what {unknown} is"
        url_values = tuple((name, str(ids.get(name, "5"))) for name in names)
        yield CrawlRequest(route, url_values, extra_ids_of=extra_ids_of)
        yield CrawlRequest(route, url_values, is_live=True, extra_ids_of=extra_ids_of)
        yield CrawlRequest(route, url_values, "post", extra_ids_of=extra_ids_of)


class _Statements:
    """Counts statements, and keeps those that write.

    Django's own record of statements asks SQLite to write out each parameter, which takes longer.
    """

    def __init__(self) -> None:
        self.count, self.writing = 0, list[str]()

    def __call__(self, execute: Any, sql: str, *arguments: Any) -> Any:
        self.count += 1
        if not sql.startswith(("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.writing.append(sql)
        return execute(sql, *arguments)


class Crawler:
    """One person's browser and API token; each request is rolled back once it was answered."""

    def __init__(self, client: Client, bearer: str) -> None:
        self.cookies, self.bearer = SimpleCookie(client.cookies), bearer
        # One for all requests: each new one would look through all static files anew.
        self.client = Client(raise_request_exception=True)

    def send(
        self, crawl_request: CrawlRequest, tenant: Tenant, *, check: Any = None
    ) -> CrawlResponse:
        """The response; `check` is called before the rollback, if a tenant's table was written."""
        with transaction.atomic(), connection.execute_wrapper(statements := _Statements()):
            crawl_response = self._send(crawl_request, tenant, statements)
            written = " ".join(statements.writing)
            if check is not None and any(table in written for table in tenant_tables()):
                check()
            transaction.set_rollback(True)
        if settings.REDIS_URL:
            caches["fast"].clear()  # Redis knows nothing of the database's transactions
        return crawl_response

    def _send(
        self, crawl_request: CrawlRequest, tenant: Tenant, statements: _Statements
    ) -> CrawlResponse:
        client = self.client
        client.cookies = SimpleCookie(self.cookies)
        headers = LIVE_HEADERS if crawl_request.is_live else {}
        if crawl_request.route.startswith("api/"):
            headers = headers | {"Authorization": f"Bearer {self.bearer}"}
        fields = tenant_form_fields(tenant) if crawl_request.extra_ids_of else {}
        if crawl_request.method == "post" and crawl_request.route.startswith("api/"):
            answer = client.post(
                crawl_request.path, {"full": True}, "application/json", headers=headers
            )
        elif crawl_request.method == "post":
            answer = post_form(client, crawl_request.path, fields, headers=headers)
        else:
            answer = client.get(crawl_request.path, fields, headers=headers)
        body, headers_text = response_body(answer), _response_headers(answer)
        return CrawlResponse(answer.status_code, body, headers_text, statements.count)


def tenant_form_fields(tenant: Tenant) -> dict[str, Any]:
    """Fields with ids of a tenant wherever a view might read one; other values are neutral."""
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
        "incident": ids["incident_id"],
        "window": ids["window_id"],
        "channel": ids["channel_id"],
        "channels": ids["channel_id"],
        "channel_id": ids["channel_id"],
        "rule": ids["rule_id"],
        "roles": "manager",
        "severity": "warning",
        "channel_address": "https://203.0.113.7/hook",
        "assignee": ids["user_id"],
        "note": "Plain",
        "reason": "Plain",
        "hours": "1",
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


def response_body(answer: HttpResponseBase) -> str:
    if getattr(answer, "streaming", False):
        text = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    else:
        text = answer.content  # type: ignore[attr-defined]
    close_response(answer)
    if text.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(text)) as archive:
            text = b"".join(archive.read(name) for name in archive.namelist())
    return bytes(text).decode("utf-8", "replace")


def _response_headers(answer: HttpResponseBase) -> str:
    headers = {name: value for name, value in answer.headers.items() if name != "Location"}
    return str(sorted(headers.items()))


def remove_request_values(body: str, crawl_request: CrawlRequest) -> str:
    """The body without its request's path and long parameter values."""
    body = body.replace(crawl_request.path, "·")
    for value in sorted(
        (value for __, value in crawl_request.url_values if len(value) > 5), key=len
    ):
        body = body.replace(value, "·")
    return body


def normalize_response(
    crawl_response: CrawlResponse, crawl_request: CrawlRequest
) -> tuple[int, str]:
    """Status and body without what differs between any two requests, and without requested ids."""
    body = re.sub(
        r"(?m)^\d+(?=,)", "", crawl_response.body
    )  # a line's number in the audit log's export
    body = re.sub(
        r'value="[\w-]{64}"|data-(?:now|version)="[^"]*"'
        r"|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\b[0-9a-f]{12}\b",
        "",
        body,
    )
    return crawl_response.status, remove_request_values(body, crawl_request)

"""What each address answers to each role, as text; nothing that a request writes stays."""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import get_resolver

from tests.api.api_client import ApiClient
from tests.golden.golden_fleet import HOST, ROLES, Fleet
from tests.golden.visible_text import visible_text
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.test_access_table import list_url_patterns
from tests.web.url_crawler import LIVE_HEADERS, URL_PARAMETER, tenant_form_fields

# Their pages hold random ids, so their texts differ at each rendering.
SKIPPED_ROUTES = ("accounts/password/^reset", "accounts/2fa/passkeys/<int:pk>")
ROUTE_NAMES = re.compile(r"[^\w.-]+")
MASKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"), "(uuid)"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "(digest)"),
    (re.compile(r"\b[A-Z2-7]{32}\b"), "(seed)"),
    (re.compile(r"at most \d+ hashed"), "at most (n) hashed"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:(port)"),
    (re.compile(rf"Freddy Admin {re.escape(settings.VERSION)}"), "Freddy Admin (version)"),
    (re.compile(r"\bfreddy_[\w-]{20,}"), "(token)"),
    (re.compile(r"\breq_[0-9a-f]{12}\b"), "req_(random)"),
    (re.compile(r"\bwhsec_[\w+/=]+"), "(random)"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "(short digest)"),
    (re.compile(r"(?<![\w/.-])[\w-]{40,}(?![\w/.-])"), "(random)"),
)


@dataclass(frozen=True)
class RenderedText:
    """One response as text, its request, and the role that got it."""

    file: str
    request: str
    role: str
    text: str


# Whether a request of a file is to be made as a role: `golden_texts.GoldenTexts.asks`.
Asks = Callable[[str, str, str], bool]


def render_pages(fleet: Fleet, asks: Asks) -> Iterator[RenderedText]:
    """Every address as every role: its page, its live part, an empty form and a filled one."""
    for role in ROLES:
        browser = fleet.browser(role)
        for file, path in _list_addresses(fleet):
            yield from _render_page(fleet, asks, browser, RenderedText(file, path, role, ""))


def _render_page(
    fleet: Fleet, asks: Asks, browser: Client, place: RenderedText
) -> Iterator[RenderedText]:
    file, path, role = place.file, place.request, place.role
    if asks(file, "GET", role):
        page = render_response(browser, path, bearer=fleet.tenant.bearer, whole=file == "overview")
        yield RenderedText(file, "GET", role, page)
        is_live = "data-live" in _LAST_RESPONSE.get("body", "")
    else:
        is_live = asks(file, "GET live", role)
    if is_live:
        live_part = render_response(browser, path, headers=LIVE_HEADERS)
        yield RenderedText(file, "GET live", role, live_part)
    if role not in {"viewer", "manager", "admin"}:
        return
    empty_form_text = ""
    if asks(file, "POST empty", role):
        empty_form_text = render_response(browser, path, method="post", bearer=fleet.tenant.bearer)
        yield RenderedText(file, "POST empty", role, empty_form_text)
    if asks(file, "POST filled in", role):
        fields = tenant_form_fields(fleet.tenant)
        filled_form_text = render_response(browser, path, method="post", sent=fields)
        if filled_form_text != empty_form_text:
            yield RenderedText(file, "POST filled in", role, filled_form_text)


def render_reauthentication_pages(
    fleet: Fleet, asks: Asks, pages: Iterable[RenderedText]
) -> Iterator[RenderedText]:
    """What a manager and an admin get whose authentication is no longer recent.

    Of that only what differs from `pages`, which they get when it is.
    """
    plain_texts = {(page.file, page.request, page.role): page.text for page in pages}
    for role in ("manager", "admin"):
        browser = fleet.browser(role, minutes_ago=20)
        for file, path in _list_addresses(fleet):
            for method, plain_request in (("GET", "GET"), ("POST", "POST empty")):
                request = f"{method} unconfirmed"
                if path.startswith("/api/") or not asks(file, request, role):
                    continue
                text = render_response(browser, path, method=method.lower())
                if text != plain_texts.get((file, plain_request, role)):
                    yield RenderedText(file, request, role, text)


def render_organisation_pages(fleet: Fleet) -> Iterator[RenderedText]:
    """The page of each organisation of the demo, so of each state, and of each of their keys."""
    browser = fleet.browser("admin")
    for slug in fleet.organisations:
        page = render_response(browser, f"/organisations/{slug}/")
        yield RenderedText(f"organisation-{slug}", "GET", "admin", page)
        for key_match in sorted(set(re.findall(rf"/organisations/{slug}/keys/\d+/ ", page))):
            yield RenderedText(
                f"organisation-{slug}",
                f"GET {key_match}",
                "admin",
                render_response(browser, key_match.strip()),
            )


def render_filtered_pages(fleet: Fleet) -> Iterator[RenderedText]:
    """Filters, sorts, searches and pages of the overview and the audit log."""
    browser = fleet.browser("admin")
    for query in ("state=overdue", "tag=emea", "q=alp", "q=nothing", "sort=name", "page=2"):
        yield RenderedText(
            "overview-choices", f"GET ?{query}", "admin", render_response(browser, f"/?{query}")
        )
    for query in ("q=grove", "tag=key_changed", "page=2"):
        page = render_response(browser, f"/audit/?{query}")
        yield RenderedText("audit-choices", f"GET ?{query}", "admin", page)


def render_api_responses(fleet: Fleet) -> Iterator[RenderedText]:
    """The JSON API and the metrics, with a token that reads everything and one that is wrong."""
    api_client, slug = ApiClient(fleet.people["admin"], "act"), fleet.tenant.organisation.slug
    key, order = fleet.tenant.ids["key_id"], fleet.tenant.ids["order_id"]
    browser = Client(raise_request_exception=False, HTTP_HOST=HOST)
    for bearer, role in ((api_client.token, "admin"), ("wrong", "nobody")):
        for path in (
            "/api/v1/statuses",
            f"/api/v1/organisations/{slug}/events",
            f"/api/v1/organisations/{slug}/events?show=nonsense",
            f"/api/v1/orders/{order}",
            "/metrics",
        ):
            yield RenderedText(
                "programs", f"GET {path}", role, render_response(browser, path, bearer=bearer)
            )
        for path in (f"/api/v1/keys/{key}/check", f"/api/v1/keys/{key}/sync"):
            text = render_response(browser, path, method="post", bearer=bearer)
            yield RenderedText("programs", f"POST {path}", role, text)


_LAST_RESPONSE: dict[str, str] = {}


def render_response(
    browser: Client,
    path: str,
    *,
    method: str = "get",
    sent: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    bearer: str = "",
    whole: bool = False,
) -> str:
    """The response as text; whatever the request wrote is rolled back."""
    headers = dict(headers or {}) | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    if not path.startswith(("/api/", "/metrics")):
        headers.pop("Authorization", None)
    with transaction.atomic():
        cookies = browser.cookies.copy()
        response = getattr(browser, method)(path, sent, headers=headers)
        text = response_text(response, whole=whole)
        browser.cookies = cookies
        transaction.set_rollback(True)
    return text


def response_text(response: Any, *, whole: bool = False) -> str:
    """Status, redirect, messages and body of one response."""
    body = _response_body(response)
    content_type = response.headers.get("Content-Type", "").partition(";")[0]
    _LAST_RESPONSE["body"] = body if content_type == "text/html" else ""
    lines = [f"{response.status_code} {content_type}".strip()]
    lines += [f"Location: {response.headers['Location']}"] if "Location" in response.headers else []
    lines += (
        [f"HX-Redirect: {response.headers['HX-Redirect']}"] if "HX-Redirect" in response else []
    )
    lines += [f"Message: {message}" for message in _response_messages(response)]
    return mask_random_values(
        "\n".join([*lines, _readable_body(body, content_type, whole=whole)]).strip()
    )


def _response_messages(response: Any) -> Iterable[Any]:
    request = getattr(response, "wsgi_request", None)
    return get_messages(request) if request is not None and response.status_code == 302 else ()


def _readable_body(body: str, kind: str, *, whole: bool) -> str:
    if kind == "text/html":
        return visible_text(body, whole=whole)
    if kind == "application/json":
        return json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    return body


def _response_body(response: HttpResponseBase) -> str:
    if getattr(response, "streaming", False):
        content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    else:
        content = response.content  # type: ignore[attr-defined]
    close_response(response)
    if not content.startswith(b"PK"):
        return bytes(content).decode()
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return "\n".join(
            f"--- {name}\n{archive.read(name).decode()}" for name in archive.namelist()
        )


def mask_random_values(text: str) -> str:
    """The text without random values: tokens, digests, uuids."""
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def _list_addresses(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """The file of each route, and its address at the organisation that has everything."""
    for route, __ in list_url_patterns(get_resolver()):
        if route.startswith(SKIPPED_ROUTES):
            continue
        ids = {name: str(fleet.tenant.ids.get(name, "5")) for name in URL_PARAMETER.findall(route)}
        path = "/" + URL_PARAMETER.sub(lambda gap, ids=ids: ids[gap.group(1)], route)  # type: ignore[misc]
        yield ROUTE_NAMES.sub("-", route).strip("-") or "overview", path

"""What each address answers to each kind of person, as text; nothing that is asked for stays."""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import get_resolver

from tests.golden.fleet import HOST, ROLES, Fleet
from tests.golden.visible_text import visible_text
from tests.web.crawling import LIVE, NAMED, _sent
from tests.web.machines import Program
from tests.web.test_access_table import _patterns
from tests.web.undone import let_go

# Their pages have ids and questions of their own: `sign_in_pages` asks for those that hold still.
LIBRARY = ("accounts/password/^reset", "accounts/2fa/passkeys/<int:pk>")
ROUTE_NAMES = re.compile(r"[^\w.-]+")
MASKS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"), "(uuid)"),
    (re.compile(r"\b[0-9a-f]{32,64}\b"), "(digest)"),
    (re.compile(r"\b[A-Z2-7]{32}\b"), "(seed)"),
    (re.compile(r"at most \d+ hashed"), "at most (n) hashed"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:(port)"),
    (re.compile(rf"Freddy Admin {re.escape(settings.VERSION)}"), "Freddy Admin (version)"),
    (re.compile(r"\bfreddy_[\w-]{20,}"), "(token)"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "(short digest)"),
    (re.compile(r"(?<![\w/.-])[\w-]{40,}(?![\w/.-])"), "(random)"),
)


@dataclass(frozen=True)
class Shown:
    """One answer as text, and who got it."""

    file: str
    asked: str
    role: str
    text: str


def pages_shown(fleet: Fleet) -> Iterator[Shown]:
    """Every address, as every role: looked at, its live part, and a form that is sent empty."""
    for role in ROLES:
        browser = fleet.browser(role)
        for route, path in _addresses(fleet):
            file = ROUTE_NAMES.sub("-", route).strip("-") or "overview"
            page = asked(browser, path, bearer=fleet.tenant.bearer, whole=file == "overview")
            yield Shown(file, "GET", role, page)
            if "data-live" in _RAW.get("body", ""):
                yield Shown(file, "GET live", role, asked(browser, path, headers=LIVE))
            if role in {"viewer", "manager", "admin"}:
                empty = asked(browser, path, method="post", bearer=fleet.tenant.bearer)
                yield Shown(file, "POST empty", role, empty)
                filled = asked(browser, path, method="post", sent=_sent(fleet.tenant))
                if filled != empty:
                    yield Shown(file, "POST filled in", role, filled)


def unconfirmed_shown(fleet: Fleet) -> Iterator[Shown]:
    """What a manager and an admin meet who showed long ago that it is them."""
    for role in ("manager", "admin"):
        browser = fleet.browser(role, minutes_ago=20)
        for route, path in _addresses(fleet):
            if route.startswith("api/"):
                continue
            file = ROUTE_NAMES.sub("-", route).strip("-") or "overview"
            yield Shown(file, "GET unconfirmed", role, asked(browser, path))
            yield Shown(file, "POST unconfirmed", role, asked(browser, path, method="post"))


def organisations_shown(fleet: Fleet) -> Iterator[Shown]:
    """The page of each organisation of the demo, so of each state, and of each of their keys."""
    browser = fleet.browser("admin")
    for slug in fleet.organisations:
        page = asked(browser, f"/organisations/{slug}/")
        yield Shown(f"organisation-{slug}", "GET", "admin", page)
        for key in sorted(set(re.findall(rf"/organisations/{slug}/keys/\d+/ ", page))):
            yield Shown(f"organisation-{slug}", f"GET {key}", "admin", asked(browser, key.strip()))


def overview_choices_shown(fleet: Fleet) -> Iterator[Shown]:
    """Filters, sorts, searches and pages of the overview and the audit log."""
    browser = fleet.browser("admin")
    for query in ("state=overdue", "tag=emea", "q=alp", "q=nothing", "sort=name", "page=2"):
        yield Shown("overview-choices", f"GET ?{query}", "admin", asked(browser, f"/?{query}"))
    for query in ("q=grove", "tag=key_changed", "page=2"):
        page = asked(browser, f"/audit/?{query}")
        yield Shown("audit-choices", f"GET ?{query}", "admin", page)


def programs_shown(fleet: Fleet) -> Iterator[Shown]:
    """The JSON API and the metrics, with a token that reads everything and one that is wrong."""
    program, slug = Program(fleet.people["admin"], "act"), fleet.tenant.organisation.slug
    key, order = fleet.tenant.ids["key_id"], fleet.tenant.ids["order_id"]
    browser = Client(raise_request_exception=False, HTTP_HOST=HOST)
    for bearer, who in ((program.token, "admin"), ("wrong", "nobody")):
        for path in (
            "/api/v1/statuses",
            f"/api/v1/organisations/{slug}/events",
            f"/api/v1/organisations/{slug}/events?show=nonsense",
            f"/api/v1/orders/{order}",
            "/metrics",
        ):
            yield Shown("programs", f"GET {path}", who, asked(browser, path, bearer=bearer))
        for path in (f"/api/v1/keys/{key}/check", f"/api/v1/keys/{key}/sync"):
            answer = asked(browser, path, method="post", bearer=bearer)
            yield Shown("programs", f"POST {path}", who, answer)


_RAW: dict[str, str] = {}


def asked(
    browser: Client,
    path: str,
    *,
    method: str = "get",
    sent: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    bearer: str = "",
    whole: bool = False,
) -> str:
    """The answer as text; whatever was written on the way is rolled back."""
    headers = dict(headers or {}) | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    if not path.startswith(("/api/", "/metrics")):
        headers.pop("Authorization", None)
    with transaction.atomic():
        cookies = browser.cookies.copy()
        answer = getattr(browser, method)(path, sent, headers=headers)
        text = answer_text(answer, whole=whole)
        browser.cookies = cookies
        transaction.set_rollback(True)
    return text


def answer_text(answer: Any, *, whole: bool = False) -> str:
    """Status, where it leads, messages and body of one answer."""
    body = _body(answer)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    _RAW["body"] = body if kind == "text/html" else ""
    head = [f"{answer.status_code} {kind}".strip()]
    head += [f"Location: {answer.headers['Location']}"] if "Location" in answer.headers else []
    head += [f"HX-Redirect: {answer.headers['HX-Redirect']}"] if "HX-Redirect" in answer else []
    head += [f"Message: {message}" for message in _messages(answer)]
    return masked("\n".join([*head, _readable(body, kind, whole=whole)]).strip())


def _messages(answer: Any) -> Iterable[Any]:
    request = getattr(answer, "wsgi_request", None)
    return get_messages(request) if request is not None and answer.status_code == 302 else ()


def _readable(body: str, kind: str, *, whole: bool) -> str:
    if kind == "text/html":
        return visible_text(body, whole=whole)
    if kind == "application/json":
        return json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    return body


def _body(answer: HttpResponseBase) -> str:
    if getattr(answer, "streaming", False):
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    else:
        content = answer.content  # type: ignore[attr-defined]
    let_go(answer)
    if not content.startswith(b"PK"):
        return bytes(content).decode()
    with zipfile.ZipFile(BytesIO(content)) as packed:
        return "\n".join(f"--- {name}\n{packed.read(name).decode()}" for name in packed.namelist())


def masked(text: str) -> str:
    """Without what is another one each time: tokens, digests, uuids."""
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def _addresses(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Each route with its address at the organisation that has everything."""
    for route, __ in _patterns(get_resolver()):
        if route.startswith(LIBRARY):
            continue
        ids = {name: str(fleet.tenant.ids.get(name, "5")) for name in NAMED.findall(route)}
        yield route, "/" + NAMED.sub(lambda gap, ids=ids: ids[gap.group(1)], route)  # type: ignore[misc]

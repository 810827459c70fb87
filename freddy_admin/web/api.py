"""The panel's own JSON API, for machines with a panel token."""

import json
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from freddy_admin.accounts.models import User
from freddy_admin.accounts.panel_tokens import api_token_find
from freddy_admin.core import clock
from freddy_admin.sync.rows import CheckError, Filters, KeyRow
from freddy_admin.sync.selectors import overview_rows
from freddy_admin.web.presenters.failures import failure


class CheckErrorOut(Schema):
    """Why the latest finished check brought no figures."""

    code: str
    http_status: int | None
    message: str
    trace_id: str | None


class StatusOut(Schema):
    """One key: its state, its last good figures, its latest finished check."""

    organisation: str
    organisation_slug: str
    key_id: int
    key_label: str
    state: str
    state_since: datetime
    total_tools: int | None
    enabled_tools: int | None
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    sync_interval_hours: int | None
    incremental_sync_enabled: bool | None
    checked_at: datetime | None
    observed_at: datetime | None
    error: CheckErrorOut | None


class StatusesOut(Schema):
    """All keys the token's person sees."""

    generated_at: datetime
    statuses: list[StatusOut]


class Refusal(Schema):
    """Why there is no answer."""

    detail: str


class PanelToken(HttpBearer):
    """`Authorization: Bearer …` with a token made by `manage.py create_api_token`."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The token's person, None where it is unknown."""
        grant = api_token_find(token=token)
        return grant.user if grant else None


api = NinjaAPI(
    title="Freddy Admin",
    version="1",
    urls_namespace="api",
    docs_url=None,
    openapi_url="openapi.json",
    auth=PanelToken(),
)


@api.exception_handler(AuthenticationError)
def refuse(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    """401, with the way in named."""
    del request, error
    detail = _("Give a panel token: Authorization: Bearer …")
    answer = _json({"detail": detail}, status=401)
    answer["WWW-Authenticate"] = 'Bearer realm="Freddy Admin"'
    return answer


@api.get("/statuses", response={200: StatusesOut, 401: Refusal}, url_name="statuses")
def statuses(request: HttpRequest) -> HttpResponse:
    """The latest status of every key the token's person sees, worst first. Times are UTC."""
    now = clock.now()
    person: User = request.auth  # type: ignore[attr-defined]
    rows = overview_rows(user=person, filters=Filters(), now=now)
    return _json({"generated_at": _utc(now), "statuses": [_status(row) for row in rows]})


def _status(row: KeyRow) -> dict[str, Any]:
    figures = row.figures
    return {
        "organisation": row.organisation_name,
        "organisation_slug": row.organisation_slug,
        "key_id": row.key_id,
        "key_label": row.key_label,
        "state": row.state.value,
        "state_since": _utc(row.state_since),
        "total_tools": figures.total_tools if figures else None,
        "enabled_tools": figures.enabled_tools if figures else None,
        "last_sync_at": _utc(figures.last_sync_at) if figures else None,
        "next_sync_at": _utc(figures.next_sync_at) if figures else None,
        "sync_interval_hours": figures.sync_interval_hours if figures else None,
        "incremental_sync_enabled": figures.incremental_sync_enabled if figures else None,
        "checked_at": _utc(row.checked_at),
        "observed_at": _utc(row.observed_at),
        "error": _error(row.error) if row.error else None,
    }


def _error(error: CheckError) -> dict[str, Any]:
    return {
        "code": error.code or error.kind,
        "http_status": error.http_status,
        "message": error.message or failure(error).words,
        "trace_id": error.trace_id or None,
    }


def _utc(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _json(value: Any, *, status: int = 200) -> HttpResponse:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, content_type="application/json", status=status)


# The token is the sign-in of this address; the schema stays behind the pages' own.
urls = api.urls
for _pattern in urls[0]:
    if isinstance(_pattern, URLPattern) and _pattern.name == "statuses":
        login_not_required(_pattern.callback)

"""A client of the JSON API, with an API token of its own."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.test import Client

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.audit.services import OPERATOR
from freddy_admin.organisations.models import Organisation


class ApiClient:
    """Sends requests with a token of this person; without one where there is no person."""

    def __init__(
        self, user: User | None, scope: str = "read", only: Iterable[Organisation] | None = None
    ) -> None:
        ids = None if only is None else frozenset(organisation.pk for organisation in only)
        token_options = ApiTokenOptions(scope=scope, organisation_ids=ids)
        self.token = (
            api_token_create(actor=OPERATOR, user=user, name="board", token_options=token_options)
            if user
            else ""
        )

    def get(self, path: str, **query: Any) -> HttpResponse:
        return Client().get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path: str, body: bytes | None = None) -> HttpResponse:
        client = Client(enforce_csrf_checks=True)
        return client.post(
            f"/api/v1/{path}", body or b"", "application/json", headers=self._headers()
        )

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}


def create_api_token(user: User) -> int:
    """The id of a new token of this person."""
    ApiClient(user)
    return ApiToken.objects.filter(user=user).latest("pk").pk

"""The scenario of an action (people, an organisation, browsers), its request and its events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.accounts.conftest import PASSWORD
from tests.web.conftest import MakeKey, People, SignIn

ORGANISATION_URL = "/organisations/alder/"


@dataclass
class Scenario:
    """The people with a browser each; `nobody` is one who is not signed in."""

    people: People
    organisation: Organisation
    make_key: MakeKey
    signed_in: SignIn
    clients: dict[str, Client] = field(default_factory=dict)

    def person(self, actor_role: str) -> User | None:
        """The person of this role; None for `nobody`."""
        return getattr(self.people, actor_role, None)

    def client(self, actor_role: str) -> Client:
        """The browser of this role, which sends Host: localhost."""
        if actor_role not in self.clients:
            person = self.person(actor_role)
            client = Client() if person is None else self.signed_in(person)
            client.defaults["HTTP_HOST"] = "localhost"
            self.clients[actor_role] = client
        return self.clients[actor_role]

    def with_password(self, actor_role: str) -> User:
        """The person of this role, whose password is now PASSWORD and who is signed out."""
        person = getattr(self.people, actor_role)
        person.set_password(PASSWORD)
        person.save()
        self.clients.pop(actor_role, None)
        return person  # type: ignore[no-any-return]

    def key(self, **values: Any) -> ApiKey:
        """An active key with the label Main."""
        return self.make_key("Main", key=values)


@dataclass(frozen=True)
class ActionRequest:
    """An HTTP request that carries out an action."""

    path: str
    fields: dict[str, Any] = field(default_factory=dict)
    method: str = "post"
    headers: dict[str, str] = field(default_factory=dict)
    json: str | None = None

    def send(self, client: Client) -> HttpResponse:
        """Send the request with this client; returns the response."""
        if self.json is not None:
            return client.post(self.path, self.json, "application/json", headers=self.headers)  # type: ignore[return-value]
        send_method = client.get if self.method == "get" else client.post
        return send_method(self.path, self.fields, headers=self.headers)  # type: ignore[return-value]


@dataclass(frozen=True)
class UserAction:
    """Who acts, the request, the tags of the audit events that follow, and whose they are."""

    actor_role: str
    build_request: Callable[[Scenario], ActionRequest]
    tags: tuple[str, ...]
    is_in_organisation: bool = False
    actor: str = "same"  # role whose id the events carry; empty: no id
    is_recorded_on_commit: bool = False  # allauth signals it only after the commit


def request_to_new_key(name: str, **fields: Any) -> Callable[[Scenario], ActionRequest]:
    """A request to a page of a new key, called Main."""
    return lambda scene: ActionRequest(f"{ORGANISATION_URL}keys/{scene.key().pk}/{name}/", fields)


def request_to(path: str, **fields: Any) -> Callable[[Scenario], ActionRequest]:
    """A POST to a URL that needs no object made first."""
    return lambda _: ActionRequest(path, fields)


def read_request_to(path: str) -> Callable[[Scenario], ActionRequest]:
    """A GET of a URL that needs no object made first."""
    return lambda _: ActionRequest(path, method="get")

"""Where deeds are done: people, an organisation, browsers; and how one deed is told."""

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

HERE = "/organisations/alder/"


@dataclass
class Scene:
    """The people with a browser each; `nobody` is one who is not signed in."""

    people: People
    organisation: Organisation
    make_key: MakeKey
    signed_in: SignIn
    clients: dict[str, Client] = field(default_factory=dict)

    def person(self, who: str) -> User | None:
        """By the name of their role."""
        return getattr(self.people, who, None)

    def client(self, who: str) -> Client:
        """Their browser, on this machine's own host."""
        if who not in self.clients:
            person = self.person(who)
            client = Client() if person is None else self.signed_in(person)
            client.defaults["HTTP_HOST"] = "localhost"
            self.clients[who] = client
        return self.clients[who]

    def with_password(self, who: str) -> User:
        """This person, whose password is now known to the test."""
        person = getattr(self.people, who)
        person.set_password(PASSWORD)
        person.save()
        self.clients.pop(who, None)
        return person  # type: ignore[no-any-return]

    def key(self, **values: Any) -> ApiKey:
        """A key in use."""
        return self.make_key("Main", key=values)


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    fields: dict[str, Any] = field(default_factory=dict)
    method: str = "post"
    headers: dict[str, str] = field(default_factory=dict)
    json: str | None = None

    def sent(self, client: Client) -> HttpResponse:
        """The answer."""
        if self.json is not None:
            return client.post(self.path, self.json, "application/json", headers=self.headers)  # type: ignore[return-value]
        send = client.get if self.method == "get" else client.post
        return send(self.path, self.fields, headers=self.headers)  # type: ignore[return-value]


@dataclass(frozen=True)
class Deed:
    """Who does it, the request, the events that follow, and whether they belong to Alder."""

    who: str
    ask: Callable[[Scene], Ask]
    tags: tuple[str, ...]
    here: bool = False
    actor: str = "same"  # whose number the events carry; empty: nobody's
    commits: bool = False  # whether the library tells of it only once it is committed


def on_key(name: str, **fields: Any) -> Callable[[Scene], Ask]:
    """A request to a page of a new key, called Main."""
    return lambda scene: Ask(f"{HERE}keys/{scene.key().pk}/{name}/", fields)


def on(path: str, **fields: Any) -> Callable[[Scene], Ask]:
    """A request to a page that is always there."""
    return lambda _: Ask(path, fields)


def read(path: str) -> Callable[[Scene], Ask]:
    """The same, only looked at."""
    return lambda _: Ask(path, method="get")

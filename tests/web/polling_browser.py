"""A browser with a live page open, which polls as `live-updates.js` does."""

import re
from typing import Any

from django.test import Client

from tests.web.conftest import shown_digests_of


class PollingBrowser:
    """A page that is open at `address`; `poll` leaves it as it is, `update` takes what came."""

    def __init__(self, client: Client, address: str = "/") -> None:
        self.client, self.address = client, address
        self.open()

    def open(self) -> None:
        """Load the page anew."""
        page = self.client.get(self.address).content.decode()
        self.seen = shown_digests_of(page)
        self.version = re.findall(r'data-version="([^"]*)"', page)[0]

    def poll(self, *, version: str | None = None, address: str = "") -> Any:
        """The answer to a poll with this version, else with that of the page."""
        headers = {
            "x-live": "1",
            "x-seen": self.seen,
            "x-version": self.version if version is None else version,
            "hx-request": "true",
        }
        return self.client.get(address or self.address, headers=headers)

    def take(self, answer: Any) -> str:
        """Show what came, as far as it says so itself; returns it."""
        page = answer.content.decode()
        seen = dict(pair.split("=") for pair in self.seen.split(","))
        came = shown_digests_of(page)
        seen |= dict(pair.split("=") for pair in came.split(",") if pair)
        self.seen = ",".join(f"{part}={digest}" for part, digest in seen.items())
        self.version = answer.headers.get("X-Version", self.version)
        return page

    def changed_parts(self, answer: Any) -> set[str]:
        """The parts that came, but for what only says when was checked."""
        parts = re.findall(r'data-part="([^"]+)"', answer.content.decode())
        return set(parts) - {"checked"}

    def is_sent_what_changed(self) -> bool:
        """Whether something but checks changed, by comparing all; asserts that polls send it.

        Nothing is sent where the page is no longer for this person.
        """
        compared = self.poll(version="")
        if compared.status_code in {302, 403, 404}:
            return False
        answer = self.poll()
        changed = self.changed_parts(compared) if compared.status_code == 200 else set()
        if answer.status_code == 200:
            assert self.changed_parts(answer) == changed
        else:
            assert (answer.status_code, changed) == (204, set())
        return bool(changed)

"""Answering the question that stands where somebody has to confirm, as a browser would."""

import re
from html import unescape
from typing import Any

from django.test import Client

from tests.web.conftest import People, SignIn, confirm, is_asked

PASSWORD = "correct-horse-battery"
YES = {"confirm-with": "password", "confirm-password": PASSWORD}
HIDDEN = re.compile(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"')


def manager_of_long_ago(people: People, signed_in: SignIn) -> Client:
    """The manager's browser, whose last confirmation is a quarter of an hour old."""
    people.manager.set_password(PASSWORD)
    people.manager.save()
    client = signed_in(people.manager)
    confirm(client, people.manager, minutes_ago=16)
    return client


def question(answer: Any) -> dict[str, Any]:
    """The fields that the question carries along; each with all of its values."""
    assert is_asked(answer)
    page = answer.content.decode()
    form = page[page.index("data-lock") : page.index("</form>", page.index("data-lock"))]
    fields: dict[str, Any] = {}
    for name, value in HIDDEN.findall(form):
        fields.setdefault(unescape(name), []).append(unescape(value))
    fields.pop("csrfmiddlewaretoken", None)
    assert f'action="{answer.wsgi_request.get_full_path()}"' in unescape(page)
    return fields


def answered(client: Client, asked: Any, **more: str) -> Any:
    """What comes of pressing *Confirm* on that page."""
    return client.post(asked.wsgi_request.get_full_path(), question(asked) | YES | more)

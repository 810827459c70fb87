"""Reauthentication in tests: the page's fields and its submission, as a browser does it."""

import re
from html import unescape
from typing import Any

from django.test import Client

from tests.web.conftest import People, SignIn, asks_reauthentication, mark_reauthenticated

PASSWORD = "correct-horse-battery"
PASSWORD_ANSWER = {"confirm-with": "password", "confirm-password": PASSWORD}
HIDDEN_INPUT = re.compile(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"')


def manager_with_old_authentication(people: People, signed_in: SignIn) -> Client:
    """The manager's browser, whose last authentication is 16 minutes old."""
    people.manager.set_password(PASSWORD)
    people.manager.save()
    client = signed_in(people.manager)
    mark_reauthenticated(client, people.manager, minutes_ago=16)
    return client


def reauthentication_fields(answer: Any) -> dict[str, Any]:
    """The hidden fields of the reauthentication page; each with all of its values."""
    assert asks_reauthentication(answer)
    page = answer.content.decode()
    form = page[page.index("data-lock") : page.index("</form>", page.index("data-lock"))]
    fields: dict[str, Any] = {}
    for name, value in HIDDEN_INPUT.findall(form):
        fields.setdefault(unescape(name), []).append(unescape(value))
    fields.pop("csrfmiddlewaretoken", None)
    assert f'action="{answer.wsgi_request.get_full_path()}"' in unescape(page)
    return fields


def submit_reauthentication(client: Client, question: Any, **more: str) -> Any:
    """The response to pressing *Confirm* on that page with the right password."""
    return client.post(
        question.wsgi_request.get_full_path(),
        reauthentication_fields(question) | PASSWORD_ANSWER | more,
    )

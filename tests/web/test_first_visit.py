"""A first visit: how many files, how many bytes, and what the first paint waits for."""

import re

import pytest
from django.test import Client

from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn

MAX_REQUESTS = 10
MAX_SENT_BYTES = 90_000
BROWSER = {"accept-encoding": "gzip, deflate, br, zstd", "sec-fetch-site": "none"}
FILE_ADDRESS = re.compile(r"""(?:href|src)="(/static/[^"#]+)""")


def _visit(client: Client, path: str) -> tuple[str, dict[str, int]]:
    """The page, and the bytes of it and of each file it loads, with their headers."""
    page = client.get(path, headers=BROWSER)
    assert page.status_code == 200
    sizes = {path: _sent_bytes(page)}
    assert page["Content-Encoding"] == "gzip"
    html = client.get(path).content.decode()
    for address in dict.fromkeys(FILE_ADDRESS.findall(html)):
        file = client.get(address, headers=BROWSER)
        assert (file.status_code, file["Content-Encoding"]) == (200, "br"), address
        sizes[address] = _sent_bytes(file)
    return html, sizes


def _sent_bytes(response: object) -> int:
    body = response.getvalue()  # type: ignore[attr-defined]
    headers = response.serialize_headers()  # type: ignore[attr-defined]
    return len(body) + len(headers)


def _assert_light(html: str, sizes: dict[str, int]) -> None:
    assert len(sizes) <= MAX_REQUESTS, sizes
    assert sum(sizes.values()) <= MAX_SENT_BYTES, sizes
    head = html.partition("</head>")[0]
    assert head.count('rel="stylesheet"') == 1
    scripts = re.findall(r"<script\b[^>]*>", html)
    assert len(scripts) == 1
    assert " defer " in scripts[0]


@pytest.mark.django_db
def test_first_visit_to_the_sign_in_loads_few_small_files(client: Client) -> None:
    html, sizes = _visit(client, "/accounts/login/")
    _assert_light(html, sizes)


def test_first_visit_to_a_full_overview_loads_few_small_files(
    people: People,
    signed_in: SignIn,
    key_in_every_state: dict[HealthState, ApiKey],
    make_key: MakeKey,
) -> None:
    for number in range(50):
        make_key(f"Department {number}")
    html, sizes = _visit(signed_in(people.manager), "/")
    assert html.count("<tr id=") == 50
    _assert_light(html, sizes)


def test_error_page_waits_for_the_same_sheet_and_for_no_script(
    people: People, signed_in: SignIn
) -> None:
    html = signed_in(people.viewer).post("/", {"x": "x" * 2_100_000}).content.decode()
    assert html.count('rel="stylesheet"') == 1
    assert html.count("<script") <= 1

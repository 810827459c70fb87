"""What is too big is refused, and what can be read in two ways is not read at all (S29, S38)."""

import signal
from collections.abc import Iterator

import pytest

from tests.flows.panel import EMAIL, Panel
from tests.flows.raw import request, spoken

COOKIE = "Cookie: csrftoken=" + "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    panel = Panel(tmp_path_factory.mktemp("panel"), api="http://127.0.0.1:9")
    panel.start()
    yield panel
    assert panel.stop(signal.SIGTERM) == 0


@pytest.fixture(scope="module")
def token(panel: Panel) -> str:
    made = panel.manage("create_api_token", EMAIL, "--name", "flow", "--scope", "act")
    return f"Authorization: Bearer {made.stdout.strip()}"


@pytest.fixture(autouse=True)
def _others_are_served_all_the_same(panel: Panel) -> Iterator[None]:
    yield
    assert spoken(panel.port, request("GET /healthz")).status == 200


def _post(path: str, headers: list[str], body: bytes) -> bytes:
    return request(f"POST {path}", [*headers, f"Content-Length: {len(body)}"], body)


FIELDS = "&".join(f"f{n}={n}" for n in range(10_000)).encode()
PART = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n'
PARTS = PART * 10_000 + b"--x--\r\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, FIELDS),
        ("Content-Type: multipart/form-data; boundary=x", PARTS),
        (FORM, b"login=" + b"x" * 3_000_000),
    ],
)
def test_a_form_that_is_too_big_is_not_read(kind: str, body: bytes, panel: Panel) -> None:
    told = spoken(panel.port, _post("/accounts/login/", [kind, COOKIE], body))
    assert told.status in {400, 413}
    assert "Traceback" not in told.body


def test_a_body_that_is_too_big_is_refused_in_json(panel: Panel, token: str) -> None:
    body = b'{"full": "' + b"x" * 3_000_000 + b'"}'
    told = spoken(panel.port, _post("/api/v1/keys/1/sync", [JSON, token], body))
    assert told.status == 413
    assert '"detail"' in told.body


@pytest.mark.parametrize(
    "sent",
    [
        request("GET /", ["X-Long: " + "x" * 65_536]),
        request("GET /", [COOKIE + "; x=" + "x" * 65_536]),
        request("GET /", [f"X-{n}: 1" for n in range(2_000)]),
        request("GET /?" + "x" * 65_536),
    ],
)
def test_a_head_that_is_too_big_is_refused(sent: bytes, panel: Panel) -> None:
    assert spoken(panel.port, sent).status in {400, 414, 431}


BODY = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        request("POST /healthz", ["Transfer-Encoding: chunked", "Content-Length: 5"], BODY),
        request("POST /healthz", ["Content-Length: 5", "Transfer-Encoding: chunked"], BODY),
        request("POST /healthz", ["Transfer-Encoding: xchunked"], BODY),
        request("POST /healthz", ["Transfer-Encoding: chunked, identity"], BODY),
        request("POST /healthz", ["Transfer-Encoding : chunked"], BODY),
        request("POST /healthz", ["Content-Length: 5", "Content-Length: 6"], b"hello1"),
        request("POST /healthz", ["Content-Length: +5"], b"hello"),
        request("POST /healthz", ["Content-Length: 5, 5"], b"hello"),
        request("GET /healthz", ["Host: evil.example"]),
        request("GET /healthz", ["X-Folded: a", " b: c"]),
        request("GET /healthz", ["X-Bad\x00: 1"]),
        request("GET /healthz", ["X-Line: a\rX-Other: b"]),
        request("GET /healthz", host="evil.example"),
        request("GET /healthz", host="localhost, evil.example"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(sent: bytes, panel: Panel) -> None:
    # A request that is smuggled behind it would be answered, too.
    told = spoken(panel.port, sent + b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert told.status in {400, 501}
    assert told.answers == 1


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DELETE", "PUT", "PATCH", "CONNECT", "BREW"])
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/healthz", "/api/v1/statuses"])
def test_an_unknown_method_is_405_and_nothing_is_echoed(
    method: str, path: str, panel: Panel
) -> None:
    told = spoken(panel.port, request(f"{method} {path}", ["Cookie: sessionid=planted"]))
    assert told.status in {400, 405}
    assert "planted" not in told.head + told.body


@pytest.mark.parametrize(
    "header", ["Path_Info: /healthz", "PATH_INFO: /healthz", "Script_Name: /elsewhere"]
)
def test_no_header_says_what_the_path_is(header: str, panel: Panel) -> None:
    told = spoken(panel.port, request("GET /overview.csv", [header]))
    assert told.status == 302
    assert "\r\nLocation: /accounts/login/?next=/overview.csv" in told.head


def test_a_header_with_an_underscore_is_none(panel: Panel, token: str) -> None:
    plain = spoken(panel.port, request("GET /api/v1/statuses", [token]))
    assert plain.status == 200
    # As the server sees them, these would be Authorization, Host and X-Forwarded-Proto.
    for spelled in ("Authorization_: x", "Hos_t: evil.example", "X_Forwarded_Proto: https"):
        assert spoken(panel.port, request("GET /api/v1/statuses", [token, spelled])).status == 200


def test_two_tokens_are_no_token(panel: Panel, token: str) -> None:
    for second in (token, "Authorization: Bearer x"):
        told = spoken(panel.port, request("GET /api/v1/statuses", [token, second]))
        assert told.status == 401

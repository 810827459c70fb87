"""Oversized requests are refused, and ambiguous ones are not read at all (S29, S38)."""

import signal
from collections.abc import Iterator

import pytest

from tests.flows.panel_process import EMAIL, PanelProcess, running_panel
from tests.flows.raw_http import build_raw_request, send_raw_request

COOKIE = "Cookie: csrftoken=" + "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelProcess]:
    folder, api = tmp_path_factory.mktemp("panel"), "http://127.0.0.1:9"
    with running_panel(folder, api=api, stop_signal=signal.SIGTERM) as panel:
        yield panel


@pytest.fixture(scope="module")
def token(panel: PanelProcess) -> str:
    result = panel.manage("create_api_token", EMAIL, "--name", "flow", "--scope", "act")
    return f"Authorization: Bearer {result.stdout.strip()}"


@pytest.fixture(autouse=True)
def _panel_still_answers(panel: PanelProcess) -> Iterator[None]:
    yield
    assert send_raw_request(panel.port, build_raw_request("GET /healthz")).status == 200


def _post(path: str, headers: list[str], body: bytes) -> bytes:
    return build_raw_request(f"POST {path}", [*headers, f"Content-Length: {len(body)}"], body)


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
def test_a_form_that_is_too_big_is_not_read(kind: str, body: bytes, panel: PanelProcess) -> None:
    response = send_raw_request(panel.port, _post("/accounts/login/", [kind, COOKIE], body))
    assert response.status in {400, 413}
    assert "Traceback" not in response.body


def test_a_body_that_is_too_big_is_refused_in_json(panel: PanelProcess, token: str) -> None:
    body = b'{"full": "' + b"x" * 3_000_000 + b'"}'
    response = send_raw_request(panel.port, _post("/api/v1/keys/1/sync", [JSON, token], body))
    assert response.status == 413
    assert '"detail"' in response.body


@pytest.mark.parametrize(
    "request_bytes",
    [
        build_raw_request("GET /", ["X-Long: " + "x" * 65_536]),
        build_raw_request("GET /", [COOKIE + "; x=" + "x" * 65_536]),
        build_raw_request("GET /", [f"X-{n}: 1" for n in range(2_000)]),
        build_raw_request("GET /?" + "x" * 65_536),
    ],
)
def test_a_head_that_is_too_big_is_refused(request_bytes: bytes, panel: PanelProcess) -> None:
    assert send_raw_request(panel.port, request_bytes).status in {400, 414, 431}


BODY = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        build_raw_request(
            "POST /healthz", ["Transfer-Encoding: chunked", "Content-Length: 5"], BODY
        ),
        build_raw_request(
            "POST /healthz", ["Content-Length: 5", "Transfer-Encoding: chunked"], BODY
        ),
        build_raw_request("POST /healthz", ["Transfer-Encoding: xchunked"], BODY),
        build_raw_request("POST /healthz", ["Transfer-Encoding: chunked, identity"], BODY),
        build_raw_request("POST /healthz", ["Transfer-Encoding : chunked"], BODY),
        build_raw_request("POST /healthz", ["Content-Length: 5", "Content-Length: 6"], b"hello1"),
        build_raw_request("POST /healthz", ["Content-Length: +5"], b"hello"),
        build_raw_request("POST /healthz", ["Content-Length: 5, 5"], b"hello"),
        build_raw_request("GET /healthz", ["Host: evil.example"]),
        build_raw_request("GET /healthz", ["X-Folded: a", " b: c"]),
        build_raw_request("GET /healthz", ["X-Bad\x00: 1"]),
        build_raw_request("GET /healthz", ["X-Line: a\rX-Other: b"]),
        build_raw_request("GET /healthz", host="evil.example"),
        build_raw_request("GET /healthz", host="localhost, evil.example"),
    ],
)
def test_ambiguous_request_is_refused(request_bytes: bytes, panel: PanelProcess) -> None:
    # A smuggled second request would be answered, too.
    response = send_raw_request(
        panel.port, request_bytes + b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert response.status in {400, 501}
    assert response.answers == 1


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DELETE", "PUT", "PATCH", "CONNECT", "BREW"])
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/healthz", "/api/v1/statuses"])
def test_an_unknown_method_is_405_and_nothing_is_echoed(
    method: str, path: str, panel: PanelProcess
) -> None:
    response = send_raw_request(
        panel.port, build_raw_request(f"{method} {path}", ["Cookie: sessionid=planted"])
    )
    assert response.status in {400, 405}
    assert "planted" not in response.head + response.body


@pytest.mark.parametrize(
    "header", ["Path_Info: /healthz", "PATH_INFO: /healthz", "Script_Name: /elsewhere"]
)
def test_no_header_overrides_the_path(header: str, panel: PanelProcess) -> None:
    response = send_raw_request(panel.port, build_raw_request("GET /overview.csv", [header]))
    assert response.status == 302
    assert "\r\nLocation: /accounts/login/?next=/overview.csv" in response.head


def test_header_with_an_underscore_is_ignored(panel: PanelProcess, token: str) -> None:
    response = send_raw_request(panel.port, build_raw_request("GET /api/v1/statuses", [token]))
    assert response.status == 200
    # As the server sees them, these would be Authorization, Host and X-Forwarded-Proto.
    for header in ("Authorization_: x", "Hos_t: evil.example", "X_Forwarded_Proto: https"):
        assert (
            send_raw_request(
                panel.port, build_raw_request("GET /api/v1/statuses", [token, header])
            ).status
            == 200
        )


def test_two_tokens_are_no_token(panel: PanelProcess, token: str) -> None:
    for second_header in (token, "Authorization: Bearer x"):
        response = send_raw_request(
            panel.port, build_raw_request("GET /api/v1/statuses", [token, second_header])
        )
        assert response.status == 401

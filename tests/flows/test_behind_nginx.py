"""The sample of a reverse proxy does what docs/operations.md says of it (S22, S29, S38).

Skipped with a reason where nginx is not installed; in CI it is required.
"""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests

from tests.aitronos.scripted_server import ScriptedServer, respond_in_turn, response_bytes
from tests.flows.nginx import (
    NGINX_PROGRAM,
    SAMPLE,
    NginxFront,
    nginx_check_config,
    nginx_prepare,
    nginx_run,
)
from tests.flows.panel_process import EMAIL
from tests.flows.raw_http import (
    RawHttpResponse,
    build_raw_request,
    read_raw_response,
    send_raw_request,
)
from tests.flows.wait import wait_until
from tools.security.production_panel import ProductionPanel, sign_in

pytestmark = pytest.mark.skipif(
    NGINX_PROGRAM is None and os.environ.get("CI") != "true", reason="nginx is not installed"
)
COOKIE = "Cookie: __Host-csrftoken=" + "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductionPanel]:
    panel = ProductionPanel(tmp_path_factory.mktemp("panel"), api="http://127.0.0.1:9")
    try:
        panel.migrate_and_create_admin()
        panel.start_web()
        yield panel
    finally:
        panel.stop_all()


@pytest.fixture(scope="module")
def front(panel: ProductionPanel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxFront]:
    with nginx_run(nginx_prepare(tmp_path_factory.mktemp("nginx"), panel.port)) as front:
        yield front


def _context(front: NginxFront) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=front.authority)


def _send_over_tls(front: NginxFront, data: bytes, *, name: str = "localhost") -> RawHttpResponse:
    """The response to these bytes, sent over TLS."""
    with (
        socket.create_connection(("127.0.0.1", front.https), timeout=20) as wire,
        _context(front).wrap_socket(wire, server_hostname=name) as tls_wire,
    ):
        tls_wire.sendall(data)
        return read_raw_response(tls_wire)


def _url(front: NginxFront, path: str) -> str:
    return f"https://localhost:{front.https}{path}"


def _get(front: NginxFront, path: str, **headers: str) -> requests.Response:
    with requests.Session() as browser:
        browser.trust_env = False
        return browser.get(
            _url(front, path),
            headers=headers,
            verify=front.authority,
            timeout=20,
            allow_redirects=False,
        )


def test_nginx_finds_nothing_wrong_with_the_sample(front: NginxFront) -> None:
    assert nginx_check_config(front) == "0"


def test_person_signs_in_through_nginx(front: NginxFront) -> None:
    browser = sign_in(front.https, front.authority)
    page = browser.get(_url(front, "/"), timeout=20)
    assert page.status_code == 200
    assert {cookie.secure for cookie in browser.cookies} == {True}
    # Each header once: nginx adds its own only where the panel sent none.
    for name in ("Strict-Transport-Security", "Content-Security-Policy", "Cache-Control"):
        assert len(page.raw.headers.getlist(name)) == 1, name


def test_static_files_come_through_nginx_and_may_be_cached(front: NginxFront) -> None:
    page = _get(front, "/accounts/login/").text
    path = next(text for text in page.split('"') if ".css" in text)
    file = _get(front, path)
    assert (file.status_code, file.headers["Content-Type"][:8]) == (200, "text/css")
    assert "no-store" not in file.headers["Cache-Control"]


def test_static_files_and_pages_come_compressed_through_nginx(front: NginxFront) -> None:
    accepted = {"Accept-Encoding": "gzip, br"}
    page = _get(front, "/accounts/login/", **accepted, **{"Sec-Fetch-Site": "none"})
    assert page.headers["Content-Encoding"] == "gzip"
    files = re.findall(r"""(?:href|src)="(/static/dist/[^"]+)""", page.text)
    assert len(files) == 2
    for path in files:
        file = _get(front, path, **accepted)
        assert file.headers["Content-Encoding"] == "br", path
        assert file.headers["Vary"] == "Accept-Encoding"
        assert int(file.headers["Content-Length"]) < 30_000


def test_nginx_compresses_nothing_that_the_panel_did_not(front: NginxFront) -> None:
    asked = {"Accept-Encoding": "gzip, br", "Sec-Fetch-Site": "cross-site"}
    page = _get(front, "/accounts/login/", **asked)
    assert (page.status_code, "Content-Encoding" in page.headers) == (200, False)


def test_http_is_led_to_https_and_never_to_a_host_that_somebody_made_up(front: NginxFront) -> None:
    response = send_raw_request(front.http, build_raw_request("GET /accounts/login/?a=b"))
    assert response.status == 301
    assert "\r\nLocation: https://localhost/accounts/login/?a=b" in response.head
    assert send_raw_request(front.http, build_raw_request("GET /", host="evil.example")).status == 0


@pytest.mark.parametrize("path", ["/api/v1/statuses", "/metrics"])
def test_a_token_by_http_is_refused_and_not_led_on(path: str, front: NginxFront) -> None:
    response = send_raw_request(
        front.http, build_raw_request(f"GET {path}", ["Authorization: Bearer x"])
    )
    assert (response.status, "Location" in response.head) == (403, False)


def test_another_name_gets_nothing_and_another_host_not_the_panel(front: NginxFront) -> None:
    with pytest.raises(ssl.SSLError):
        _send_over_tls(front, build_raw_request("GET /"), name="evil.example")
    response = _send_over_tls(front, build_raw_request("GET /accounts/login/", host="evil.example"))
    assert response.status in {0, 400, 421}
    assert "password" not in response.body
    request_bytes = build_raw_request("GET /accounts/login/", ["X-Forwarded-Host: evil.example"])
    assert "evil.example" not in _send_over_tls(front, request_bytes).body


def test_forwarded_address_of_a_client_is_not_believed(
    front: NginxFront, panel: ProductionPanel
) -> None:
    made_up = "203.0.113.9"
    headers = {"X-Forwarded-For": made_up, "X-Forwarded-Proto": "http", "X-Real-IP": made_up}
    assert (
        _get(front, "/accounts/login/", **headers).status_code == 200
    )  # no second redirect to https
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, front.authority
        page = _url(front, "/accounts/login/")
        browser.get(page, timeout=20)
        form = {"login": EMAIL, "password": "wrong"}
        form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
        browser.post(page, data=form, headers={**headers, "Referer": page}, timeout=20)
    rows = panel.query_rows("SELECT address FROM audit_auditevent WHERE tag = 'sign_in_failed'")
    assert {address for (address,) in rows} == {"127.0.0.1"}


SAID = "said-by-a-client"
OF_THE_WAY_HERE = [
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port"),
    *("X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded-Ssl"),
    *("X-Forwarded-User", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Request-Id"),
    *("x-request-id", "X_Request_Id", "X_Forwarded_For", "X_Forwarded_Proto", "X_Real_IP"),
    *("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Proxy"),
]


def test_forwarding_headers_of_a_client_are_not_passed_on(tmp_path: Path) -> None:
    with closing(ScriptedServer(respond_in_turn(response_bytes()))) as upstream:
        with nginx_run(nginx_prepare(tmp_path, upstream.port)) as front:
            doubled_headers = [f"{name}: {SAID}-{n}" for name in OF_THE_WAY_HERE for n in (1, 2)]
            response = _send_over_tls(
                front, build_raw_request("GET /healthz", ["X-Kept: it arrives", *doubled_headers])
            )
        assert response.status == 200
        (head,) = (request_text.decode().lower() for request_text in upstream.requests)
    assert "x-kept: it arrives" in head
    assert SAID not in head
    ids = [line.partition(": ")[2] for line in head.splitlines() if "request-id" in line]
    assert [len(request_id) for request_id in ids] == [32]


@pytest.mark.parametrize("names", [["X-Request-Id"], ["X-Request-Id", "x-request-id"]])
def test_request_id_is_made_by_nginx_and_never_by_a_client(
    names: list[str], front: NginxFront, panel: ProductionPanel
) -> None:
    body = f"csrfmiddlewaretoken={'a' * 32}&login={EMAIL}&password=wrong".encode()
    head = [FORM, COOKIE, f"Content-Length: {len(body)}", f"Origin: {_url(front, '')}"]
    claims = [f"{name}: {SAID}" for name in names]
    host = f"localhost:{front.https}"  # as a browser does
    response = _send_over_tls(
        front, build_raw_request("POST /accounts/login/", [*head, *claims], body, host=host)
    )
    rows = panel.query_rows("SELECT request_id FROM audit_auditevent WHERE tag = 'sign_in_failed'")
    assert rows, response
    for (name,) in rows:
        assert re.fullmatch("[0-9a-f]{32}", name), name
        assert wait_until(lambda name=name: f"[{name}]" in front.log)
    assert SAID not in response.head


def test_a_body_above_the_panels_limit_is_refused_in_the_panels_words(front: NginxFront) -> None:
    body = b'{"full": "' + b"x" * 2_500_000 + b'"}'
    head = ["Content-Type: application/json", f"Content-Length: {len(body)}", COOKIE]
    response = _send_over_tls(front, build_raw_request("POST /api/v1/keys/1/sync", head, body))
    assert (response.status, '"detail"' in response.body) == (413, True)


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (build_raw_request("POST /", [FORM, COOKIE, "Content-Length: 9000000"]), {413}),
        # At most one TLS record: unread bytes could reset the connection before the response.
        (build_raw_request("GET /", ["X-Long: " + "x" * 9_000]), {400, 431}),
        (build_raw_request("GET /?" + "x" * 9_000), {414}),
        (b"RUBBISH\r\n\r\n", {400}),
    ],
)
def test_request_too_big_for_nginx_is_refused_with_the_security_headers(
    request_bytes: bytes, statuses: set[int], front: NginxFront
) -> None:
    response = _send_over_tls(front, request_bytes)
    assert response.status in statuses
    for header in ("Strict-Transport-Security: max-age", "Content-Security-Policy: default-src"):
        assert header in response.head
    assert "nginx/" not in response.head + response.body  # no version


def test_more_form_fields_than_the_panel_reads_are_refused(front: NginxFront) -> None:
    response = _send_over_tls(
        front, build_raw_request("GET /healthz", [f"X-{n}: 1" for n in range(100)])
    )
    assert response.status in {400, 431}


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
        build_raw_request("POST /healthz", ["Content-Length: 5", "Content-Length: 6"], b"hello1"),
        build_raw_request("GET /healthz", ["Host: evil.example"]),
        build_raw_request("GET /healthz", ["X-Bad\x00: 1"]),
    ],
)
def test_nginx_refuses_ambiguous_requests(request_bytes: bytes, front: NginxFront) -> None:
    response = _send_over_tls(
        front, request_bytes + b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert response.status in {400, 501}
    assert response.answers == 1


def test_there_are_no_websockets(front: NginxFront) -> None:
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    upgrade.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert _send_over_tls(front, build_raw_request("GET /accounts/login/", upgrade)).status == 200


def test_old_versions_of_tls_are_refused(front: NginxFront) -> None:
    context = _context(front)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", front.https), timeout=20) as wire,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(wire, server_hostname="localhost")


def test_slow_clients_occupy_no_thread_of_the_panel(front: NginxFront) -> None:
    request_start = build_raw_request(
        "POST /accounts/login/", [FORM, COOKIE, "Content-Length: 5000"], b"login="
    )
    with ExitStack() as wires:
        for _ in range(200):
            wire = socket.create_connection(("127.0.0.1", front.https), timeout=20)
            slow = _context(front).wrap_socket(wire, server_hostname="localhost")
            wires.enter_context(slow).sendall(request_start)
        # Far more slow clients than threads: complete requests are answered all the same.
        served = [_get(front, "/accounts/login/").status_code for _ in range(20)]
    assert served == [200] * 20


def test_secrets_of_links_are_not_in_the_nginx_log(front: NginxFront) -> None:
    secret = "planted-Zq7Xw2Rk9Lm4Vt8Nb3"
    for path in (
        f"/invitations/{secret}/",
        f"/first-visit/{secret}/",
        f"/accounts/reset/key/3-{secret}/",
        f"/invitations/{secret}/?next={secret}",
        f"/accounts/reset/key/3-{secret}/?a={secret}",
    ):
        _get(front, path, Referer=_url(front, path))
    _get(front, "/accounts/login/?kept=1")
    assert wait_until(lambda: "kept=1" in front.log)
    logs = front.log + (front.folder / "freddy-admin-errors.log").read_text()
    assert "/invitations/..." in logs
    assert "/reset/key/3-..." in logs
    assert secret not in logs


def test_unreachable_panel_is_explained_in_a_sentence(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with nginx_run(nginx_prepare(tmp_path, port)) as front:
        response = _get(front, "/invitations/planted-secret/")
        assert response.status_code == 503
        assert "Freddy Admin is being restarted or does not answer" in response.text
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "planted-secret" not in (front.folder / "freddy-admin-errors.log").read_text()


def test_the_page_on_operations_points_at_the_samples() -> None:
    page = (SAMPLE.parents[1] / "docs" / "operations.md").read_text()
    assert "deploy/nginx.conf" in page
    assert "deploy/freddy-web.service" in page
    assert "deploy/freddy-worker.service" in page

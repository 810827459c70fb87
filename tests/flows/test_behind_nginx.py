"""The sample of a reverse proxy does what docs/operations.md says of it (S22, S29, S38).

Where nginx is not installed this is skipped with a word; in CI it is required.
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

from tests.aitronos.wire import ScriptedServer, answer, says
from tests.flows.nginx import PROGRAM, SAMPLE, Front, examined, nginx, prepared
from tests.flows.panel import EMAIL
from tests.flows.raw import Told, read_answer, request, spoken
from tests.flows.waiting import until
from tools.security.production_panel import ProductionPanel, signed_in

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true", reason="nginx is not installed"
)
COOKIE = "Cookie: __Host-csrftoken=" + "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProductionPanel]:
    panel = ProductionPanel(tmp_path_factory.mktemp("panel"), api="http://127.0.0.1:9")
    try:
        panel.set_up()
        panel.start_web()
        yield panel
    finally:
        panel.end_all()


@pytest.fixture(scope="module")
def front(panel: ProductionPanel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with nginx(prepared(tmp_path_factory.mktemp("nginx"), panel.port)) as front:
        yield front


def _context(front: Front) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=front.authority)


def _secure(front: Front, data: bytes, *, name: str = "localhost") -> Told:
    """These bytes over TLS; what came back."""
    with (
        socket.create_connection(("127.0.0.1", front.https), timeout=20) as wire,
        _context(front).wrap_socket(wire, server_hostname=name) as inside,
    ):
        inside.sendall(data)
        return read_answer(inside)


def _address(front: Front, path: str) -> str:
    return f"https://localhost:{front.https}{path}"


def _got(front: Front, path: str, **headers: str) -> requests.Response:
    with requests.Session() as browser:
        browser.trust_env = False
        return browser.get(
            _address(front, path),
            headers=headers,
            verify=front.authority,
            timeout=20,
            allow_redirects=False,
        )


def test_nginx_finds_nothing_wrong_with_the_sample(front: Front) -> None:
    assert examined(front) == "0"


def test_a_person_signs_in_through_it(front: Front) -> None:
    browser = signed_in(front.https, front.authority)
    page = browser.get(_address(front, "/"), timeout=20)
    assert page.status_code == 200
    assert {cookie.secure for cookie in browser.cookies} == {True}
    # Each header once: nginx adds its own only where the panel sent none.
    for name in ("Strict-Transport-Security", "Content-Security-Policy", "Cache-Control"):
        assert len(page.raw.headers.getlist(name)) == 1, name


def test_static_files_come_through_it_and_may_be_kept(front: Front) -> None:
    page = _got(front, "/accounts/login/").text
    path = next(part for part in page.split('"') if ".css" in part)
    file = _got(front, path)
    assert (file.status_code, file.headers["Content-Type"][:8]) == (200, "text/css")
    assert "no-store" not in file.headers["Cache-Control"]


def test_http_is_led_to_https_and_never_to_a_host_that_somebody_made_up(front: Front) -> None:
    told = spoken(front.http, request("GET /accounts/login/?a=b"))
    assert told.status == 301
    assert "\r\nLocation: https://localhost/accounts/login/?a=b" in told.head
    assert spoken(front.http, request("GET /", host="evil.example")).status == 0


@pytest.mark.parametrize("path", ["/api/v1/statuses", "/metrics"])
def test_a_token_by_http_is_refused_and_not_led_on(path: str, front: Front) -> None:
    told = spoken(front.http, request(f"GET {path}", ["Authorization: Bearer x"]))
    assert (told.status, "Location" in told.head) == (403, False)


def test_another_name_gets_nothing_and_another_host_not_the_panel(front: Front) -> None:
    with pytest.raises(ssl.SSLError):
        _secure(front, request("GET /"), name="evil.example")
    told = _secure(front, request("GET /accounts/login/", host="evil.example"))
    assert told.status in {0, 400, 421}
    assert "password" not in told.body
    both = request("GET /accounts/login/", ["X-Forwarded-Host: evil.example"])
    assert "evil.example" not in _secure(front, both).body


def test_what_a_sender_says_of_where_they_come_from_is_not_believed(
    front: Front, panel: ProductionPanel
) -> None:
    made_up = "203.0.113.9"
    told = {"X-Forwarded-For": made_up, "X-Forwarded-Proto": "http", "X-Real-IP": made_up}
    assert _got(front, "/accounts/login/", **told).status_code == 200  # not led to https again
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, front.authority
        page = _address(front, "/accounts/login/")
        browser.get(page, timeout=20)
        form = {"login": EMAIL, "password": "wrong"}
        form["csrfmiddlewaretoken"] = str(browser.cookies["__Host-csrftoken"])
        browser.post(page, data=form, headers={**told, "Referer": page}, timeout=20)
    rows = panel.rows("SELECT address FROM audit_auditevent WHERE tag = 'sign_in_failed'")
    assert {address for (address,) in rows} == {"127.0.0.1"}


SAID = "said-by-a-client"
OF_THE_WAY_HERE = [
    *("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port"),
    *("X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded-Ssl"),
    *("X-Forwarded-User", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Request-Id"),
    *("x-request-id", "X_Request_Id", "X_Forwarded_For", "X_Forwarded_Proto", "X_Real_IP"),
    *("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "Proxy"),
]


def test_nothing_that_a_client_says_of_the_way_here_is_passed_on(tmp_path: Path) -> None:
    with closing(ScriptedServer(says(answer()))) as behind:
        with nginx(prepared(tmp_path, behind.port)) as front:
            twice = [f"{name}: {SAID}-{n}" for name in OF_THE_WAY_HERE for n in (1, 2)]
            told = _secure(front, request("GET /healthz", ["X-Kept: it arrives", *twice]))
        assert told.status == 200
        (head,) = (one.decode().lower() for one in behind.requests)
    assert "x-kept: it arrives" in head
    assert SAID not in head
    ids = [line.partition(": ")[2] for line in head.splitlines() if "request-id" in line]
    assert [len(one) for one in ids] == [32]


@pytest.mark.parametrize("names", [["X-Request-Id"], ["X-Request-Id", "x-request-id"]])
def test_the_id_of_a_request_is_made_here_and_never_by_a_client(
    names: list[str], front: Front, panel: ProductionPanel
) -> None:
    body = f"csrfmiddlewaretoken={'a' * 32}&login={EMAIL}&password=wrong".encode()
    head = [FORM, COOKIE, f"Content-Length: {len(body)}", f"Origin: {_address(front, '')}"]
    claims = [f"{name}: {SAID}" for name in names]
    told = _secure(front, request("POST /accounts/login/", [*head, *claims], body))
    rows = panel.rows("SELECT request_id FROM audit_auditevent WHERE tag = 'sign_in_failed'")
    assert rows, told
    for (name,) in rows:
        assert re.fullmatch("[0-9a-f]{32}", name), name
        assert until(lambda name=name: f"[{name}]" in front.log)
    assert SAID not in told.head


def test_a_body_above_the_panels_limit_is_refused_in_the_panels_words(front: Front) -> None:
    body = b'{"full": "' + b"x" * 2_500_000 + b'"}'
    head = ["Content-Type: application/json", f"Content-Length: {len(body)}", COOKIE]
    told = _secure(front, request("POST /api/v1/keys/1/sync", head, body))
    assert (told.status, '"detail"' in told.body) == (413, True)


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (request("POST /", [FORM, COOKIE, "Content-Length: 9000000"]), {413}),
        # No larger than one record of TLS: what stays unread could undo the answer on its way.
        (request("GET /", ["X-Long: " + "x" * 9_000]), {400, 431}),
        (request("GET /?" + "x" * 9_000), {414}),
        (b"RUBBISH\r\n\r\n", {400}),
    ],
)
def test_what_is_too_big_for_nginx_is_refused_with_the_headers(
    sent: bytes, statuses: set[int], front: Front
) -> None:
    told = _secure(front, sent)
    assert told.status in statuses
    for header in ("Strict-Transport-Security: max-age", "Content-Security-Policy: default-src"):
        assert header in told.head
    assert "nginx/" not in told.head + told.body  # no version


def test_more_fields_than_the_panel_reads_are_refused_by_it(front: Front) -> None:
    told = _secure(front, request("GET /healthz", [f"X-{n}: 1" for n in range(100)]))
    assert told.status in {400, 431}


BODY = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        request("POST /healthz", ["Transfer-Encoding: chunked", "Content-Length: 5"], BODY),
        request("POST /healthz", ["Content-Length: 5", "Transfer-Encoding: chunked"], BODY),
        request("POST /healthz", ["Transfer-Encoding: xchunked"], BODY),
        request("POST /healthz", ["Content-Length: 5", "Content-Length: 6"], b"hello1"),
        request("GET /healthz", ["Host: evil.example"]),
        request("GET /healthz", ["X-Bad\x00: 1"]),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_here_too(sent: bytes, front: Front) -> None:
    told = _secure(front, sent + b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert told.status in {400, 501}
    assert told.answers == 1


def test_there_are_no_websockets(front: Front) -> None:
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    upgrade.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert _secure(front, request("GET /accounts/login/", upgrade)).status == 200


def test_old_versions_of_tls_are_refused(front: Front) -> None:
    context = _context(front)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", front.https), timeout=20) as wire,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(wire, server_hostname="localhost")


def test_slow_senders_take_nothing_of_the_panel(front: Front) -> None:
    begun = request("POST /accounts/login/", [FORM, COOKIE, "Content-Length: 5000"], b"login=")
    with ExitStack() as wires:
        for _ in range(200):
            wire = socket.create_connection(("127.0.0.1", front.https), timeout=20)
            slow = _context(front).wrap_socket(wire, server_hostname="localhost")
            wires.enter_context(slow).sendall(begun)
        # They are many more than the panel has threads; whoever has sent all is answered meanwhile.
        served = [_got(front, "/accounts/login/").status_code for _ in range(20)]
    assert served == [200] * 20


def test_secrets_of_links_are_not_in_its_log(front: Front) -> None:
    secret = "planted-Zq7Xw2Rk9Lm4Vt8Nb3"
    for path in (
        f"/invitations/{secret}/",
        f"/first-visit/{secret}/",
        f"/accounts/reset/key/3-{secret}/",
        f"/invitations/{secret}/?next={secret}",
        f"/accounts/reset/key/3-{secret}/?a={secret}",
    ):
        _got(front, path, Referer=_address(front, path))
    _got(front, "/accounts/login/?kept=1")
    assert until(lambda: "kept=1" in front.log)
    written = front.log + (front.room / "freddy-admin-errors.log").read_text()
    assert "/invitations/..." in written
    assert "/reset/key/3-..." in written
    assert secret not in written


def test_a_panel_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with nginx(prepared(tmp_path, port)) as front:
        told = _got(front, "/invitations/planted-secret/")
        assert told.status_code == 503
        assert "Freddy Admin is being restarted or does not answer" in told.text
        assert told.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "planted-secret" not in (front.room / "freddy-admin-errors.log").read_text()


def test_the_page_on_operations_points_at_the_samples() -> None:
    page = (SAMPLE.parents[1] / "docs" / "operations.md").read_text()
    assert "deploy/nginx.conf" in page
    assert "deploy/freddy-web.service" in page
    assert "deploy/freddy-worker.service" in page

"""An OpenID Connect provider on loopback that does as it should, or fails in a named way."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

CLIENT_ID, CLIENT_SECRET = "panel", "planted client secret: 0123%+/"
FAULTY_ANSWERS = {"hangs", "drips", "redirects", "html", "huge", "status 500", "a list", "cut"}


@lru_cache
def rsa(name: str) -> RSAPrivateKey:
    """A key of this name, made once."""
    del name
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_pem() -> bytes:
    kind, shape = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return rsa("good").public_key().public_bytes(kind, shape)


@dataclass
class Provider:
    """What it says of a person, what it got, and where it fails: `faults[path] = name`."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    let_go: threading.Event = field(default_factory=threading.Event)

    def let_in(self, address: str) -> str:
        """As a browser that comes there and signs in: the code."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """What it says where it does not fail."""
        if path == "/.well-known/openid-configuration":
            return self._about()
        if path == "/keys":
            return {"keys": [self._public_key()]}
        if path == "/userinfo":
            return self.userinfo
        return self._tokens(form)

    def _about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        } | self.configuration

    def _public_key(self) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(rsa("good").public_key(), as_dict=True)
        return dict(key) | {"kid": "good", "use": "sig"}

    def _tokens(self, form: dict[str, str]) -> dict[str, Any]:
        began = self.codes.pop(form.get("code", ""), None)
        if began is None:
            return {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == began["code_challenge"]
        assert form["redirect_uri"] == began["redirect_uri"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "ada-at-the-provider",
            "nonce": began["nonce"],
            "iat": now,
            "exp": now + 300,
            "email": "ada@example.org",
            "email_verified": True,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        token = (self.sign or signed)(claims)
        return {"access_token": "planted-access-token", "token_type": "Bearer", "id_token": token}


def signed(claims: dict[str, Any], **more: Any) -> str:
    """An ID token as it should be, but for what is named."""
    values = {"key": rsa("good"), "algorithm": "RS256", "headers": {"kid": "good"}} | more
    return jwt.encode(claims, **values)


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.provider.asked.append(path)
        self.provider.headers = dict(self.headers.items())
        length = int(self.headers.get("Content-Length", 0))
        form = {name: one[0] for name, one in parse_qs(self.rfile.read(length).decode()).items()}
        if form:
            self.provider.sent = form
        fault = self.provider.faults.get(path, "")
        try:
            if fault in FAULTY_ANSWERS:
                self._fail(fault)
            else:
                self._say(200, json.dumps(self.provider.answer(path, form)).encode())
        except OSError:
            pass  # the other side had enough

    do_POST = do_GET  # noqa: N815

    def _fail(self, fault: str) -> None:
        if fault == "hangs":
            self.provider.let_go.wait(300)
        elif fault == "drips":
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            while not self.provider.let_go.wait(0.05):
                self.wfile.write(b" ")
        elif fault == "redirects":
            self._say(302, b"", Location=f"{self.provider.issuer}/elsewhere")
        elif fault == "huge":
            self._say(200, b'{"keys": "' + b"x" * 2_000_000 + b'"}')
        elif fault == "status 500":
            self._say(500, b"{}")
        elif fault == "cut":
            self._say(200, b"{}", **{"Content-Length": "500"})
        else:
            self._say(200, {"html": b"<h1>planted</h1>", "a list": b"[" * 100_000}[fault])

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def running(provider: Provider) -> ThreadingHTTPServer:
    """Its server, in threads; shut down by the caller."""
    handler = type("Here", (Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server

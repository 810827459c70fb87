"""An OpenID Connect provider on loopback that works correctly or fails in a named way."""

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
FAULTY_RESPONSES = {"hangs", "drips", "redirects", "html", "huge", "status 500", "a list", "cut"}


@lru_cache
def rsa_key(name: str) -> RSAPrivateKey:
    """The RSA key of this name, generated once."""
    del name
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_key_pem() -> bytes:
    encoding = serialization.Encoding.PEM
    key_format = serialization.PublicFormat.SubjectPublicKeyInfo
    return rsa_key("good").public_key().public_bytes(encoding, key_format)


@dataclass
class FakeProvider:
    """What it returns, what it received, and where it fails: `faults[path] = name`."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    requested_paths: list[str] = field(default_factory=list)
    last_form: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    released: threading.Event = field(default_factory=threading.Event)

    def authorize(self, authorization_url: str) -> str:
        """Sign in at `authorization_url` as a browser would; returns the code."""
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()
        }
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    def response_for(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """The JSON object that a path returns where it does not fail."""
        if path == "/.well-known/openid-configuration":
            return self._configuration_document()
        if path == "/keys":
            return {"keys": [self._public_key()]}
        if path == "/userinfo":
            return self.userinfo
        return self._token_response(form)

    def _configuration_document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        } | self.configuration

    def _public_key(self) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key("good").public_key(), as_dict=True)
        return dict(key) | {"kid": "good", "use": "sig"}

    def _token_response(self, form: dict[str, str]) -> dict[str, Any]:
        authorization = self.codes.pop(form.get("code", ""), None)
        if authorization is None:
            return {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert (
            base64.urlsafe_b64encode(digest).decode().rstrip("=") == authorization["code_challenge"]
        )
        assert form["redirect_uri"] == authorization["redirect_uri"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "ada-at-the-provider",
            "nonce": authorization["nonce"],
            "iat": now,
            "exp": now + 300,
            "email": "ada@example.org",
            "email_verified": True,
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        token = (self.sign or sign_id_token)(claims)
        return {"access_token": "planted-access-token", "token_type": "Bearer", "id_token": token}


def sign_id_token(claims: dict[str, Any], **overrides: Any) -> str:
    """A correctly signed ID token, but for what `overrides` names."""
    values = {"key": rsa_key("good"), "algorithm": "RS256", "headers": {"kid": "good"}} | overrides
    return jwt.encode(claims, **values)


class FakeProviderHandler(BaseHTTPRequestHandler):
    provider: FakeProvider

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.provider.requested_paths.append(path)
        self.provider.headers = dict(self.headers.items())
        length = int(self.headers.get("Content-Length", 0))
        form = {
            name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()
        }
        if form:
            self.provider.last_form = form
        fault = self.provider.faults.get(path, "")
        try:
            if fault in FAULTY_RESPONSES:
                self._send_fault(fault)
            else:
                self._send_response(
                    200, json.dumps(self.provider.response_for(path, form)).encode()
                )
        except OSError:
            pass  # the panel closed the connection

    do_POST = do_GET  # noqa: N815

    def _send_fault(self, fault: str) -> None:
        if fault == "hangs":
            self.provider.released.wait(300)
        elif fault == "drips":
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            while not self.provider.released.wait(0.05):
                self.wfile.write(b" ")
        elif fault == "redirects":
            self._send_response(302, b"", Location=f"{self.provider.issuer}/elsewhere")
        elif fault == "huge":
            self._send_response(200, b'{"keys": "' + b"x" * 2_000_000 + b'"}')
        elif fault == "status 500":
            self._send_response(500, b"{}")
        elif fault == "cut":
            self._send_response(200, b"{}", **{"Content-Length": "500"})
        else:
            self._send_response(200, {"html": b"<h1>planted</h1>", "a list": b"[" * 100_000}[fault])

    def _send_response(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


def start_provider_server(provider: FakeProvider) -> ThreadingHTTPServer:
    """The provider's server, in a thread; the caller shuts it down."""
    handler = type("Here", (FakeProviderHandler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server

"""A passkey made of software: signs what a browser would have a device sign."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import Client
from django.utils.http import int_to_base36
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

ORIGIN = "http://localhost"
ADD = "/accounts/2fa/passkeys/add/"
SIGN_IN = "/accounts/2fa/passkeys/login/"
PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


class Passkey:
    """One key pair; `verifies` says whether it looks at a finger or a PIN."""

    def __init__(self, *, verifies: bool = True, origin: str = ORIGIN) -> None:
        self.id, self.origin = os.urandom(16), origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.flags = PRESENT | (VERIFIED if verifies else 0)

    def made(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to a page that asks for a new passkey."""
        ask = options["publicKey"]
        told = self._told("webauthn.create", ask["challenge"])
        key = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        data = self._data(ask["rp"]["id"], self.flags | WITH_KEY)
        data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        attested = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(clientDataJSON=told, attestationObject=attested)

    def shown(self, options: dict[str, Any], *, person: int) -> dict[str, Any]:
        """The answer to a page that asks for this passkey."""
        ask = options["publicKey"]
        told, data = self._told("webauthn.get", ask["challenge"]), self._data(ask["rpId"])
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=told,
            authenticatorData=data,
            signature=signature,
            userHandle=int_to_base36(person).encode(),
        )

    def _told(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _data(self, host: str, flags: int | None = None) -> bytes:
        head = hashlib.sha256(host.encode()).digest()
        return head + bytes([self.flags if flags is None else flags]) + bytes(4)

    def _answer(self, **response: bytes) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {name: websafe_encode(raw) for name, raw in response.items()},
            "clientExtensionResults": {"credProps": {"rk": True}},
        }


def browser() -> Client:
    """Passkeys belong to a host, and here it is this one."""
    return Client(headers={"host": "localhost"})


def add(client: Client, passkey: Passkey, name: str = "Phone", **more: str) -> Any:
    """Go to the page that adds one, and add it."""
    asked = client.get(ADD).context["js_data"]["creation_options"]
    fields = {"name": name, "passwordless": "on", **more}
    return client.post(ADD, {"credential": json.dumps(passkey.made(asked)), **fields})


def asked_for(client: Client) -> dict[str, Any]:
    """What the sign-in page's script is told."""
    found: dict[str, Any] = client.get(SIGN_IN, headers={"accept": "application/json"}).json()
    return dict(found["request_options"])


def sign_in_with(client: Client, passkey: Passkey, person: int, **more: str) -> Any:
    """Press the button of the sign-in page."""
    answer = json.dumps(passkey.shown(asked_for(client), person=person))
    return client.post(SIGN_IN, {"credential": answer, **more})

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
ADD_PATH = "/accounts/2fa/passkeys/add/"
SIGN_IN_PATH = "/accounts/2fa/passkeys/login/"
PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


class VirtualPasskey:
    """One key pair; `verifies` says whether it verifies its user by a finger or a PIN."""

    def __init__(self, *, verifies: bool = True, origin: str = ORIGIN) -> None:
        self.id, self.origin = os.urandom(16), origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.flags = PRESENT | (VERIFIED if verifies else 0)

    def registration_response(self, options: dict[str, Any]) -> dict[str, Any]:
        """The credential that registers this passkey, for the page's `creation_options`."""
        public_key_options = options["publicKey"]
        client_data = self._client_data("webauthn.create", public_key_options["challenge"])
        key = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        authenticator_data = self._authenticator_data(
            public_key_options["rp"]["id"], self.flags | WITH_KEY
        )
        authenticator_data += bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        attestation_object = cbor.encode(
            {"fmt": "none", "attStmt": {}, "authData": authenticator_data}
        )
        return self._credential_response(
            clientDataJSON=client_data, attestationObject=attestation_object
        )

    def authentication_response(self, options: dict[str, Any], *, person: int) -> dict[str, Any]:
        """The credential that authenticates `person`, for the page's `request_options`."""
        public_key_options = options["publicKey"]
        client_data = self._client_data("webauthn.get", public_key_options["challenge"])
        authenticator_data = self._authenticator_data(public_key_options["rpId"])
        signature = self.key.sign(
            authenticator_data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256())
        )
        return self._credential_response(
            clientDataJSON=client_data,
            authenticatorData=authenticator_data,
            signature=signature,
            userHandle=int_to_base36(person).encode(),
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        content = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(content).encode()

    def _authenticator_data(self, host: str, flags: int | None = None) -> bytes:
        rp_id_hash = hashlib.sha256(host.encode()).digest()
        return rp_id_hash + bytes([self.flags if flags is None else flags]) + bytes(4)

    def _credential_response(self, **response: bytes) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {name: websafe_encode(raw) for name, raw in response.items()},
            "clientExtensionResults": {"credProps": {"rk": True}},
        }


def localhost_client() -> Client:
    """A client of the host localhost, to which the passkeys of these tests belong."""
    return Client(headers={"host": "localhost"})


def passkey_add(
    client: Client, passkey: VirtualPasskey, name: str = "Phone", **extra_fields: str
) -> Any:
    """Add a passkey on its page; the response."""
    options = client.get(ADD_PATH).context["js_data"]["creation_options"]
    fields = {"name": name, "passwordless": "on", **extra_fields}
    return client.post(
        ADD_PATH, {"credential": json.dumps(passkey.registration_response(options)), **fields}
    )


def passkey_request_options(client: Client) -> dict[str, Any]:
    """The request options that the sign-in page's script fetches."""
    content: dict[str, Any] = client.get(
        SIGN_IN_PATH, headers={"accept": "application/json"}
    ).json()
    return dict(content["request_options"])


def passkey_sign_in(client: Client, passkey: VirtualPasskey, person: int, **fields: str) -> Any:
    """Sign in with a passkey; the response."""
    credential = json.dumps(
        passkey.authentication_response(passkey_request_options(client), person=person)
    )
    return client.post(SIGN_IN_PATH, {"credential": credential, **fields})

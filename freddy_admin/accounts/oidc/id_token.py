"""Verification of ID tokens: signature, issuer, audience, nonce and time."""

import re
from dataclasses import dataclass
from typing import Any, Final

import jwt
from django.conf import settings
from django.utils.crypto import constant_time_compare

from freddy_admin.accounts.oidc.errors import email_not_verified_error, untrusted_response_error
from freddy_admin.accounts.people import email_clean
from freddy_admin.core.errors import InvalidInput

# Public keys alone: with HS256 the secret, or a public key misused as one, could sign.
ALGORITHMS: Final = tuple(
    f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)
)
LEEWAY_SECONDS: Final = 60
_REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person at the provider; `auth_time` (epoch seconds) is when they authenticated there."""

    subject: str
    auth_time: float | None
    claims: dict[str, Any]


def id_token_verify(token: object, *, keys: dict[str, Any], nonce: str) -> Identity:
    """The identity that an ID token proves; raises OidcError where it proves none."""
    if not isinstance(token, str):
        raise untrusted_response_error("no ID token")
    try:
        claims = _id_token_decode(token, keys)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise untrusted_response_error(f"ID token: {type(error).__name__}") from None
    audience, issued_to = claims["aud"], claims.get("azp", settings.OIDC_CLIENT_ID)
    has_audiences = isinstance(audience, list) and len(audience) > 1
    if issued_to != settings.OIDC_CLIENT_ID or (has_audiences and "azp" not in claims):
        raise untrusted_response_error("ID token: issued to another program")
    if not constant_time_compare(str(claims["nonce"]), nonce):
        raise untrusted_response_error("ID token: of another attempt")
    subject = claims["sub"]
    if not isinstance(subject, str) or not re.fullmatch(r"[ -~]{1,191}", subject):
        raise untrusted_response_error("ID token: a subject that cannot be kept")
    return Identity(subject, _float_or_none(claims.get("auth_time")), claims)


def verified_email_from_claims(claims: dict[str, Any]) -> str:
    """The e-mail address that the provider vouches for; raises OidcError without one."""
    email = claims.get("email")
    if not isinstance(email, str) or not email:
        raise email_not_verified_error("no e-mail address")
    if claims.get("email_verified") is not True:
        raise email_not_verified_error("an e-mail address that is not verified")
    try:
        return email_clean(email)
    except InvalidInput:
        raise email_not_verified_error("an e-mail address that is none") from None


def userinfo_verify_subject(userinfo: dict[str, Any], identity: Identity) -> dict[str, Any]:
    """The userinfo claims; raises OidcError where they are of another subject."""
    if userinfo.get("sub") != identity.subject:
        raise untrusted_response_error("two different subjects")
    return userinfo


def _id_token_decode(token: str, keys: dict[str, Any]) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise ValueError
    key = jwt.PyJWK.from_dict(_signing_key_select(header, keys), algorithm=algorithm)
    claims: dict[str, Any] = jwt.decode(
        token,
        key=key,
        algorithms=[algorithm],
        audience=settings.OIDC_CLIENT_ID,
        issuer=settings.OIDC_ISSUER,
        leeway=LEEWAY_SECONDS,
        options={"require": _REQUIRED_CLAIMS},
    )
    return claims


def _signing_key_select(header: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    candidates = keys.get("keys")
    matching_keys = [
        key
        for key in (candidates if isinstance(candidates, list) else [])
        if isinstance(key, dict)
        and key.get("use", "sig") == "sig"
        and key.get("alg", header["alg"]) == header["alg"]
        and key.get("kty") in {"RSA", "EC"}
        and ("kid" not in header or key.get("kid") == header["kid"])
    ]
    if len(matching_keys) != 1:
        raise KeyError
    return matching_keys[0]


def _float_or_none(value: object) -> float | None:
    return float(value) if type(value) in {int, float} else None  # type: ignore[arg-type]

"""Whether what the provider said of a person proves it: signature, sender, addressee, time."""

import re
from dataclasses import dataclass
from typing import Any, Final

import jwt
from django.conf import settings
from django.utils.crypto import constant_time_compare

from freddy_admin.accounts.services import address_clean
from freddy_admin.accounts.single_sign_on.faults import address_not_vouched, answer_untrusted
from freddy_admin.core.errors import InvalidInput

# Public keys alone: with HS256 the secret, or a public key misused as one, could sign.
ALGORITHMS: Final = tuple(
    f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)
)
LEEWAY_SECONDS: Final = 60
_NEEDED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is: for good (`subject`), and when they showed it, if it says so."""

    subject: str
    auth_time: float | None
    claims: dict[str, Any]


def identity_proven(token: object, *, keys: dict[str, Any], nonce: str) -> Identity:
    """The person of an ID token; raises SignOnRefused for anything that does not fit."""
    if not isinstance(token, str):
        raise answer_untrusted("no ID token")
    try:
        claims = _decoded(token, keys)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise answer_untrusted(f"ID token: {type(error).__name__}") from None
    audience, issued_to = claims["aud"], claims.get("azp", settings.OIDC_CLIENT_ID)
    several = isinstance(audience, list) and len(audience) > 1
    if issued_to != settings.OIDC_CLIENT_ID or (several and "azp" not in claims):
        raise answer_untrusted("ID token: issued to another program")
    if not constant_time_compare(str(claims["nonce"]), nonce):
        raise answer_untrusted("ID token: of another attempt")
    subject = claims["sub"]
    if not isinstance(subject, str) or not re.fullmatch(r"[ -~]{1,191}", subject):
        raise answer_untrusted("ID token: a subject that cannot be kept")
    return Identity(subject, _number(claims.get("auth_time")), claims)


def email_proven(claims: dict[str, Any]) -> str:
    """The address that the provider vouches for; raises SignOnRefused without one."""
    email = claims.get("email")
    if not isinstance(email, str) or not email:
        raise address_not_vouched("no e-mail address")
    if claims.get("email_verified") is not True:
        raise address_not_vouched("an e-mail address that is not verified")
    try:
        return address_clean(email)
    except InvalidInput:
        raise address_not_vouched("an e-mail address that is none") from None


def same_subject(told: dict[str, Any], identity: Identity) -> dict[str, Any]:
    """What the provider tells besides, which must be of the same person."""
    if told.get("sub") != identity.subject:
        raise answer_untrusted("two different subjects")
    return told


def _decoded(token: str, keys: dict[str, Any]) -> dict[str, Any]:
    head = jwt.get_unverified_header(token)
    algorithm = head.get("alg")
    if algorithm not in ALGORITHMS:
        raise ValueError
    key = jwt.PyJWK.from_dict(_key_for(head, keys), algorithm=algorithm)
    claims: dict[str, Any] = jwt.decode(
        token,
        key=key,
        algorithms=[algorithm],
        audience=settings.OIDC_CLIENT_ID,
        issuer=settings.OIDC_ISSUER,
        leeway=LEEWAY_SECONDS,
        options={"require": _NEEDED},
    )
    return claims


def _key_for(head: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    offered = keys.get("keys")
    found = [
        one
        for one in (offered if isinstance(offered, list) else [])
        if isinstance(one, dict)
        and one.get("use", "sig") == "sig"
        and one.get("alg", head["alg"]) == head["alg"]
        and one.get("kty") in {"RSA", "EC"}
        and ("kid" not in head or one.get("kid") == head["kid"])
    ]
    if len(found) != 1:
        raise KeyError
    return found[0]


def _number(value: object) -> float | None:
    return float(value) if type(value) in {int, float} else None  # type: ignore[arg-type]

"""The way in for programs: `Authorization: Bearer TOKEN`, counted."""

import hashlib

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_for
from freddy_admin.accounts.addresses import client_address
from freddy_admin.accounts.tokens.grants import Grant
from freddy_admin.accounts.tokens.panel_tokens import api_token_find
from freddy_admin.audit.services import audit_record_if_possible
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import PublicError
from freddy_admin.core.limits import Limit, limit_hold
from freddy_admin.core.networks import network_of

# A board that looks every ten seconds uses 6 of these; one that runs wild is held back.
PER_TOKEN = Limit("token", most=120, seconds=60)
WRONG_TOKENS = Limit("wrong-token", most=30, seconds=60)
REALM = "Freddy Admin"


class TokenRefused(PublicError):
    """No token, or one that is worth nothing; which of the two is not told."""

    reference = "E006"
    http_status = 401

    @property
    def headers(self) -> dict[str, str]:
        """The way in, by name."""
        return {"WWW-Authenticate": f'Bearer realm="{REALM}"'}


class PlainHttp(PublicError):
    """The token came without https: whoever was listening has it now."""

    reference = "E007"
    http_status = 403


def bearer_grant(request: HttpRequest) -> Grant:
    """What the token of this request grants. Raises TokenRefused, TooManyRequests, PlainHttp.

    Wrong tokens are counted by the address they come from; a good one is never held back for
    others' wrong ones, for many may share one address.
    """
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise PlainHttp(_("Ask by https. Revoke the token if you sent one: others may have it."))
    token = _bearer(request.headers.get("Authorization", ""))
    grant = api_token_find(token=token) if token else None
    if grant is None:
        if token:
            limit_hold(WRONG_TOKENS, of=_short(network_of(client_address(request)) or "socket"))
            _write_down(request)
        raise TokenRefused(_("Give a panel token that is valid: Authorization: Bearer TOKEN."))
    limit_hold(PER_TOKEN, of=str(grant.token_id))
    return grant


def _write_down(request: HttpRequest) -> None:
    audit_record_if_possible(
        tag=Tag.SIGN_IN_FAILED, actor=actor_for(None, request), step="panel token"
    )


def _bearer(header: str) -> str:
    scheme, _space, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _short(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]

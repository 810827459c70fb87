"""Authentication of programs by `Authorization: Bearer TOKEN`, rate-limited."""

import hashlib

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from freddy_admin.accounts.api_tokens.grants import ApiTokenGrant
from freddy_admin.accounts.api_tokens.services import api_token_verify
from freddy_admin.accounts.client_ip import client_ip
from freddy_admin.accounts.request_actor import actor_from_user
from freddy_admin.audit.services import audit_event_record_if_possible
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.client_network import client_network_for_address
from freddy_admin.core.errors import PublicError
from freddy_admin.core.rate_limits import RateLimit, rate_limit_consume

# A dashboard that polls every ten seconds uses 6 of these.
PER_TOKEN = RateLimit("token", amount=120, seconds=60)
WRONG_TOKENS = RateLimit("wrong-token", amount=30, seconds=60)
REALM = "Freddy Admin"


class TokenRefused(PublicError):
    """There is no token, or it is not valid; the response does not tell which."""

    reference = "E006"
    http_status = 401

    @property
    def headers(self) -> dict[str, str]:
        """The authentication scheme, as RFC 6750 asks for."""
        return {"WWW-Authenticate": f'Bearer realm="{REALM}"'}


class HttpsRequired(PublicError):
    """The request came without https, so its token may have been read on the way."""

    reference = "E007"
    http_status = 403


def api_token_authenticate(request: HttpRequest) -> ApiTokenGrant:
    """What the token of this request grants. Raises TokenRefused, TooManyRequests, HttpsRequired.

    Wrong tokens are counted per client network; a valid one is never refused for the wrong ones
    of others, for many may share an address.
    """
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise HttpsRequired(
            _("Ask by https. Revoke the token if you sent one: others may have it.")
        )
    token = _parse_bearer_token(request.headers.get("Authorization", ""))
    grant = api_token_verify(token=token) if token else None
    if grant is None:
        if token:
            rate_limit_consume(
                WRONG_TOKENS,
                key=_address_digest(client_network_for_address(client_ip(request)) or "socket"),
            )
            _authentication_failure_audit_record(request)
        raise TokenRefused(_("Give a panel token that is valid: Authorization: Bearer TOKEN."))
    rate_limit_consume(PER_TOKEN, key=str(grant.token_id))
    return grant


def _authentication_failure_audit_record(request: HttpRequest) -> None:
    audit_event_record_if_possible(
        tag=AuditTag.SIGN_IN_FAILED, actor=actor_from_user(None, request), step="panel token"
    )


def _parse_bearer_token(header: str) -> str:
    scheme, _space, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _address_digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]

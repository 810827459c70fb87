"""OpenID Connect's authorization code flow with PKCE; its state waits in the session."""

import base64
import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from allauth.socialaccount.internal import statekit
from django.conf import settings
from django.http import HttpRequest

from freddy_admin.accounts.oidc.errors import (
    authorization_denied_error,
    unknown_state_error,
    untrusted_response_error,
)
from freddy_admin.accounts.oidc.http import ProviderClient, provider_configuration_fetch
from freddy_admin.accounts.oidc.id_token import (
    LEEWAY_SECONDS,
    Identity,
    id_token_verify,
    userinfo_verify_subject,
    verified_email_from_claims,
)
from freddy_admin.core.panel_urls import panel_url

PROVIDER: Final = "oidc"
_SCOPE = "openid email"


@dataclass(frozen=True, slots=True)
class AuthorizationAttempt:
    """An attempt as the session holds it between the redirect and the callback.

    `to` is the page to go on to, `began` the time in seconds since the epoch, `confirms` the pk of
    the person who reauthenticates, None for a sign-in.
    """

    to: str
    nonce: str
    verifier: str
    began: float
    confirms: int | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationResult:
    """The verified identity, and what is needed to ask the userinfo endpoint for more."""

    identity: Identity
    client: ProviderClient
    userinfo_endpoint: str
    access_token: str

    def verified_email(self) -> str:
        """The verified e-mail address, from userinfo where the ID token has none.

        Raises OidcError where there is none.
        """
        claims = self.identity.claims
        if self.userinfo_endpoint and ("email" not in claims or "email_verified" not in claims):
            bearer = {"Authorization": f"Bearer {self.access_token}"}
            claims = userinfo_verify_subject(
                self.client.get_json(self.userinfo_endpoint, headers=bearer), self.identity
            )
        return verified_email_from_claims(claims)


def redirect_uri() -> str:
    """The callback URL, as it must be registered at the provider."""
    return panel_url("oidc_callback")


def authorization_start(request: HttpRequest, *, to: str, confirms: int | None = None) -> str:
    """Store an attempt in the session; the URL to redirect to. Raises OidcError."""
    configuration = provider_configuration_fetch(ProviderClient())
    attempt = AuthorizationAttempt(
        to=to,
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),
        began=time.time(),
        confirms=confirms,
    )
    state = statekit.stash_state(request, provider_id=PROVIDER, state=asdict(attempt))
    query = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": redirect_uri(),
        "scope": _SCOPE,
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": _code_challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    if confirms is not None:
        query |= {"prompt": "login", "max_age": "0"}
    endpoint = str(configuration["authorization_endpoint"])
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def authorization_attempt_pop(request: HttpRequest) -> AuthorizationAttempt:
    """The attempt of this callback, removed from the session; raises OidcError without one."""
    state_id = request.GET.get("state", "")
    fields = statekit.unstash_state(request, state_id=state_id, provider_id=PROVIDER)
    if fields is None:
        raise unknown_state_error()
    return AuthorizationAttempt(**fields)


def authorization_finish(
    request: HttpRequest, attempt: AuthorizationAttempt
) -> AuthorizationResult:
    """Exchange the callback's code and verify the ID token; raises OidcError."""
    if request.GET.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
        raise untrusted_response_error("an answer of another issuer")
    code = request.GET.get("code", "")
    if "error" in request.GET or not code:
        raise authorization_denied_error(request.GET.get("error", ""))
    client = ProviderClient()
    configuration = provider_configuration_fetch(client)
    tokens = _exchange_code(client, configuration, code, attempt)
    keys = client.get_json(configuration["jwks_uri"])
    identity = id_token_verify(tokens.get("id_token"), keys=keys, nonce=attempt.nonce)
    userinfo_endpoint = configuration.get("userinfo_endpoint")
    access_token = tokens.get("access_token")
    has_userinfo = (
        isinstance(userinfo_endpoint, str)
        and isinstance(access_token, str)
        and access_token.isprintable()
    )
    return AuthorizationResult(
        identity=identity,
        client=client,
        userinfo_endpoint=str(userinfo_endpoint) if has_userinfo else "",
        access_token=str(access_token) if has_userinfo else "",
    )


def is_authenticated_since(identity: Identity, moment: float) -> bool:
    """Whether the person authenticated at the provider at `moment` (epoch seconds) or later."""
    if identity.auth_time is None:
        return False
    return moment - LEEWAY_SECONDS <= identity.auth_time <= time.time() + LEEWAY_SECONDS


def _exchange_code(
    client: ProviderClient, configuration: dict[str, Any], code: str, attempt: AuthorizationAttempt
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(),
        "code_verifier": attempt.verifier,
    }
    endpoint = configuration["token_endpoint"]
    client_id, client_secret = settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET
    auth_methods = configuration.get("token_endpoint_auth_methods_supported")
    if isinstance(auth_methods, list) and "client_secret_post" in auth_methods:
        credentials = {"client_id": client_id, "client_secret": client_secret}
        return client.post_form(endpoint, form | credentials)
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    basic = base64.b64encode(pair.encode()).decode()
    return client.post_form(endpoint, form, headers={"Authorization": f"Basic {basic}"})


def _code_challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

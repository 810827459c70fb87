"""One way to the provider and back: what is remembered in between, in this browser's session."""

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
from django.urls import reverse

from freddy_admin.accounts.single_sign_on.faults import answer_untrusted, attempt_unknown, cancelled
from freddy_admin.accounts.single_sign_on.proving import (
    LEEWAY_SECONDS,
    Identity,
    email_proven,
    identity_proven,
    same_subject,
)
from freddy_admin.accounts.single_sign_on.talking import Conversation, configuration

PROVIDER: Final = "oidc"
_SCOPE = "openid email"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Where it leads, what only this browser knows, and who confirms, if it is that."""

    to: str
    nonce: str
    verifier: str
    began: float
    confirms: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said of the person, and the way to ask for more."""

    identity: Identity
    talk: Conversation
    more_at: str
    token: str

    def email(self) -> str:
        """The verified address, asked for where the ID token has none."""
        claims = self.identity.claims
        if self.more_at and ("email" not in claims or "email_verified" not in claims):
            bearer = {"Authorization": f"Bearer {self.token}"}
            claims = same_subject(self.talk.read(self.more_at, headers=bearer), self.identity)
        return email_proven(claims)


def return_address() -> str:
    """Where the provider sends people back to; to be entered there as it stands."""
    return str(settings.PANEL_URL) + reverse("single_sign_on_return")


def attempt_begin(request: HttpRequest, *, to: str, confirms: int | None = None) -> str:
    """Remember an attempt and say where the browser goes; raises SignOnRefused."""
    found = configuration(Conversation())
    attempt = Attempt(
        to=to,
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(64),
        began=time.time(),
        confirms=confirms,
    )
    state = statekit.stash_state(request, provider_id=PROVIDER, state=asdict(attempt))
    asked = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": return_address(),
        "scope": _SCOPE,
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": _challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    if confirms is not None:
        asked |= {"prompt": "login", "max_age": "0"}
    address = str(found["authorization_endpoint"])
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def attempt_take(request: HttpRequest) -> Attempt:
    """The attempt that comes back, which is used up by it; raises SignOnRefused."""
    state = request.GET.get("state", "")
    kept = statekit.unstash_state(request, state_id=state, provider_id=PROVIDER)
    if kept is None:
        raise attempt_unknown()
    return Attempt(**kept)


def attempt_finish(request: HttpRequest, attempt: Attempt) -> Answer:
    """Exchange the code and prove what it brought; raises SignOnRefused."""
    if request.GET.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
        raise answer_untrusted("an answer of another issuer")
    code = request.GET.get("code", "")
    if "error" in request.GET or not code:
        raise cancelled(request.GET.get("error", ""))
    talk = Conversation()
    found = configuration(talk)
    tokens = _exchanged(talk, found, code, attempt)
    keys = talk.read(found["jwks_uri"])
    identity = identity_proven(tokens.get("id_token"), keys=keys, nonce=attempt.nonce)
    more_at, token = found.get("userinfo_endpoint"), tokens.get("access_token")
    usable = isinstance(more_at, str) and isinstance(token, str) and token.isprintable()
    return Answer(
        identity=identity,
        talk=talk,
        more_at=str(more_at) if usable else "",
        token=str(token) if usable else "",
    )


def shown_since(identity: Identity, moment: float) -> bool:
    """Whether the person showed the provider who they are at this moment or later."""
    if identity.auth_time is None:
        return False
    return moment - LEEWAY_SECONDS <= identity.auth_time <= time.time() + LEEWAY_SECONDS


def _exchanged(
    talk: Conversation, found: dict[str, Any], code: str, attempt: Attempt
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": return_address(),
        "code_verifier": attempt.verifier,
    }
    ways = found.get("token_endpoint_auth_methods_supported")
    if isinstance(ways, list) and "client_secret_post" in ways:
        own = {"client_id": settings.OIDC_CLIENT_ID, "client_secret": settings.OIDC_CLIENT_SECRET}
        return talk.post(found["token_endpoint"], form | own)
    names = (settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)
    pair = ":".join(quote(name, safe="") for name in names)
    basic = base64.b64encode(pair.encode()).decode()
    return talk.post(found["token_endpoint"], form, headers={"Authorization": f"Basic {basic}"})


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

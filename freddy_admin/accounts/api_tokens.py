"""The panel's own API tokens for programs: created, revoked, and verified with each request."""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import ApiToken, TokenScope, User
from freddy_admin.audit.services import (
    Actor,
    actor_from_user,
    audit_event_record,
    audit_event_record_if_possible,
    client_ip,
    client_network_for_address,
)
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import machine_clock_lag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound, PublicError
from freddy_admin.core.rate_limits import RateLimit, rate_limit_consume
from freddy_admin.core.text_validation import line_clean

log = logging.getLogger(__name__)
NAME_LIMIT = 80
TOKENS_AT_MOST = 50
ORGANISATIONS_AT_MOST = 100
DAYS_AT_MOST = 3_650
LAST_USED_INTERVAL = timedelta(minutes=1)
LARGEST_ID = 2**63 - 1
# A dashboard that polls every ten seconds uses 6 of these.
PER_TOKEN = RateLimit("token", amount=120, seconds=60)
WRONG_TOKENS = RateLimit("wrong-token", amount=30, seconds=60)
REALM = "Freddy Admin"
TOKEN_PREFIX = "freddy_"  # noqa: S105  the prefix, not a token
RANDOM_BYTES = 32
TOKEN_LENGTH_LIMIT = 200


def token_generate() -> str:
    """A new token with 256 random bits, so that a fast digest is as safe as a slow one."""
    return TOKEN_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def token_digest(token: str) -> str:
    """The hex digest that is stored of a token; takes any text."""
    return hashlib.sha256(token[:TOKEN_LENGTH_LIMIT].encode("utf-8", "surrogatepass")).hexdigest()


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


@dataclass(frozen=True, slots=True)
class ApiTokenGrant:
    """A valid token: its person, and the limits it sets to what that person may do.

    `organisation_ids` is None for all of the person's organisations.
    """

    user: User
    token_id: int
    name: str
    scope: TokenScope
    organisation_ids: frozenset[int] | None

    @property
    def can_act(self) -> bool:
        """Whether the token may do more than read."""
        return self.scope == TokenScope.ACT

    def covers_organisation(self, organisation_id: int) -> bool:
        """Whether the token is for this organisation; the person's role is checked elsewhere."""
        return self.organisation_ids is None or organisation_id in self.organisation_ids


@dataclass(frozen=True, slots=True)
class ApiTokenOptions:
    """Limits of a new token; `organisation_ids` None means all, `days` None no expiry."""

    scope: str = TokenScope.READ
    organisation_ids: frozenset[int] | None = None
    days: int | None = None


_DEFAULT_OPTIONS = ApiTokenOptions()


@transaction.atomic
def api_token_create(
    *, actor: Actor, user: User, name: str, token_options: ApiTokenOptions = _DEFAULT_OPTIONS
) -> str:
    """Create an API token of this person; returns the token, which is not stored.

    Names may repeat. The caller has checked that the organisations of the options are the
    person's. Raises InvalidInput with the field, Conflict where the person has too many tokens.
    """
    clean_name = line_clean(name, field="name", limit=NAME_LIMIT)
    _options_validate(token_options)
    if not user.is_active:
        raise InvalidInput(_("The account of this person is switched off."), field="user")
    # Requests of one person at the same time wait for each other, so that none passes the limit.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if ApiToken.objects.filter(user=user).count() >= TOKENS_AT_MOST:
        raise Conflict(
            _("There are %(n)d panel tokens already. Revoke one, then make this one.")
            % {"n": TOKENS_AT_MOST}
        )
    token, now = token_generate(), clock.now()
    row = ApiToken.objects.create(
        user=user,
        name=clean_name,
        digest=token_digest(token),
        scope=token_options.scope,
        every_organisation=token_options.organisation_ids is None,
        created_at=now,
        expires_at=now + timedelta(days=token_options.days) if token_options.days else None,
    )
    row.organisations.set(token_options.organisation_ids or ())
    _token_audit_record(AuditTag.TOKEN_CREATED, actor, row, days=token_options.days)
    return token


@transaction.atomic
def api_token_revoke(*, actor: Actor, user: User, token_id: int) -> str:
    """Delete one of this person's tokens; returns its name. Raises NotFound."""
    rows = ApiToken.objects.select_related("user").filter(user=user, pk=token_id)
    row = rows.first() if 0 < token_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(_("There is no such token."))
    _token_audit_record(AuditTag.TOKEN_REVOKED, actor, row)
    row.delete()
    return row.name


@transaction.atomic
def api_tokens_revoke_all(*, actor: Actor, user: User) -> int:
    """Delete all of this person's tokens; returns how many there were."""
    rows = list(ApiToken.objects.select_related("user").filter(user=user))
    for row in rows:
        _token_audit_record(AuditTag.TOKEN_REVOKED, actor, row)
    ApiToken.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def api_tokens_list(*, user: User) -> list[ApiToken]:
    """This person's tokens, the newest first, with their organisations; two queries."""
    rows = ApiToken.objects.filter(user=user).order_by("-created_at", "-pk")
    return list(rows.prefetch_related("organisations"))


def api_token_verify(*, token: str) -> ApiTokenGrant | None:
    """What this token grants now, or None; records its use once a minute.

    None for a token that is unknown or expired, or whose person is inactive. What the person may
    do is checked with each request: a membership that ends ends it for the token, too.
    """
    # Always one digest and one query: the time must not show what is wrong with a token.
    row = ApiToken.objects.select_related("user").filter(digest=token_digest(token)).first()
    now = clock.now()
    if row is None or not row.user.is_active or _is_expired(row, now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= LAST_USED_INTERVAL:
        is_due = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_INTERVAL)
        _record_last_use(ApiToken.objects.filter(is_due, pk=row.pk), now)
    return ApiTokenGrant(
        user=row.user,
        token_id=row.pk,
        name=row.name,
        scope=TokenScope(row.scope),
        organisation_ids=_organisation_ids(row),
    )


def _is_expired(row: ApiToken, now: datetime) -> bool:
    # A token created while the clock was ahead is not valid before that time: it would last longer.
    return row.expires_at is not None and (
        row.expires_at <= now + machine_clock_lag()
        or clock.is_over_an_hour_in_future(row.created_at)
    )


def _organisation_ids(row: ApiToken) -> frozenset[int] | None:
    if row.every_organisation:
        return None
    return frozenset(row.organisations.values_list("pk", flat=True))


def _record_last_use(tokens: QuerySet[ApiToken], now: datetime) -> None:
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            tokens.update(last_used_at=now)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the answer with it.
        log.warning("The use of a token could not be noted: %s", type(error).__name__)


def _options_validate(token_options: ApiTokenOptions) -> None:
    if token_options.scope not in TokenScope.values:
        raise InvalidInput(_("Choose what the token may do."), field="scope")
    if token_options.organisation_ids is not None and not token_options.organisation_ids:
        raise InvalidInput(_("Choose at least one organisation, or all."), field="organisations")
    if (
        token_options.organisation_ids
        and len(token_options.organisation_ids) > ORGANISATIONS_AT_MOST
    ):
        raise InvalidInput(
            _("Choose at most %(n)d organisations, or all.") % {"n": ORGANISATIONS_AT_MOST},
            field="organisations",
        )
    if token_options.days is not None and not 1 <= token_options.days <= DAYS_AT_MOST:
        raise InvalidInput(
            _("A token is good for 1 to %(n)d days, or for good.") % {"n": DAYS_AT_MOST},
            field="days",
        )


def _token_audit_record(
    tag: AuditTag, actor: Actor, row: ApiToken, days: int | None = None
) -> None:
    organisation_names = (
        []
        if row.every_organisation
        else sorted(organisation.name for organisation in row.organisations.all())
    )
    audit_event_record(
        tag=tag,
        actor=actor,
        subject=row.user.email,
        name=row.name,
        scope=row.scope,
        organisations=organisation_names[:10] or None,
        days=days,
    )


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


def api_tokens_remove_organisation(*, user: User, organisation_id: int) -> None:
    """Take this organisation away from the user's API tokens for good.

    Called when a member goes, and again when one comes: what a token granted through a former
    membership, or through being a platform admin, never comes back by itself. Does nothing for a
    platform admin, who has every organisation.
    """
    if user.is_platform_admin:
        return
    links = ApiToken.organisations.through.objects
    links.filter(apitoken__user=user, organisation_id=organisation_id).delete()

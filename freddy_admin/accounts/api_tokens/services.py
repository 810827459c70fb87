"""API tokens of the panel: created, listed, verified by their digest, revoked."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.api_tokens.grants import ApiTokenGrant, ApiTokenOptions
from freddy_admin.accounts.api_tokens.token_secrets import token_digest, token_generate
from freddy_admin.accounts.models import ApiToken, TokenScope, User
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.later_of_two_clocks import machine_clock_lag
from freddy_admin.core.text_validation import line_clean

log = logging.getLogger(__name__)

NAME_LIMIT = 80
TOKENS_AT_MOST = 50
ORGANISATIONS_AT_MOST = 100
DAYS_AT_MOST = 3_650
LAST_USED_INTERVAL = timedelta(minutes=1)
LARGEST_ID = 2**63 - 1
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

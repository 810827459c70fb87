"""Panel tokens: made, listed, found again by their digest, revoked."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import ApiToken, TokenScope, User
from freddy_admin.accounts.tokens.digests import token_digest, token_make
from freddy_admin.accounts.tokens.grants import Grant, TokenWish
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.either_clock import behind
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.text import line_clean

log = logging.getLogger(__name__)

NAME_LIMIT = 80
TOKENS_AT_MOST = 50
ORGANISATIONS_AT_MOST = 100
DAYS_AT_MOST = 3_650
LAST_USED_EVERY = timedelta(minutes=1)
LARGEST_ID = 2**63 - 1
_ALL = TokenWish()


@transaction.atomic
def api_token_create(*, actor: Actor, user: User, name: str, wish: TokenWish = _ALL) -> str:
    """A new panel token of this person: the only time it can be read. Names may repeat.

    The organisations wished for are those the caller found to be the person's. Raises
    InvalidInput with the field, Conflict where the person has too many.
    """
    clean = line_clean(name, field="name", limit=NAME_LIMIT)
    _wish_check(wish)
    if not user.is_active:
        raise InvalidInput(_("The account of this person is switched off."), field="user")
    # Two at the same time: one after the other, so that neither passes the limit.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if ApiToken.objects.filter(user=user).count() >= TOKENS_AT_MOST:
        raise Conflict(
            _("There are %(n)d panel tokens already. Revoke one, then make this one.")
            % {"n": TOKENS_AT_MOST}
        )
    token, now = token_make(), clock.now()
    row = ApiToken.objects.create(
        user=user,
        name=clean,
        digest=token_digest(token),
        scope=wish.scope,
        every_organisation=wish.organisation_ids is None,
        created_at=now,
        expires_at=now + timedelta(days=wish.days) if wish.days else None,
    )
    row.organisations.set(wish.organisation_ids or ())
    _record(Tag.TOKEN_CREATED, actor, row, days=wish.days)
    return token


@transaction.atomic
def api_token_revoke(*, actor: Actor, user: User, token_id: int) -> str:
    """Take one of this person's tokens away for good; its name. Raises NotFound."""
    rows = ApiToken.objects.select_related("user").filter(user=user, pk=token_id)
    row = rows.first() if 0 < token_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(_("There is no such token."))
    _record(Tag.TOKEN_REVOKED, actor, row)
    row.delete()
    return row.name


@transaction.atomic
def api_tokens_revoke_all(*, actor: Actor, user: User) -> int:
    """Take all of this person's tokens away for good; how many that were."""
    rows = list(ApiToken.objects.select_related("user").filter(user=user))
    for row in rows:
        _record(Tag.TOKEN_REVOKED, actor, row)
    ApiToken.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def api_tokens_of(*, user: User) -> list[ApiToken]:
    """This person's tokens, the newest first, with their organisations; two queries."""
    rows = ApiToken.objects.filter(user=user).order_by("-created_at", "-pk")
    return list(rows.prefetch_related("organisations"))


def api_token_find(*, token: str) -> Grant | None:
    """What this panel token grants now, or None; notes its use once a minute.

    None for one that is unknown, expired, or whose person is switched off. What the person may do
    is asked anew with each request: a membership that ends takes the token's reach along.
    """
    # Always one digest and one look-up by it: what is wrong with a token does not show in time.
    row = ApiToken.objects.select_related("user").filter(digest=token_digest(token)).first()
    now = clock.now()
    if row is None or not row.user.is_active or _expired(row, now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= LAST_USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_EVERY)
        _note_use(ApiToken.objects.filter(stale, pk=row.pk), now)
    return Grant(
        user=row.user,
        token_id=row.pk,
        name=row.name,
        scope=TokenScope(row.scope),
        organisation_ids=_reach(row),
    )


def _expired(row: ApiToken, now: datetime) -> bool:
    # One made while the clock was ahead would live on until then: not before it is set right.
    return row.expires_at is not None and (
        row.expires_at <= now + behind() or clock.is_ahead(row.created_at)
    )


def _reach(row: ApiToken) -> frozenset[int] | None:
    if row.every_organisation:
        return None
    return frozenset(row.organisations.values_list("pk", flat=True))


def _note_use(tokens: QuerySet[ApiToken], now: datetime) -> None:
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            tokens.update(last_used_at=now)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the answer with it.
        log.warning("The use of a token could not be noted: %s", type(error).__name__)


def _wish_check(wish: TokenWish) -> None:
    if wish.scope not in TokenScope.values:
        raise InvalidInput(_("Choose what the token may do."), field="scope")
    if wish.organisation_ids is not None and not wish.organisation_ids:
        raise InvalidInput(_("Choose at least one organisation, or all."), field="organisations")
    if wish.organisation_ids and len(wish.organisation_ids) > ORGANISATIONS_AT_MOST:
        raise InvalidInput(
            _("Choose at most %(n)d organisations, or all.") % {"n": ORGANISATIONS_AT_MOST},
            field="organisations",
        )
    if wish.days is not None and not 1 <= wish.days <= DAYS_AT_MOST:
        raise InvalidInput(
            _("A token is good for 1 to %(n)d days, or for good.") % {"n": DAYS_AT_MOST},
            field="days",
        )


def _record(tag: Tag, actor: Actor, row: ApiToken, days: int | None = None) -> None:
    reach = [] if row.every_organisation else sorted(one.name for one in row.organisations.all())
    audit_record(
        tag=tag,
        actor=actor,
        subject=row.user.email,
        name=row.name,
        scope=row.scope,
        organisations=reach[:10] or None,
        days=days,
    )

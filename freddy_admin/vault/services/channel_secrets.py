"""Secrets of channels, to whom alerts go: sealed here, replaced, rotated, deleted; never shown.

Channels are rows of a room above and locked there: call inside the transaction of that lock.
"""

from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.crypto.keyring import keyring
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ChannelSecret, ChannelSecretPurpose
from freddy_admin.vault.sealing import canary_ensure, channel_secret_context, secret_fingerprint


@sensitive_variables("secret")
def channel_address_set(
    *, organisation: Organisation | None, channel_id: int, actor: Actor, secret: str
) -> ChannelSecret:
    """Seal a channel's address in place of the former one, which is wiped.

    Raises InvalidInput for `channel_address` where another channel of the same owner has it, and
    Conflict where this process may not seal.
    """
    fingerprint = secret_fingerprint(secret)
    addresses = ChannelSecret.objects.filter(purpose=ChannelSecretPurpose.ADDRESS)
    is_taken = addresses.filter(organisation=organisation, fingerprint=fingerprint)
    if is_taken.exclude(channel_id=channel_id).exists():
        raise InvalidInput(
            _("Another channel here has this address already."), field="channel_address"
        )
    row = _sealed_row(
        organisation, channel_id, actor, purpose=ChannelSecretPurpose.ADDRESS, secret=secret
    )
    row.fingerprint = fingerprint
    addresses.filter(channel_id=channel_id).delete()
    row.save(force_insert=True)
    wal_truncate_on_commit()
    return row


@sensitive_variables("secret")
def channel_signing_secret_add(
    *,
    organisation: Organisation | None,
    channel_id: int,
    actor: Actor,
    secret: str,
    former_valid_until: datetime,
) -> ChannelSecret:
    """Seal a new signing secret; those before it stay valid beside it until this moment.

    One that was to end earlier still does.
    """
    secrets = channel_signing_secrets(channel_id=channel_id)
    secrets.filter(valid_until=None).update(valid_until=former_valid_until)
    secrets.filter(valid_until__gt=former_valid_until).update(valid_until=former_valid_until)
    row = _sealed_row(
        organisation, channel_id, actor, purpose=ChannelSecretPurpose.SIGNING, secret=secret
    )
    row.save(force_insert=True)
    return row


def channel_signing_secrets(*, channel_id: int) -> QuerySet[ChannelSecret]:
    """A channel's signing secrets, the present one first."""
    rows = ChannelSecret.objects.filter(channel_id=channel_id, purpose=ChannelSecretPurpose.SIGNING)
    return rows.order_by("-version")


def channel_signing_secrets_valid(*, channel_id: int, now: datetime) -> list[ChannelSecret]:
    """Those that a message is signed with at this moment, the present one first."""
    is_valid = Q(valid_until=None) | Q(valid_until__gt=now)
    return list(channel_signing_secrets(channel_id=channel_id).filter(is_valid))


def channel_address_get(*, channel_id: int) -> ChannelSecret | None:
    """A channel's sealed address; None where it was never entered."""
    rows = ChannelSecret.objects.filter(channel_id=channel_id, purpose=ChannelSecretPurpose.ADDRESS)
    return rows.order_by("-version").first()


def channel_former_signing_secrets_delete(
    *, channel_id: int | None = None, ended_before: datetime | None = None
) -> int:
    """Wipe former signing secrets: of a channel, or with a moment those that ended before it.

    Returns how many.
    """
    rows = ChannelSecret.objects.filter(purpose=ChannelSecretPurpose.SIGNING)
    rows = rows.exclude(valid_until=None)
    if channel_id is not None:
        rows = rows.filter(channel_id=channel_id)
    if ended_before is not None:
        rows = rows.filter(valid_until__lte=ended_before)
    return _delete(rows)


def channel_secrets_delete(*, channel_id: int) -> int:
    """Wipe all secrets of a channel; returns how many."""
    return _delete(ChannelSecret.objects.filter(channel_id=channel_id))


def _delete(rows: QuerySet[ChannelSecret]) -> int:
    deleted_count = rows.delete()[0]
    if deleted_count:
        wal_truncate_on_commit()
    return deleted_count


@sensitive_variables()
def _sealed_row(
    organisation: Organisation | None,
    channel_id: int,
    actor: Actor,
    *,
    purpose: ChannelSecretPurpose,
    secret: str,
) -> ChannelSecret:
    """A row, unsaved, of a version that none before it had."""
    canary_ensure()
    rows = ChannelSecret.objects.filter(channel_id=channel_id, purpose=purpose)
    latest = rows.aggregate(latest=Max("version"))["latest"] or 0
    row = ChannelSecret(
        organisation=organisation,
        channel_id=channel_id,
        purpose=purpose,
        version=latest + 1,
        created_at=clock.now(),
        created_by=actor.name[:254],
    )
    ring = keyring()
    row.ciphertext = ring.seal(secret.encode(), context=channel_secret_context(row))
    row.master_key_id = ring.sealing_id
    return row

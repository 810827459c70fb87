"""What is done with channels: by people, and by the worker that sends to them.

Each takes the organisation, or None for a channel of the whole panel, and finds the channel
through it. Addresses and signing secrets go to the vault, and come back to nobody: a signing
secret is returned once, by what made it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.alerts.channels.addresses import (
    AddressParts,
    address_clean,
    address_secret_parts,
)
from freddy_admin.alerts.channels.answers import ChannelAnswer
from freddy_admin.alerts.channels.notices import channel_notices_create
from freddy_admin.alerts.channels.selectors import (
    channel_not_found,
    channels_stored,
)
from freddy_admin.alerts.channels.webhook import signing_secret_generate
from freddy_admin.alerts.deliveries.channel_return import channel_messages_resume
from freddy_admin.alerts.models import Channel, ChannelKind
from freddy_admin.audit.services import WORKER, Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.outbox_kinds import NotSent
from freddy_admin.core.text_validation import case_folded, line_clean
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.secret_format import is_secret_in_texts
from freddy_admin.vault.services.channel_secrets import (
    channel_address_set,
    channel_former_signing_secrets_delete,
    channel_secrets_delete,
    channel_signing_secret_add,
    channel_signing_secrets,
)

NAME_MAX_LENGTH: Final = 80
CHANNELS_LIMIT: Final = 20  # of one owner
# How long a former signing secret goes on signing beside the new one, unless it is ended before.
FORMER_SECRET_LIFETIME: Final = timedelta(days=1)
SIGNING_SECRETS_LIMIT: Final = 5


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel that was made; of a webhook with its signing secret, to be shown this once."""

    channel: Channel
    signing_secret: str = field(default="", repr=False)


@sensitive_variables("address", "parts", "signing_secret")
@transaction.atomic
def channel_create(
    *, organisation: Organisation | None, actor: Actor, kind: str, name: str, address: str
) -> NewChannel:
    """Add a channel of an organisation, or of the whole panel.

    `address` is a URL, of PagerDuty its routing key. Raises InvalidInput for `name`, `kind` or
    `channel_address`, and Conflict where there are too many or the master key does not fit.
    """
    parts = address_clean(kind=kind, address=address)
    clean_name = _name_clean(name, parts)
    organisation = _owner_lock(organisation)
    if channels_stored(organisation=organisation).count() >= CHANNELS_LIMIT:
        raise Conflict(
            _("There are %(limit)d channels already. Delete one that is not used any more.")
            % {"limit": CHANNELS_LIMIT}
        )
    _name_validate_unused(organisation, clean_name, excluded=None)
    channel = Channel.objects.create(
        organisation=organisation,
        kind=kind,
        name=clean_name,
        host=parts.host,
        created_at=clock.now(),
        created_by=actor.name[:254],
    )
    channel_address_set(
        organisation=organisation, channel_id=channel.pk, actor=actor, secret=parts.address
    )
    signing_secret = ""
    if kind == ChannelKind.WEBHOOK:
        signing_secret = _signing_secret_add(channel, actor)
    _audit(AuditTag.CHANNEL_CREATED, actor, channel, channel_kind=kind, host=parts.host)
    return NewChannel(channel, signing_secret)


@transaction.atomic
def channel_rename(
    *, organisation: Organisation | None, actor: Actor, channel: Channel, name: str
) -> Channel:
    """Give it another name. Raises InvalidInput for `name`."""
    clean_name = _name_clean(name, None)
    locked_channel = _channel_lock(organisation, channel)
    if clean_name == locked_channel.name:
        return locked_channel
    _name_validate_unused(organisation, clean_name, excluded=locked_channel)
    changes = {"name": [locked_channel.name, clean_name]}
    locked_channel.name = clean_name
    locked_channel.save(update_fields=["name"])
    _audit(AuditTag.CHANNEL_CHANGED, actor, locked_channel, changes=changes)
    return locked_channel


@sensitive_variables("address", "parts")
@transaction.atomic
def channel_address_replace(
    *, organisation: Organisation | None, actor: Actor, channel: Channel, address: str
) -> Channel:
    """Send to another address from now on; what was said of the former one is forgotten.

    Switches on what was switched off because of the former address. Raises InvalidInput for
    `channel_address`.
    """
    locked_channel = _channel_lock(organisation, channel)
    parts = address_clean(kind=locked_channel.kind, address=address)
    _validate_name_without_secret(locked_channel.name, parts, field="channel_address")
    channel_address_set(
        organisation=organisation, channel_id=locked_channel.pk, actor=actor, secret=parts.address
    )
    changes = {"host": [locked_channel.host, parts.host]}
    locked_channel.host = parts.host
    if not locked_channel.disabled_by:
        _switch_on(locked_channel)
    _health_forget(locked_channel)
    locked_channel.save()
    _audit(AuditTag.CHANNEL_ADDRESS_REPLACED, actor, locked_channel, changes=changes)
    return locked_channel


@transaction.atomic
def channel_signing_secret_rotate(
    *, organisation: Organisation | None, actor: Actor, channel: Channel
) -> str:
    """A new signing secret, returned this once; the former ones sign beside it for a day.

    Raises Conflict for a channel that signs nothing, and where five are valid already.
    """
    locked_channel = _channel_lock(organisation, channel)
    if locked_channel.kind != ChannelKind.WEBHOOK:
        raise Conflict(_("Only webhooks are signed. Replace the address instead."))
    channel_former_signing_secrets_delete(channel_id=locked_channel.pk, ended_before=clock.now())
    if channel_signing_secrets(channel_id=locked_channel.pk).count() >= SIGNING_SECRETS_LIMIT:
        raise Conflict(
            _("There are %(limit)d signing secrets already. End the former ones first.")
            % {"limit": SIGNING_SECRETS_LIMIT}
        )
    signing_secret = _signing_secret_add(locked_channel, actor)
    _audit(AuditTag.CHANNEL_SECRET_ROTATED, actor, locked_channel)
    return signing_secret


@transaction.atomic
def channel_former_secrets_end(
    *, organisation: Organisation | None, actor: Actor, channel: Channel
) -> int:
    """Sign with the present secret alone from now on; returns how many ended."""
    locked_channel = _channel_lock(organisation, channel)
    ended_count = channel_former_signing_secrets_delete(channel_id=locked_channel.pk)
    if ended_count:
        _audit(AuditTag.CHANNEL_FORMER_SECRETS_ENDED, actor, locked_channel, number=ended_count)
    return ended_count


@transaction.atomic
def channel_former_secrets_expire() -> int:
    """Wipe the signing secrets that have ended; none while the clocks disagree; returns how many.

    For the worker. One statement with none to wipe.
    """
    now = trusted_now()
    return 0 if now is None else channel_former_signing_secrets_delete(ended_before=now)


@transaction.atomic
def channel_enable(*, organisation: Organisation | None, actor: Actor, channel: Channel) -> Channel:
    """Send to it again; changes nothing where that is so already."""
    locked_channel = _channel_lock(organisation, channel)
    if locked_channel.disabled_at is not None:
        _switch_on(locked_channel)
        _health_forget(locked_channel)
        locked_channel.save()
        _audit(AuditTag.CHANNEL_ENABLED, actor, locked_channel)
    return locked_channel


@transaction.atomic
def channel_switch_off(
    *, organisation: Organisation | None, actor: Actor, channel: Channel
) -> Channel:
    """Send nothing to it until a person switches it on; changes nothing where that is so."""
    locked_channel = _channel_lock(organisation, channel)
    if locked_channel.disabled_at is None:
        locked_channel.disabled_at = clock.now()
        locked_channel.disabled_by = actor.name[:254]
        locked_channel.disabled_reason = ""
        locked_channel.save(update_fields=["disabled_at", "disabled_by", "disabled_reason"])
        _audit(AuditTag.CHANNEL_DISABLED, actor, locked_channel)
    return locked_channel


@transaction.atomic
def channel_delete(*, organisation: Organisation | None, actor: Actor, channel: Channel) -> None:
    """Wipe its secrets and take it out of every rule; its log stays."""
    locked_channel = _channel_lock(organisation, channel)
    locked_channel.deleted_at = clock.now()
    if locked_channel.disabled_at is None:
        locked_channel.disabled_at = locked_channel.deleted_at
        locked_channel.disabled_by = actor.name[:254]
    locked_channel.save(update_fields=["deleted_at", "disabled_at", "disabled_by"])
    locked_channel.rules.clear()
    channel_secrets_delete(channel_id=locked_channel.pk)
    _audit(AuditTag.CHANNEL_DELETED, actor, locked_channel)


@transaction.atomic
def channel_answer_record(*, channel: Channel, answer: ChannelAnswer, now: datetime) -> None:
    """Store that the other side took a message, and what it said."""
    Channel.objects.filter(pk=channel.pk).update(
        answered_at=now,
        answer=answer.text[:200],
        answer_status=answer.status,
        succeeded_at=now,
        failing_since=None,
        failure="",
    )


@transaction.atomic
def channel_failure_record(*, channel: Channel, error: NotSent, now: datetime) -> None:
    """Store that a message was not taken, and why."""
    locked_channel = Channel.objects.select_for_update(no_key=True).filter(pk=channel.pk).first()
    if locked_channel is None:
        return
    answer = getattr(error, "answer", None)
    if isinstance(answer, ChannelAnswer):
        locked_channel.answered_at = now
        locked_channel.answer, locked_channel.answer_status = answer.text[:200], answer.status
    locked_channel.failing_since = locked_channel.failing_since or now
    locked_channel.failure = error.reason[:40]
    locked_channel.save(
        update_fields=["answered_at", "answer", "answer_status", "failing_since", "failure"]
    )


@transaction.atomic
def channel_disable(*, channel: Channel, reason: str, now: datetime | None = None) -> None:
    """Switch a channel off because the other side refused it for good, and tell people of it.

    Its managers get a mail, the page says it. Changes nothing where it is off already.
    """
    now = now or clock.now()
    rows = Channel.objects.select_for_update(no_key=True)
    locked_channel = rows.filter(pk=channel.pk, disabled_at=None, deleted_at=None).first()
    if locked_channel is None:
        return
    locked_channel.disabled_at, locked_channel.disabled_by = now, ""
    locked_channel.disabled_reason = reason[:40]
    locked_channel.save(update_fields=["disabled_at", "disabled_by", "disabled_reason"])
    _audit(AuditTag.CHANNEL_DISABLED, WORKER, locked_channel, outcome=reason[:40])
    channel_notices_create(channel=locked_channel)


def _owner_lock(organisation: Organisation | None) -> Organisation | None:
    return None if organisation is None else organisation_lock(organisation=organisation)


def _channel_lock(organisation: Organisation | None, channel: Channel) -> Channel:
    """The channel as it is now, locked, with its owner; raises NotFound for a foreign one."""
    organisation = _owner_lock(organisation)
    rows = channels_stored(organisation=organisation).select_for_update(no_key=True)
    locked_channel = rows.filter(pk=channel.pk).first()
    if locked_channel is None:
        raise channel_not_found()
    locked_channel.organisation = organisation
    return locked_channel


def _signing_secret_add(channel: Channel, actor: Actor) -> str:
    signing_secret = signing_secret_generate()
    channel_signing_secret_add(
        organisation=channel.organisation,
        channel_id=channel.pk,
        actor=actor,
        secret=signing_secret,
        former_valid_until=clock.now() + FORMER_SECRET_LIFETIME,
    )
    return signing_secret


def _switch_on(channel: Channel) -> None:
    """Take messages again; the ends that were missed meanwhile go out."""
    moments = [at for at in (channel.disabled_at, channel.failing_since) if at is not None]
    channel.disabled_at, channel.disabled_by, channel.disabled_reason = None, "", ""
    if moments:
        channel_messages_resume(channel=channel, since=min(moments), now=clock.now())


def _health_forget(channel: Channel) -> None:
    channel.answered_at, channel.answer, channel.answer_status = None, "", None
    channel.succeeded_at, channel.failing_since, channel.failure = None, None, ""
    channel.retry_at = None  # that the former address asked for patience


@sensitive_variables("parts")
def _name_clean(name: str, parts: AddressParts | None) -> str:
    clean_name = line_clean(name, field="name", limit=NAME_MAX_LENGTH)
    if parts is not None:
        _validate_name_without_secret(clean_name, parts, field="name")
    return clean_name


@sensitive_variables("parts")
def _validate_name_without_secret(name: str, parts: AddressParts, *, field: str) -> None:
    if any(is_secret_in_texts(part, (name,)) for part in address_secret_parts(parts)):
        raise InvalidInput(
            _("The address stands in the name, too, where everybody could read it. Remove it."),
            field=field,
        )


def _name_validate_unused(
    organisation: Organisation | None, name: str, *, excluded: Channel | None
) -> None:
    channels = channels_stored(organisation=organisation)
    if excluded is not None:
        channels = channels.exclude(pk=excluded.pk)
    if case_folded(name) in {
        case_folded(other) for other in channels.values_list("name", flat=True)
    }:
        raise InvalidInput(_("Another channel here has this name already."), field="name")


def _audit(tag: AuditTag, actor: Actor, channel: Channel, **details: object) -> None:
    organisation = channel.organisation
    audit_event_record(
        tag=tag,
        actor=actor,
        organisation=organisation_audit_ref(organisation) if organisation else None,
        subject=channel.name,
        **details,
    )

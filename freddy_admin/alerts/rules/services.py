"""Rules of organisations and of the whole panel: made, changed and removed by people.

Whoever calls has asked for the permission: MANAGE_ALERTS in the organisation, or without one
MANAGE_FLEET_ALERTS.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.people import time_zones
from freddy_admin.alerts.deliveries.planning import openings_replan
from freddy_admin.alerts.models import AlertRule, Channel, Severity
from freddy_admin.alerts.rules.decisions import PLATFORM_ADMIN_ROLE
from freddy_admin.alerts.rules.selectors import rule_channels_available, rule_get
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.core.text_validation import line_clean
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role

NAME_LIMIT: Final = 80
RULES_AT_MOST: Final = 30
DELAY_AT_MOST: Final = 24 * 60  # minutes
_PLAIN_FIELDS: Final = (
    *("name", "severity", "roles", "delay_minutes", "sends_reminders"),
    *("quiet_from", "quiet_until", "zone", "enabled", "causes_only"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleValues:
    """What a person enters of a rule; quiet hours are both times or neither, in `zone`."""

    name: str
    severity: str = Severity.ACTION_NEEDED
    roles: Sequence[str] = ()
    channel_ids: Collection[int] = ()
    delay_minutes: int = 0
    sends_reminders: bool = True
    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: str = "UTC"
    enabled: bool = True
    causes_only: bool = False


@transaction.atomic
def rule_create(
    *, organisation: Organisation | None, actor: Actor, values: RuleValues
) -> AlertRule:
    """Make a rule; the default one does not count any more from then on.

    Raises InvalidInput with the field, and Conflict where there are too many rules.
    """
    organisation = _lock(organisation)
    if AlertRule.objects.filter(organisation=organisation).count() >= RULES_AT_MOST:
        message = _("There are %(n)d rules here already. Remove one, or add to one of them.")
        raise Conflict(message % {"n": RULES_AT_MOST})
    rule = AlertRule(organisation=organisation, created_at=clock.now(), created_by=actor.name[:254])
    channels = _apply(rule, values)
    rule.save()
    rule.channels.set(channels)
    _record(AuditTag.ALERT_RULE_CREATED, organisation, actor, rule)
    openings_replan(organisation=organisation, now=clock.now())
    return rule


@transaction.atomic
def rule_update(
    *, organisation: Organisation | None, actor: Actor, rule_id: int, values: RuleValues
) -> AlertRule:
    """Change a rule. What nobody was told of yet goes by the new one.

    Raises InvalidInput with the field, and NotFound for a rule of somebody else.
    """
    organisation = _lock(organisation)
    rule = rule_get(organisation=organisation, rule_id=rule_id)
    former = _audit_values(rule)
    channels = _apply(rule, values)
    rule.save()
    rule.channels.set(channels)
    rule = rule_get(organisation=organisation, rule_id=rule_id)
    present = _audit_values(rule)
    changes = {
        name: [former[name], present[name]] for name in present if former[name] != present[name]
    }
    if changes:
        _record(AuditTag.ALERT_RULE_CHANGED, organisation, actor, rule, changes=changes)
        openings_replan(organisation=organisation, now=clock.now())
    return rule


@transaction.atomic
def rule_delete(*, organisation: Organisation | None, actor: Actor, rule_id: int) -> str:
    """Remove a rule; returns its name. With the last one the default rule counts again.

    Raises NotFound for a rule of somebody else.
    """
    organisation = _lock(organisation)
    rule = rule_get(organisation=organisation, rule_id=rule_id)
    rule.delete()
    _record(AuditTag.ALERT_RULE_REMOVED, organisation, actor, rule)
    openings_replan(organisation=organisation, now=clock.now())
    return rule.name


def _lock(organisation: Organisation | None) -> Organisation | None:
    return None if organisation is None else organisation_lock(organisation=organisation)


def _apply(rule: AlertRule, values: RuleValues) -> list[Channel]:
    """Write the validated values into the rule; returns the channels that it names."""
    rule.name = line_clean(values.name, field="name", limit=NAME_LIMIT)
    if values.severity not in Severity.values:
        raise InvalidInput(_("Choose one of the answers offered."), field="severity")
    roles = {*Role.values} if rule.organisation_id else {*Role.values, PLATFORM_ADMIN_ROLE}
    if not roles >= {*values.roles}:
        raise InvalidInput(_("Choose one of the answers offered."), field="roles")
    channels = _channels(rule, values.channel_ids)
    if not values.roles and not channels:
        message = _("Choose who is told: at least one role or one channel.")
        raise InvalidInput(message, field="roles")
    if not 0 <= values.delay_minutes <= DELAY_AT_MOST:
        message = _("Enter a number of minutes from 0 to %(most)d.") % {"most": DELAY_AT_MOST}
        raise InvalidInput(message, field="delay_minutes")
    _validate_quiet_hours(values)
    rule.severity, rule.roles = values.severity, sorted(values.roles)
    rule.delay_minutes, rule.sends_reminders = values.delay_minutes, values.sends_reminders
    rule.quiet_from, rule.quiet_until = values.quiet_from, values.quiet_until
    rule.zone, rule.enabled = values.zone, values.enabled
    # Of one organisation alone there is no common cause to be told of.
    rule.causes_only = values.causes_only and rule.organisation_id is None
    return channels


def _channels(rule: AlertRule, channel_ids: Collection[int]) -> list[Channel]:
    available = rule_channels_available(organisation_id=rule.organisation_id)
    channels = [channel for channel in available if channel.pk in {*channel_ids}]
    if len(channels) < len({*channel_ids}):
        message = _("One of these channels was removed in the meantime. Choose again.")
        raise InvalidInput(message, field="channels")
    return channels


def _validate_quiet_hours(values: RuleValues) -> None:
    if (values.quiet_from is None) != (values.quiet_until is None):
        field = "quiet_from" if values.quiet_from is None else "quiet_until"
        raise InvalidInput(_("Enter both times, or neither."), field=field)
    if values.quiet_from is not None and values.quiet_from == values.quiet_until:
        message = _("Enter two different times: these would be no time at all, or all day.")
        raise InvalidInput(message, field="quiet_until")
    if values.zone not in time_zones():
        raise InvalidInput(_("Choose a time zone from the list."), field="zone")


def _audit_values(rule: AlertRule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in _PLAIN_FIELDS}
    for name in ("quiet_from", "quiet_until"):
        values[name] = f"{values[name]:%H:%M}" if values[name] else None
    return values | {"channels": sorted(str(channel) for channel in rule.channels.all())}


def _record(
    tag: AuditTag,
    organisation: Organisation | None,
    actor: Actor,
    rule: AlertRule,
    **details: Any,
) -> None:
    ref = None if organisation is None else organisation_audit_ref(organisation)
    audit_event_record(tag=tag, actor=actor, organisation=ref, subject=rule.name, **details)

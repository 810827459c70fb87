"""Reads rules, and who is told of an incident by them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channels_get
from freddy_admin.alerts.models import AlertRule, Channel, Incident, Severity
from freddy_admin.alerts.rules.decisions import (
    PLATFORM_ADMIN_ROLE,
    Directory,
    IncidentTerms,
    RuleTerms,
    recipients_route,
)
from freddy_admin.alerts.rules.default import FLEET_DEFAULT, organisation_default
from freddy_admin.alerts.rules.quiet_hours import QuietHours
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.health_states import HealthState

LARGEST_ID = 2**63 - 1


class Recipient(NamedTuple):
    """An incident and a channel that is told of it, by the rule that tells it soonest."""

    incident: Incident
    channel: Channel
    rule: RuleTerms


def recipients_list(*, incidents: Sequence[Incident]) -> list[Recipient]:
    """Who is told that these incidents opened; a few queries, however many there are.

    A person's channel is made where there is none yet.
    """
    if not incidents:
        return []
    now = clock.now()
    organisation_ids = {incident.organisation_id for incident in incidents}
    rules = rule_terms_by_organisation(organisation_ids=organisation_ids)
    directory = directory_get(
        rules={rule for terms in rules.values() for rule in terms},
        organisation_ids=organisation_ids,
    )
    routes = {
        incident.pk: recipients_route(
            rules[incident.organisation_id], incident_terms(incident), directory, now=now
        )
        for incident in incidents
    }
    targets = {target for route in routes.values() for target in route}
    channels = Channel.objects.in_bulk([target.channel_id for target in targets])
    person_channels = person_channels_get(
        user_ids=[target.user_id for target in targets if target.user_id is not None]
    )
    recipients = []
    for incident in incidents:
        for target, rule in routes[incident.pk].items():
            channel = (
                channels.get(target.channel_id or 0)
                if target.user_id is None
                else person_channels.get(target.user_id)
            )
            if channel is not None:
                recipients.append(Recipient(incident, channel, rule))
    return recipients


def incident_terms(incident: Incident) -> IncidentTerms:
    """What the decisions need to know of this incident."""
    return IncidentTerms(
        incident_id=incident.pk,
        organisation_id=incident.organisation_id,
        severity=Severity(incident.severity),
        health_state=HealthState(incident.health_state),
        cause_id=incident.cause_id,
    )


def rule_terms(rule: AlertRule) -> RuleTerms:
    """What this rule says; a query for its channels, unless they are prefetched."""
    return RuleTerms(
        rule_id=rule.pk,
        organisation_id=rule.organisation_id,
        severity=Severity(rule.severity),
        roles=frozenset(rule.roles),
        channel_ids=frozenset(channel.pk for channel in rule.channels.all()),
        delay=timedelta(minutes=rule.delay_minutes),
        sends_reminders=rule.sends_reminders,
        quiet_hours=rule_quiet_hours(rule),
        causes_only=rule.causes_only,
    )


def rule_quiet_hours(rule: AlertRule) -> QuietHours | None:
    """The rule's quiet hours, None where it has none."""
    if rule.quiet_from is None or rule.quiet_until is None:
        return None
    return QuietHours(rule.quiet_from, rule.quiet_until, rule.zone)


def rule_terms_by_organisation(
    *, organisation_ids: Collection[int]
) -> dict[int, tuple[RuleTerms, ...]]:
    """The rules that count for each of these organisations, the default ones included.

    An organisation without a rule of its own has the default one, and so has the panel; a rule
    that is switched off is one all the same. Two queries.
    """
    rows = AlertRule.objects.filter(Q(organisation=None) | Q(organisation__in=organisation_ids))
    rules = list(rows.order_by("pk").prefetch_related("channels"))
    owners = {rule.organisation_id for rule in rules}
    terms = [rule_terms(rule) for rule in rules if rule.enabled]
    fleet = [rule for rule in terms if rule.organisation_id is None]
    if None not in owners:
        fleet.append(FLEET_DEFAULT)
    terms_by_organisation = {}
    for organisation_id in organisation_ids:
        own = [rule for rule in terms if rule.organisation_id == organisation_id]
        if organisation_id not in owners:
            own.append(organisation_default(organisation_id))
        terms_by_organisation[organisation_id] = (*own, *fleet)
    return terms_by_organisation


def directory_get(*, rules: Iterable[RuleTerms], organisation_ids: Collection[int]) -> Directory:
    """Who can be told by these rules at present; at most three queries."""
    roles: set[str] = set()
    channel_ids: set[int] = set()
    for rule in rules:
        roles |= rule.roles
        channel_ids |= rule.channel_ids
    reachable = User.objects.filter(is_active=True).exclude(alert_preferences__gets_mail=False)
    reachable = reachable.exclude(alert_channel__disabled_at__isnull=False)
    members: dict[int, dict[int, str]] = {}
    member_roles = roles - {PLATFORM_ADMIN_ROLE}
    if member_roles:
        rows = Membership.objects.filter(
            organisation__in=organisation_ids, role__in=member_roles, user__in=reachable
        )
        for organisation_id, user_id, role in rows.values_list("organisation", "user", "role"):
            members.setdefault(organisation_id, {})[user_id] = role
    admins = reachable.filter(is_platform_admin=True) if PLATFORM_ADMIN_ROLE in roles else None
    channels = Channel.objects.filter(
        Q(organisation=None) | Q(organisation__in=organisation_ids),
        pk__in=channel_ids,
        user=None,
        disabled_at=None,
        deleted_at=None,
    )
    return Directory(
        members=members,
        platform_admin_ids=frozenset(() if admins is None else admins.values_list("pk", flat=True)),
        channels=dict(channels.values_list("pk", "organisation")) if channel_ids else {},
    )


def rules_list(*, organisation: Organisation | None) -> list[AlertRule]:
    """The rules of an organisation, or of the whole panel, by name; two queries."""
    rules = AlertRule.objects.filter(organisation=organisation).prefetch_related("channels")
    return sorted(rules, key=lambda rule: (rule.name.casefold(), rule.pk))


def rule_get(*, organisation: Organisation | None, rule_id: int) -> AlertRule:
    """A rule of this organisation, or of the whole panel. Raises NotFound."""
    rules = AlertRule.objects.filter(organisation=organisation).prefetch_related("channels")
    rule = rules.filter(pk=rule_id).first() if 0 < rule_id <= LARGEST_ID else None
    if rule is None:
        raise NotFound(_("There is no such rule. It may have been removed in the meantime."))
    return rule


def rule_channels_available(*, organisation_id: int | None) -> list[Channel]:
    """The channels that a rule of this organisation, or of the whole panel, may name; by name."""
    channels = Channel.objects.filter(organisation=organisation_id, user=None, deleted_at=None)
    return sorted(channels, key=lambda channel: (str(channel).casefold(), channel.pk))


def organisations_with_rules(
    *, organisations: QuerySet[Organisation]
) -> list[tuple[Organisation, list[AlertRule]]]:
    """Those of the organisations that have rules of their own, with these; two queries."""
    rules = AlertRule.objects.filter(organisation__in=organisations).order_by("name", "pk")
    by_organisation: dict[Organisation, list[AlertRule]] = {}
    for rule in rules.select_related("organisation").prefetch_related("channels"):
        if rule.organisation is not None:
            by_organisation.setdefault(rule.organisation, []).append(rule)
    return sorted(by_organisation.items(), key=lambda item: (item[0].name.casefold(), item[0].pk))

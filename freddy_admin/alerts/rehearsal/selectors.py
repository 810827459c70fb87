"""What the rules as they are would have told whom: "3 messages in the last 30 days"."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.delivery_facts import person_quiet_hours
from freddy_admin.alerts.models import Channel, ChannelKind, DeliveryKind
from freddy_admin.alerts.rehearsal.history import IncidentStage, rehearsed_incidents
from freddy_admin.alerts.rehearsal.replay import (
    PlannedOpening,
    RehearsedIncident,
    RehearsedMessage,
    Replay,
)
from freddy_admin.alerts.rehearsal.silences import PastSilences
from freddy_admin.alerts.rules.decisions import (
    Directory,
    IncidentTerms,
    RuleTerms,
    Target,
    kind_decided_alike,
    recipients_route,
)
from freddy_admin.alerts.rules.quiet_hours import QuietHours
from freddy_admin.alerts.rules.selectors import directory_get, rule_terms_by_organisation
from freddy_admin.organisations.access import organisations_visible, organisations_with_permission
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission

REHEARSED_DAYS: Final = 30
Rules = Mapping[int, Sequence[RuleTerms]]


@dataclass(frozen=True, slots=True)
class RehearsedRecipient:
    """A person or a channel, with the messages that they would have got, in their order."""

    user: User | None  # whose mail it is; else `channel`
    channel: Channel | None
    messages: tuple[RehearsedMessage, ...]

    def count(self, kind: DeliveryKind) -> int:
        """How many of their messages are of this kind."""
        return sum(message.kind == kind for message in self.messages)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The messages between two moments, by recipient, who got most first."""

    since: datetime
    until: datetime
    incident_count: int  # that began then
    recipients: tuple[RehearsedRecipient, ...]
    organisation_names: dict[int, str]

    @property
    def message_count(self) -> int:
        """How many messages would have gone out."""
        return sum(len(recipient.messages) for recipient in self.recipients)


class _Scope(NamedTuple):
    """What one person may learn from a rehearsal."""

    user: User
    visible: dict[int, str]  # organisations, with their names
    managed_ids: frozenset[int]
    directory: Directory  # who can be told today

    def shows(self, target: Target, channel: Channel | None, organisation_id: int) -> bool:
        """Whether they may see what this recipient is told of this organisation."""
        if self.user.is_platform_admin or target.user_id == self.user.pk:
            return True
        if organisation_id not in self.managed_ids:
            return False
        # Who else of the whole panel is told is nothing that members learn.
        if channel is not None:
            return channel.organisation_id == organisation_id
        return target.user_id in self.directory.members.get(organisation_id, {})


def rehearsal_run(
    *, user: User, now: datetime, organisation: Organisation | None = None
) -> Rehearsal:
    """Replay the last 30 days by the rules as they are now, routing and reminders included.

    Shows a person what they would have got themselves, to an organisation's managers also what
    its members and channels would have got of it, and to platform admins all. Who may be told is
    who may be told today. About ten queries.
    """
    visible, managed_ids = _organisations(user, organisation)
    since = now - timedelta(days=REHEARSED_DAYS)
    incidents = rehearsed_incidents(organisation_ids=list(visible), since=since, until=now)
    rules = rule_terms_by_organisation(organisation_ids=list(visible))
    directory = directory_get(
        rules={rule for terms in rules.values() for rule in terms}, organisation_ids=list(visible)
    )
    openings = _openings_by_target(incidents, _Router(rules, directory))
    scope = _Scope(user, visible, managed_ids, directory)
    silences = PastSilences(
        [incident for incident, _stages in incidents], start=since - timedelta(days=8), end=now
    )
    recipients = _replay(openings, scope, silences, since=since, until=now)
    return Rehearsal(
        since=since,
        until=now,
        incident_count=sum(incident.opened_at >= since for incident, _stages in incidents),
        recipients=tuple(recipients),
        organisation_names=visible,
    )


def rehearsal_organisations(*, user: User) -> QuerySet[Organisation]:
    """The organisations of which the person can see a rehearsal of its own."""
    return organisations_visible(user=user)


def _organisations(
    user: User, organisation: Organisation | None
) -> tuple[dict[int, str], frozenset[int]]:
    """Those that the person sees, with their names, and those whose alerts they manage."""
    visible = organisations_visible(user=user)
    managed = organisations_with_permission(user=user, permission=Permission.MANAGE_ALERTS)
    if organisation is not None:
        visible, managed = visible.filter(pk=organisation.pk), managed.filter(pk=organisation.pk)
    names = dict(visible.values_list("pk", "name"))
    return names, frozenset(managed.values_list("pk", flat=True))


def _openings_by_target(
    incidents: Iterable[tuple[RehearsedIncident, Sequence[IncidentStage]]],
    router: "_Router",
) -> dict[Target, list[PlannedOpening]]:
    openings = defaultdict[Target, list[PlannedOpening]](list)
    for incident, stages in incidents:
        for stage in stages:
            for target, rule in router.route(incident, stage).items():
                openings[target].append(PlannedOpening(stage.at, incident, rule))
    return openings


class _Router:
    """Routes by the rules; what does not depend on the moment is worked out once."""

    def __init__(self, rules: Rules, directory: Directory) -> None:
        self._rules, self._directory = rules, directory
        self._has_quiet_hours = {
            organisation_id: any(rule.quiet_hours for rule in terms)
            for organisation_id, terms in rules.items()
        }
        self._routes: dict[tuple[object, ...], dict[Target, RuleTerms]] = {}

    def route(self, incident: RehearsedIncident, stage: IncidentStage) -> dict[Target, RuleTerms]:
        """Who is told of the incident at this stage, and by which rule."""
        organisation_id = incident.organisation_id
        cause_id = incident.cause_at(stage.at)
        key = (organisation_id, stage.severity, stage.health_state, cause_id is None)
        if key in self._routes:
            return self._routes[key]
        terms = IncidentTerms(
            incident_id=incident.number,
            organisation_id=organisation_id,
            severity=stage.severity,
            health_state=stage.health_state,
            cause_id=cause_id,
        )
        routes = recipients_route(
            self._rules[organisation_id], terms, self._directory, now=stage.at
        )
        # With quiet hours, which rule tells somebody soonest depends on the time of the day.
        if not self._has_quiet_hours[organisation_id]:
            self._routes[key] = routes
        return routes


class _Replays:
    """Replays each story once, however many are told the same: all managers of an organisation."""

    def __init__(self, silences: PastSilences, since: datetime, until: datetime) -> None:
        self._silences, self._since, self._until = silences, since, until
        self._known: dict[tuple[object, ...], tuple[RehearsedMessage, ...]] = {}

    def messages(
        self,
        kind: ChannelKind,
        quiet_hours: QuietHours | None,
        openings: Sequence[PlannedOpening],
    ) -> tuple[RehearsedMessage, ...]:
        """What a channel of this kind gets by these openings."""
        # A rule is one object for all whom it tells of an incident.
        story = tuple((o.at, o.incident.number, id(o.rule)) for o in openings)
        kind = kind_decided_alike(kind)
        key = (kind, quiet_hours, story)
        if key not in self._known:
            replay = Replay(channel_kind=kind, quiet_hours=quiet_hours, silences=self._silences)
            messages = replay.run(openings, until=self._until)
            self._known[key] = tuple(m for m in messages if m.at >= self._since)
        return self._known[key]


def _replay(
    openings: Mapping[Target, list[PlannedOpening]],
    scope: _Scope,
    silences: PastSilences,
    *,
    since: datetime,
    until: datetime,
) -> list[RehearsedRecipient]:
    users = User.objects.select_related("alert_preferences").in_bulk(
        [target.user_id for target in openings if target.user_id is not None]
    )
    channels = Channel.objects.select_related("organisation").in_bulk(
        [target.channel_id for target in openings if target.channel_id is not None]
    )
    recipients, replays = list[RehearsedRecipient](), _Replays(silences, since, until)
    for target, planned in openings.items():
        user = users.get(target.user_id or 0)
        channel = channels.get(target.channel_id or 0)
        shown = [o for o in planned if scope.shows(target, channel, o.incident.organisation_id)]
        if not shown:
            continue
        kind = ChannelKind(channel.kind) if channel else ChannelKind.MAIL
        messages = replays.messages(kind, person_quiet_hours(user) if user else None, shown)
        if messages:
            recipients.append(RehearsedRecipient(user, channel, messages))
    recipients.sort(key=lambda r: (-len(r.messages), str(r.user or r.channel)))
    return recipients

"""*Test* of a channel: a pretend incident opens and closes, told by the very path of a real one.

Rule, outbox, lane and channel are those of every message: only the incident is not stored. The
steps are read from the rows, so that the page shows what happened and not what should have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from freddy_admin.alerts.channels.pretend_incident import pretend_incident_build
from freddy_admin.alerts.deliveries.order import FINISHED_STATES
from freddy_admin.alerts.deliveries.outbox_lanes import ALERT_MESSAGE, message_enqueue
from freddy_admin.alerts.models import (
    AlertRule,
    Channel,
    DeliveryKind,
    DeliveryState,
    Message,
    Severity,
)
from freddy_admin.alerts.rules.decisions import IncidentTerms, RuleTerms, Target, recipients_route
from freddy_admin.alerts.rules.selectors import directory_get, rule_terms_by_organisation
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.core.outbox import outbox_messages_by_object
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.models import Membership
from freddy_admin.sync.health_states import HealthState
from freddy_admin.wording.channel_tests import (
    TestMessageFacts,
    test_message_sentences,
    test_outbox_sentences,
    test_rule_sentences,
)
from freddy_admin.wording.sentences import Sentence

# After so long a test that is not finished is no reason to refuse another.
_RUNNING_LIMIT: Final = timedelta(minutes=10)
_NO_ORGANISATION: Final = 0  # of a pretend incident for a channel of the whole panel


class TestStepName(StrEnum):
    """The steps, in their order."""

    __test__ = False  # nothing of pytest's

    RULE = "rule"
    OUTBOX = "outbox"
    OPENED = "opened"
    RESOLVED = "resolved"


class TestStepState(StrEnum):
    """How far a step is."""

    __test__ = False

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TestStep:
    """One step, with sentences of what happened in it."""

    __test__ = False

    name: TestStepName
    state: TestStepState
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class ChannelTest:
    """The latest test of a channel."""

    uid: UUID
    started_at: datetime
    steps: Sequence[TestStep]
    is_finished: bool  # whether nothing more will happen soon


@transaction.atomic
def channel_test_start(*, channel: Channel, actor: Actor) -> UUID:
    """Open and close a pretend incident for this channel; returns its uid.

    A channel that is off is tested, too: so one finds out whether it works again. Raises Conflict
    for a deleted one, and while another test of it runs.
    """
    locked = Channel.objects.select_for_update(of=("self",), no_key=True).get(pk=channel.pk)
    now = clock.now()
    if locked.deleted_at is not None:
        raise Conflict(_("This channel was deleted in the meantime."))
    running = _test_messages(locked).exclude(state__in=FINISHED_STATES)
    if running.filter(created_at__gt=now - _RUNNING_LIMIT).exists():
        raise Conflict(_("A test of this channel is under way: see its steps."))
    uid = uuid4()
    for kind in (DeliveryKind.OPENED, DeliveryKind.RESOLVED):
        message = Message.objects.create(
            channel=locked, kind=kind, is_test=True, test_incident_uid=uid, created_at=now
        )
        message_enqueue(message=message)
    audit_event_record(
        tag=AuditTag.CHANNEL_TESTED,
        actor=actor,
        organisation=organisation_audit_ref(locked.organisation) if locked.organisation else None,
        subject=locked.name or str(locked.user or ""),
        channel_kind=locked.kind,
    )
    return uid


def channel_test_latest(*, channel: Channel, now: datetime) -> ChannelTest | None:
    """The channel's latest test, None where there was none."""
    latest = _test_messages(channel).order_by("-pk").first()
    if latest is None or latest.test_incident_uid is None:
        return None
    messages = list(
        _test_messages(channel).filter(test_incident_uid=latest.test_incident_uid).order_by("pk")
    )
    outbox_rows = outbox_messages_by_object(
        kind=ALERT_MESSAGE, object_ids=[message.pk for message in messages]
    )
    rule_names = channel_rule_names(channel=channel, opening=messages[0])
    started_at = messages[0].created_at
    # A remark and no failure: the channel works, and nobody has asked it to tell anything.
    steps = [
        TestStep(TestStepName.RULE, TestStepState.DONE, test_rule_sentences(rule_names)),
        TestStep(TestStepName.OUTBOX, TestStepState.DONE, test_outbox_sentences(started_at)),
    ]
    is_begun = True
    for message in messages:
        row = outbox_rows.get(message.pk)
        facts = TestMessageFacts(
            is_end=message.kind == DeliveryKind.RESOLVED,
            is_sent=message.state == DeliveryState.SENT,
            is_given_up=message.state in {DeliveryState.GIVEN_UP, DeliveryState.DROPPED},
            is_begun=is_begun,
            at=message.finished_at or message.sending_since,
            answer=message.answer,
            answer_status=message.answer_status,
            failure=message.reason,
            next_attempt_at=row.next_attempt_at if row and message.reason else None,
        )
        steps.append(
            TestStep(
                TestStepName(message.kind),
                _message_step_state(facts),
                test_message_sentences(facts),
            )
        )
        is_begun = facts.is_sent or facts.is_given_up
    is_late = now - started_at > _RUNNING_LIMIT
    is_finished = is_late or all(message.state in FINISHED_STATES for message in messages)
    return ChannelTest(latest.test_incident_uid, started_at, steps, is_finished)


def channel_rule_names(*, channel: Channel, opening: Message) -> tuple[str, ...]:
    """The rules by which this channel would be told of an incident like the pretend one.

    A default rule has the name "". By the same decisions as for a real incident.
    """
    organisation_ids = _organisation_ids(channel)
    rules = rule_terms_by_organisation(organisation_ids=organisation_ids)
    directory = directory_get(
        rules={rule for terms in rules.values() for rule in terms},
        organisation_ids=organisation_ids,
    )
    target = (
        Target(channel_id=channel.pk)
        if channel.user_id is None
        else Target(user_id=channel.user_id)
    )
    incident, told_by = pretend_incident_build(opening), set[RuleTerms]()
    for organisation_id in organisation_ids:
        terms = IncidentTerms(
            incident_id=0,
            organisation_id=organisation_id,
            severity=Severity(incident.severity),
            health_state=HealthState(incident.health_state),
            cause_id=None,
        )
        # Each rule by itself, so that all are named and not the one that tells soonest.
        told_by |= {
            rule
            for rule in rules[organisation_id]
            if target in recipients_route([rule], terms, directory, now=opening.created_at)
        }
    names = AlertRule.objects.in_bulk([rule.rule_id for rule in told_by if rule.rule_id])
    own_names = {rule.name for rule in names.values()}
    has_default = any(rule.rule_id is None for rule in told_by)
    return (*sorted(own_names), *([""] if has_default else []))


def _organisation_ids(channel: Channel) -> list[int]:
    if channel.organisation_id is not None:
        return [channel.organisation_id]
    memberships = Membership.objects.filter(user=channel.user_id) if channel.user_id else None
    if memberships is None:
        return [_NO_ORGANISATION]
    return list(memberships.values_list("organisation", flat=True)) or [_NO_ORGANISATION]


def _test_messages(channel: Channel) -> QuerySet[Message]:
    return Message.objects.filter(channel=channel, is_test=True)


def _message_step_state(facts: TestMessageFacts) -> TestStepState:
    if facts.is_sent:
        return TestStepState.DONE
    if facts.is_given_up or facts.failure:
        return TestStepState.FAILED
    return TestStepState.RUNNING if facts.is_begun else TestStepState.WAITING

"""Who is told of an incident: by the default rule, by rules, and never by what they may not see."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import AlertPreferences, Cause, CauseKind, Channel
from freddy_admin.alerts.rules.selectors import recipients_list
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from tests.alerts.delivery_flow import cause_create, channel_create, incident_create, rule_make
from tests.hand_clock import HandClock
from tests.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def standing_clock(hand_clock: HandClock) -> None:
    """Under the hand clock."""


def told_of(
    organisation: Organisation,
    state: HealthState = HealthState.OVERDUE,
    *,
    cause: Cause | None = None,
) -> set[User | Channel]:
    incident = incident_create(organisation, state, cause=cause)
    recipients = recipients_list(incidents=[incident])
    assert {recipient.incident for recipient in recipients} <= {incident}
    return {recipient.channel.user or recipient.channel for recipient in recipients}


def test_new_panel_tells_managers_of_what_needs_them_without_any_rule(
    people: People, organisation: Organisation
) -> None:
    assert told_of(organisation) == {people.manager}
    assert told_of(organisation, HealthState.UNKNOWN) == set()


def test_platform_admins_are_told_of_causes_and_not_of_each_organisation(
    people: People, organisation: Organisation
) -> None:
    cause = cause_create(CauseKind.API_UNREACHABLE)

    assert told_of(organisation, HealthState.UNKNOWN, cause=cause) == {people.admin}


def test_rule_replaces_the_default_one_of_its_organisation_alone(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    slack = channel_create(organisation)
    rule_make(organisation, slack)

    assert told_of(organisation) == {slack}
    assert told_of(other_organisation) == {people.stranger}


def test_rule_that_is_off_tells_nobody_and_brings_no_default_back(
    people: People, organisation: Organisation
) -> None:
    rule_make(organisation, channel_create(organisation), enabled=False)

    assert told_of(organisation) == set()


def test_fleet_rule_tells_its_channels_and_roles_of_every_organisation(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    pager = channel_create(None)
    rule_make(None, pager, roles=["platform_admin", "operator"])

    assert told_of(organisation) == {people.manager, people.admin, people.operator, pager}
    assert told_of(other_organisation) == {people.stranger, people.admin, pager}


def test_channel_of_another_organisation_is_told_nothing_whatever_a_rule_names(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    foreign = channel_create(other_organisation)
    rule_make(organisation, foreign)
    rule_make(None, foreign)
    incidents = [incident_create(organisation), incident_create(other_organisation)]

    assert recipients_list(incidents=incidents) == []


def test_person_who_wants_no_mail_or_is_switched_off_is_not_told(
    people: People, organisation: Organisation
) -> None:
    AlertPreferences.objects.create(user=people.manager, gets_mail=False)
    rule_make(organisation, roles=["manager", "operator", "viewer"])
    User.objects.filter(pk=people.viewer.pk).update(is_active=False)

    assert told_of(organisation) == {people.operator}


def test_person_with_other_preferences_is_told(people: People, organisation: Organisation) -> None:
    AlertPreferences.objects.create(user=people.manager)

    assert told_of(organisation) == {people.manager}


def test_channels_that_are_off_or_removed_are_not_told(
    people: People, organisation: Organisation
) -> None:
    off, removed = channel_create(organisation, name="off"), channel_create(organisation)
    Channel.objects.filter(pk=off.pk).update(disabled_at=clock.now())
    Channel.objects.filter(pk=removed.pk).update(deleted_at=clock.now())
    rule_make(organisation, off, removed, roles=["manager"])
    told_of(organisation)
    Channel.objects.filter(user=people.manager).update(disabled_at=clock.now())

    assert told_of(organisation) == set()


def test_persons_channel_is_made_once(people: People, organisation: Organisation) -> None:
    told_of(organisation)
    told_of(organisation)

    assert Channel.objects.filter(user=people.manager).count() == 1


def test_no_incident_has_no_recipient() -> None:
    assert recipients_list(incidents=[]) == []

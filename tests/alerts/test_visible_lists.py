"""Lists of channels, rules and windows hold what one person may see or manage, and no more."""

from datetime import time, timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.channels.selectors import (
    channel_address_set_at,
    channel_get,
    channel_signing_secrets_list,
    channels_list,
    channels_manageable,
)
from freddy_admin.alerts.models import WindowRecurrence
from freddy_admin.alerts.rules.selectors import (
    organisations_with_rules,
    rule_channels_available,
    rule_get,
    rules_list,
)
from freddy_admin.alerts.silences.window_lists import windows_visible
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import organisations_visible
from freddy_admin.organisations.models import Organisation
from tests.alerts.channels.conftest import MakeChannel, make_channel
from tests.alerts.delivery_flow import channel_create, rule_make
from tests.alerts.flow_fixtures import window
from tests.hand_clock import HandClock
from tests.people import People

__all__ = ["make_channel"]
pytestmark = pytest.mark.django_db


def manageable(user: User, *, with_fleet: bool = False) -> list[str]:
    return [channel.name for channel in channels_manageable(user=user, with_fleet=with_fleet)]


def test_channels_are_those_of_organisations_that_a_person_manages(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    for owner, name in ((organisation, "b"), (organisation, "a"), (other_organisation, "c")):
        channel_create(owner, name=name)
    channel_create(None, name="fleet")
    gone = channel_create(organisation, name="gone")
    gone.deleted_at = clock.now()
    gone.save()
    person_channel_get(people.manager)
    assert [channel.name for channel in channels_list(organisation=organisation)] == ["a", "b"]
    assert manageable(people.manager) == ["a", "b"]
    assert (manageable(people.operator), manageable(people.stranger)) == ([], ["c"])
    assert manageable(people.admin) == ["a", "b", "c"]
    assert set(manageable(people.admin, with_fleet=True)) == {"a", "b", "c", "fleet"}


def test_channel_is_found_through_its_owner_alone(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    channel = channel_create(organisation)
    assert channel_get(organisation=organisation, channel_id=channel.pk) == channel
    for owner in (None, other_organisation):
        with pytest.raises(NotFound):
            channel_get(organisation=owner, channel_id=channel.pk)


def test_page_of_a_channel_tells_when_its_secrets_were_made_and_never_what_they_are(
    make_channel: MakeChannel, hand_clock: HandClock
) -> None:
    hook = make_channel("webhook", "https://hooks.example.org/planted-path-0123456789")
    chat = make_channel("slack", "https://hooks.slack.com/services/T0/B0/planted0123456789")
    (secret,) = channel_signing_secrets_list(channel=hook.channel, now=hand_clock.at)
    assert (secret.created_at, secret.valid_until) == (hand_clock.at, None)
    assert hook.signing_secret not in str(secret)
    assert channel_signing_secrets_list(channel=chat.channel, now=hand_clock.at) == []
    assert channel_address_set_at(channel=chat.channel) == hand_clock.at
    assert channel_address_set_at(channel=channel_create(None)) is None


def test_rules_are_found_through_their_owner_and_listed_by_name(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    names = ("b", "A")
    rules = [rule_make(organisation, name=name) for name in names]
    foreign = rule_make(other_organisation, name="theirs")
    assert [rule.name for rule in rules_list(organisation=organisation)] == ["A", "b"]
    assert rule_get(organisation=organisation, rule_id=rules[0].pk) == rules[0]
    for rule_id in (foreign.pk, 0, -1, 2**63, 2**80):
        with pytest.raises(NotFound):
            rule_get(organisation=organisation, rule_id=rule_id)


def test_rule_may_name_channels_of_its_owner_alone(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    for owner, name in ((organisation, "b"), (organisation, "A"), (other_organisation, "c")):
        channel_create(owner, name=name)
    names = [str(channel) for channel in rule_channels_available(organisation_id=organisation.pk)]
    assert names == ["A", "b"]
    assert rule_channels_available(organisation_id=None) == []


def test_rules_are_listed_with_the_organisations_that_a_person_sees(
    people: People, organisation: Organisation, other_organisation: Organisation
) -> None:
    rule_make(organisation, name="ours")
    rule_make(other_organisation, name="theirs")
    rule_make(None, name="of all")

    def read(user: User) -> list[tuple[str, list[str]]]:
        organisations = organisations_visible(user=user)
        rows = organisations_with_rules(organisations=organisations)
        return [(owner.name, [rule.name for rule in rules]) for owner, rules in rows]

    assert read(people.viewer) == [("Alder", ["ours"])]
    assert read(people.stranger) == [("Birch", ["theirs"])]
    assert read(people.admin) == [("Alder", ["ours"]), ("Birch", ["theirs"])]


def test_windows_are_those_of_ones_own_organisations_and_of_all_that_are_not_over(
    people: People,
    organisation: Organisation,
    other_organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    ours, theirs, all_of_it = (
        window(owner, minutes=60) for owner in (organisation, other_organisation, None)
    )
    called_off = window(organisation, minutes=60)
    called_off.deleted_at = clock.now()
    called_off.save()
    weekly = window(organisation, minutes=60)
    weekly.recurrence, weekly.starts_at = WindowRecurrence.WEEKLY, time(4)
    weekly.starts_on = hand_clock.at.date() - timedelta(days=300)
    weekly.save()

    def read(user: User) -> set[int]:
        return {row.pk for row in windows_visible(user=user, now=hand_clock.at)}

    assert read(people.viewer) == {ours.pk, all_of_it.pk, weekly.pk}
    assert read(people.admin) == {ours.pk, theirs.pk, all_of_it.pk, weekly.pk}
    hand_clock.advance(hours=1)
    assert read(people.admin) == {weekly.pk}

"""Who is told, and when: the decisions alone."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from freddy_admin.alerts.models import ChannelKind, DeliveryKind, Severity
from freddy_admin.alerts.rules.decisions import (
    CAUSE_OPENING_LIMIT,
    CAUSE_RECOVERY_LIMIT,
    CAUSE_REPEAT_WAIT,
    CONFIRMATION_LIMIT,
    DROP,
    GROUPING_WAIT,
    OVERDUE_AFTER,
    SEND,
    Action,
    Decision,
    DeliveryTerms,
    Directory,
    HeldReason,
    IncidentTerms,
    RuleTerms,
    Target,
    cause_opening_wait,
    cause_recovery_wait,
    delivery_decide,
    group_key,
    recipients_route,
    reminder_gap,
)
from freddy_admin.alerts.rules.default import FLEET_DEFAULT, organisation_default
from freddy_admin.alerts.rules.quiet_hours import QuietHours
from freddy_admin.sync.health_states import HealthState

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
INCIDENT = IncidentTerms(1, 7, Severity.ACTION_NEEDED, HealthState.OVERDUE, None)
WARNING = replace(INCIDENT, severity=Severity.WARNING)
DIRECTORY = Directory(
    members={7: {1: "manager", 2: "operator"}, 8: {3: "manager"}},
    platform_admin_ids=frozenset({9}),
    channels={20: 7, 21: 8, 22: None},
)
OPENING = DeliveryTerms(
    kind=DeliveryKind.OPENED, channel_kind=ChannelKind.MAIL, send_at=NOW, planned_at=NOW
)
RECOVERY = replace(OPENING, kind=DeliveryKind.RESOLVED, is_open=False)
REMINDER = replace(OPENING, kind=DeliveryKind.REMINDER, number=1)
NOONTIME = QuietHours(time(11), time(13), "UTC")


def rule(**terms: object) -> RuleTerms:
    values = {"rule_id": 5, "organisation_id": 7, "severity": Severity.ACTION_NEEDED} | terms
    return RuleTerms(**values)  # type: ignore[arg-type]


def told(rules: list[RuleTerms], incident: IncidentTerms = INCIDENT) -> set[Target]:
    return set(recipients_route(rules, incident, DIRECTORY, now=NOW))


def test_default_rule_tells_managers_alone_of_what_needs_action() -> None:
    rules = [organisation_default(7), FLEET_DEFAULT]

    assert told(rules) == {Target(user_id=1)}
    assert told(rules, WARNING) == set()


def test_default_rule_tells_platform_admins_of_causes_alone() -> None:
    assert told([FLEET_DEFAULT], replace(WARNING, cause_id=4)) == {Target(user_id=9)}
    assert told([FLEET_DEFAULT]) == set()


def test_rule_of_warnings_tells_of_what_is_worse_too() -> None:
    rules = [rule(severity=Severity.WARNING, roles=frozenset({"operator"}))]

    assert told(rules) == told(rules, WARNING) == {Target(user_id=2)}


def test_rule_of_another_organisation_tells_nobody() -> None:
    assert told([rule(organisation_id=8, roles=frozenset({"manager"}))]) == set()


def test_rule_of_the_panel_tells_the_members_of_the_incidents_organisation() -> None:
    rules = [rule(organisation_id=None, roles=frozenset({"manager", "platform_admin"}))]

    assert told(rules) == {Target(user_id=1), Target(user_id=9)}


def test_organisations_rule_never_tells_platform_admins_as_such() -> None:
    assert told([rule(roles=frozenset({"platform_admin"}))]) == set()


def test_rule_tells_channels_in_use_of_its_own_owner_alone() -> None:
    named = frozenset({20, 21, 22, 23})

    assert told([rule(channel_ids=named)]) == {Target(channel_id=20)}
    assert told([rule(organisation_id=None, channel_ids=named)]) == {Target(channel_id=22)}


def test_of_two_rules_the_one_that_tells_sooner_counts() -> None:
    late = rule(rule_id=1, channel_ids=frozenset({20}), delay=HOUR)
    soon = rule(rule_id=2, channel_ids=frozenset({20}))
    quiet = rule(rule_id=3, channel_ids=frozenset({20}), quiet_hours=NOONTIME)

    routes = recipients_route([late, quiet, soon], INCIDENT, DIRECTORY, now=NOW)
    assert routes == {Target(channel_id=20): soon}
    assert recipients_route([quiet, late], INCIDENT, DIRECTORY, now=NOW + HOUR / 2) == {
        Target(channel_id=20): quiet
    }


def test_open_incident_is_told() -> None:
    assert delivery_decide(OPENING, now=NOW) == SEND


@pytest.mark.parametrize(
    "change", [{"is_open": False}, {"may_receive": False}, {"is_channel_off": True}]
)
def test_opening_that_is_over_or_has_no_receiver_is_dropped(change: dict[str, bool]) -> None:
    assert delivery_decide(replace(OPENING, **change), now=NOW) == DROP  # type: ignore[arg-type]


def test_mutes_windows_and_quiet_hours_hold_back_until_the_last_of_them_ends() -> None:
    terms = replace(
        OPENING,
        silences=[(HeldReason.MUTE, NOW + HOUR / 2), (HeldReason.WINDOW, NOW + 3 * HOUR)],
        quiet_hours=[NOONTIME, None],
    )

    assert delivery_decide(terms, now=NOW) == Decision(
        Action.HOLD, NOW + 3 * HOUR, HeldReason.WINDOW
    )
    assert delivery_decide(replace(terms, silences=[]), now=NOW) == Decision(
        Action.HOLD, NOW + HOUR, HeldReason.QUIET_HOURS
    )
    assert delivery_decide(terms, now=NOW + 3 * HOUR).reason == HeldReason.RECHECK
    assert delivery_decide(replace(terms, send_at=NOW + 3 * HOUR), now=NOW + 3 * HOUR) == SEND


def test_recovery_is_held_back_by_no_mute_window_or_acknowledgement() -> None:
    terms = replace(
        RECOVERY,
        is_acknowledged=True,
        silences=[(HeldReason.MUTE, NOW + HOUR), (HeldReason.WINDOW, NOW + HOUR)],
    )

    assert delivery_decide(terms, now=NOW) == SEND


def test_quiet_hours_hold_back_ends_for_people_and_not_for_machines() -> None:
    terms = replace(RECOVERY, quiet_hours=[NOONTIME])

    assert delivery_decide(terms, now=NOW).until == NOW + HOUR
    for kind in (ChannelKind.WEBHOOK, ChannelKind.PAGERDUTY):
        assert delivery_decide(replace(terms, channel_kind=kind), now=NOW) == SEND


def test_recovery_waits_while_its_channel_is_off_and_goes_nowhere_without_receiver() -> None:
    is_off = delivery_decide(replace(RECOVERY, is_channel_off=True), now=NOW)

    assert is_off == Decision(Action.HOLD, NOW + HOUR, HeldReason.CHANNEL_OFF)
    assert delivery_decide(replace(RECOVERY, may_receive=False), now=NOW) == DROP


@pytest.mark.parametrize("terms", [OPENING, RECOVERY])
def test_second_check_is_waited_for_an_hour(terms: DeliveryTerms) -> None:
    unconfirmed = replace(terms, is_confirmed=False)

    assert delivery_decide(unconfirmed, now=NOW).reason == HeldReason.SECOND_CHECK
    late = NOW + CONFIRMATION_LIMIT
    assert delivery_decide(replace(unconfirmed, send_at=late), now=late) == SEND


def test_acknowledgement_passes_reminders_over_and_lets_openings_through() -> None:
    assert delivery_decide(replace(OPENING, is_acknowledged=True), now=NOW) == SEND
    assert delivery_decide(REMINDER, now=NOW) == SEND
    assert delivery_decide(replace(REMINDER, is_acknowledged=True), now=NOW) == Decision(
        Action.HOLD, NOW + HOUR, HeldReason.ACKNOWLEDGED
    )
    assert delivery_decide(replace(REMINDER, is_open=False), now=NOW) == DROP


def test_what_our_own_absence_delayed_waits_for_a_fresh_look() -> None:
    late = NOW + OVERDUE_AFTER

    assert delivery_decide(OPENING, now=late).reason == HeldReason.RECHECK
    assert delivery_decide(RECOVERY, now=late) == SEND


def test_reminders_come_after_1_4_and_24_hours_then_daily() -> None:
    hours, total = [], timedelta()
    for number in range(1, 6):
        total += reminder_gap(number)
        hours.append(total / HOUR)

    assert hours == [1, 4, 24, 48, 72]


def test_openings_of_a_cause_wait_until_a_minute_passed_without_another() -> None:
    planned_at = [NOW, NOW + timedelta(seconds=40)]
    last = planned_at[-1] + GROUPING_WAIT

    waiting = cause_opening_wait(planned_at, told_at=None, now=NOW + GROUPING_WAIT)
    assert waiting == Decision(Action.HOLD, last, HeldReason.CAUSE_GROWS)
    assert cause_opening_wait(planned_at, told_at=None, now=last) == SEND


def test_openings_of_a_cause_wait_no_longer_than_six_minutes() -> None:
    limit = NOW + CAUSE_OPENING_LIMIT
    planned_at = [NOW, limit - timedelta(seconds=1)]

    assert cause_opening_wait(planned_at, told_at=None, now=limit) == SEND


def test_cause_that_reaches_further_is_told_again_after_an_hour_alone() -> None:
    later = NOW + timedelta(minutes=20)

    assert cause_opening_wait([later], told_at=NOW, now=later + GROUPING_WAIT) == Decision(
        Action.HOLD, NOW + CAUSE_REPEAT_WAIT, HeldReason.CAUSE_TOLD
    )
    assert cause_opening_wait([later], told_at=NOW, now=NOW + CAUSE_REPEAT_WAIT) == SEND


def test_ends_of_a_cause_wait_for_the_others_half_an_hour() -> None:
    def wait(now: datetime, *, others: bool = True, unlimited: bool = False) -> Decision:
        return cause_recovery_wait([NOW], others_are_open=others, is_unlimited=unlimited, now=now)

    assert wait(NOW + GROUPING_WAIT).reason == HeldReason.CAUSE_LASTS
    assert wait(NOW + GROUPING_WAIT, others=False) == SEND
    assert wait(NOW + CAUSE_RECOVERY_LIMIT) == SEND
    assert wait(NOW + CAUSE_RECOVERY_LIMIT, unlimited=True).reason == HeldReason.CAUSE_LASTS


def test_pagerduty_is_told_of_each_incident_by_itself_and_of_a_cause_once() -> None:
    def keys(kind: ChannelKind, cause_id: int | None) -> int:
        return len(
            {
                group_key(
                    channel_id=1,
                    channel_kind=kind,
                    kind=DeliveryKind.OPENED,
                    cause_id=cause_id,
                    incident_id=incident_id,
                )
                for incident_id in (1, 2, 3)
            }
        )

    assert keys(ChannelKind.PAGERDUTY, None) == 3
    assert keys(ChannelKind.PAGERDUTY, 4) == keys(ChannelKind.SLACK, None) == 1

"""What keeps the panel from telling anybody is recognised from the outbox, by one statement."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.core.message_faults import (
    MessageFault,
    is_mail_lane,
    message_faults,
    worst_message_fault,
)
from freddy_admin.core.models import OutboxMessage
from tests.hand_clock import NOON

pytestmark = pytest.mark.django_db
LONG_AGO, JUST_NOW = NOON - timedelta(minutes=11), NOON - timedelta(minutes=9)
LATER = NOON + timedelta(minutes=1)


def _row(number: int = 1, **values: Any) -> None:
    columns = {"kind": "note", "lane": "channel:1", "requested_at": LONG_AGO}
    columns |= {"object_id": number, "next_attempt_at": LATER}
    OutboxMessage.objects.create(**columns | values)


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({}, set()),
        ({"next_attempt_at": JUST_NOW}, set()),
        ({"next_attempt_at": LONG_AGO}, {MessageFault.STANDSTILL}),
        ({"failing_since": JUST_NOW, "reason": "http_500"}, set()),
        ({"failing_since": LONG_AGO, "reason": "http_500"}, {MessageFault.CHANNEL}),
        ({"lane": "mail", "failing_since": LONG_AGO, "reason": "no_answer"}, {MessageFault.MAIL}),
        (
            {"lane": "alert_mail", "failing_since": LONG_AGO, "reason": "panel_refused"},
            {MessageFault.MAIL},
        ),
        ({"lane": "mail", "failing_since": LONG_AGO, "reason": "deferred"}, set()),
        (
            {"failing_since": LONG_AGO, "given_up_at": JUST_NOW, "next_attempt_at": None},
            set(),
        ),
    ],
)
def test_fault_is_what_lasts_for_ten_minutes(
    values: dict[str, Any], faults: set[MessageFault], django_assert_num_queries: Any
) -> None:
    _row(**values)
    with django_assert_num_queries(1):
        assert message_faults(now=NOON) == faults


def test_message_behind_one_that_hangs_is_no_standstill() -> None:
    _row(1, next_attempt_at=LONG_AGO)
    _row(2, next_attempt_at=LATER, lease_until=LATER, lease_token="held")
    assert message_faults(now=NOON) == set()
    _row(3, lane="channel:2", next_attempt_at=LONG_AGO)
    assert message_faults(now=NOON) == {MessageFault.STANDSTILL}


def test_worst_fault_is_named_first() -> None:
    assert worst_message_fault(now=NOON) == ""
    _row(1, failing_since=LONG_AGO, reason="http_500")
    assert worst_message_fault(now=NOON) == "channel"
    _row(2, lane="mail", failing_since=LONG_AGO, reason="no_answer")
    assert worst_message_fault(now=NOON) == "mail"
    _row(3, lane="channel:2", next_attempt_at=LONG_AGO)
    assert worst_message_fault(now=NOON) == "standstill"


def test_lanes_of_mail_are_known_by_their_names() -> None:
    assert [is_mail_lane(lane) for lane in ("mail", "alert_mail", "channel:7")] == [
        True,
        True,
        False,
    ]

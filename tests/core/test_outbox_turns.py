"""Messages of each party are sent in turn, so that many of one hold up nobody else's."""

import pytest
from django.db import transaction

from freddy_admin.core.outbox import outbox_drain, outbox_enqueue
from tests.core.test_outbox import Receiver, drain_a, receiver

__all__ = ["receiver"]
pytestmark = pytest.mark.django_db


def test_messages_of_each_party_are_sent_in_turn(receiver: Receiver) -> None:
    """One organisation's many invitations hold up nobody else's one."""
    with transaction.atomic():
        for object_id in range(1, 31):
            outbox_enqueue(kind="a-note", object_id=object_id, party="organisation 1")
        outbox_enqueue(kind="a-note", object_id=99, party="organisation 2")
        outbox_enqueue(kind="a-note", object_id=100, party="organisation 2")
    assert drain_a() == 20
    assert receiver.sent[:4] == [1, 99, 2, 100]
    assert drain_a() == 12


def test_message_that_comes_during_a_drain_is_sent_before_the_rest_of_another(
    receiver: Receiver,
) -> None:
    with transaction.atomic():
        for object_id in range(1, 11):
            outbox_enqueue(kind="a-note", object_id=object_id, party="organisation 1")

    def enqueue_late() -> bool:
        if len(receiver.sent) == 3:
            with transaction.atomic():
                outbox_enqueue(kind="a-note", object_id=99, party="organisation 2")
        return False

    outbox_drain(lane="a", is_stopping=enqueue_late)
    assert receiver.sent[:4] == [1, 2, 3, 99]

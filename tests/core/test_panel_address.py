"""A database knows at which address it was last at work, and takes itself for a copy elsewhere."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from freddy_admin.core.models import PanelAddress
from freddy_admin.core.outbox import (
    OutboxKind,
    outbox_drain,
    outbox_enqueue,
    outbox_kind_register,
    override_outbox_kinds,
)
from freddy_admin.core.panel_address import (
    panel_address_record,
    panel_address_replace,
    panel_copied_from,
)

pytestmark = pytest.mark.django_db
OLD, NEW = "https://panel.example.org", "https://trial.example.org"


def test_a_new_database_is_no_copy_and_keeps_the_address_of_its_worker(settings: Any) -> None:
    settings.PANEL_URL = OLD
    assert panel_copied_from() == ""
    assert not PanelAddress.objects.exists()
    assert panel_address_record() == ""
    assert PanelAddress.objects.get().url == OLD
    assert panel_address_record() == ""


def test_a_database_at_another_address_is_taken_for_a_copy(settings: Any) -> None:
    settings.PANEL_URL = OLD
    panel_address_record()
    settings.PANEL_URL = NEW
    assert panel_copied_from() == OLD
    assert panel_address_record() == OLD
    assert PanelAddress.objects.get().url == OLD
    panel_address_replace()
    assert panel_copied_from() == ""


def test_another_port_or_path_is_another_address(settings: Any) -> None:
    settings.PANEL_URL = OLD
    panel_address_record()
    for url in (f"{OLD}:8443", f"{OLD}/freddy"):
        settings.PANEL_URL = url
        assert panel_copied_from() == OLD


@pytest.mark.parametrize(
    "former", ["http://localhost:8000", "http://127.0.0.1:8123", "http://[::1]:8000"]
)
def test_a_trial_on_this_machine_may_move(settings: Any, former: str) -> None:
    settings.PANEL_URL = former
    panel_address_record()
    settings.PANEL_URL = NEW
    assert panel_address_record() == ""
    assert PanelAddress.objects.get().url == NEW


def test_a_panel_that_is_copied_to_this_machine_is_a_copy(settings: Any) -> None:
    settings.PANEL_URL = OLD
    panel_address_record()
    settings.PANEL_URL = "http://localhost:8000"
    assert panel_address_record() == OLD


def test_a_copy_sends_no_message(settings: Any) -> None:
    sent = list[int]()
    kind = OutboxKind(
        name="note",
        lane="copies",
        lifetime=timedelta(days=7),
        gives_up_after=timedelta(days=2),
        prepare=lambda object_id: lambda: sent.append(object_id),
        record_sent=lambda _id, _answer: None,
    )
    with override_outbox_kinds():
        outbox_kind_register(kind)
        settings.PANEL_URL = OLD
        panel_address_record()
        settings.PANEL_URL = NEW
        with transaction.atomic():
            outbox_enqueue(kind="note", object_id=1)
        assert outbox_drain(lane="copies") == 0
        panel_address_replace()
        assert outbox_drain(lane="copies") == 1
    assert sent == [1]

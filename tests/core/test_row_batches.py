"""All rows in batches, whatever they have in common, with no statement held between two."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.core import row_batches
from freddy_admin.core.row_batches import values_in_batches
from freddy_admin.organisations.models import Organisation
from tests.hand_clock import NOON


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 3, 6, 7])
def test_batches_hold_every_row_once_in_order(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_batches, "BATCH_SIZE", 3)
    for number in range(count):  # five of them at one moment
        at = NOON + timedelta(minutes=max(0, number - 4))
        Organisation.objects.create(name=f"N{number}", slug=f"n{number}", created_at=at)
    expected = list(Organisation.objects.order_by("created_at", "pk").values("slug"))
    with CaptureQueriesContext(connection) as queries:
        rows = list(values_in_batches(Organisation.objects.all(), ("slug",), by="created_at"))
    assert rows == expected
    assert len(queries) == count // 3 + 1

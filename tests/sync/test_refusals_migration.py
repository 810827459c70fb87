"""The upgrade fills in how the keys of a panel of 0.4.1 were refused, and can be taken back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.migrations import former_database, migrate_to, migrations_restore

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = ("sync", "0009_call_budget_and_health_details"), ("sync", "0010_refusals")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
# Label → the columns of 0.4.1, and the refusal that they mean.
ROWS: dict[str, tuple[dict[str, Any], str | None]] = {
    "working": ({"outcome": "good"}, None),
    "header": ({"refusal_status": 401, "error_code": "AUTHENTICATION_REQUIRED"}, "401"),
    "unknown": ({"refusal_status": 401, "error_code": "INVALID_API_KEY"}, "401 INVALID_API_KEY"),
    "expired": ({"refusal_status": 401, "error_code": "API_KEY_EXPIRED"}, "401 API_KEY_EXPIRED"),
    "right": (
        {"refusal_status": 403, "error_code": "INSUFFICIENT_PERMISSIONS"},
        "403 INSUFFICIENT_PERMISSIONS",
    ),
    "no code": ({"refusal_status": 403}, "403"),
    "failed since": ({"refusal_status": 403, "error_kind": "read_timeout"}, None),
    "paused": ({"refusal_status": 401}, None),
}


def create_former_rows(apps: Any) -> None:
    organisation = apps.get_model("organisations", "Organisation").objects.create(
        name="Acme", slug="acme", created_at=NOON
    )
    for label, (values, _refusal) in ROWS.items():
        key = apps.get_model("vault", "ApiKey").objects.create(
            organisation=organisation,
            label=label,
            status="active",
            created_at=NOON,
            paused_at=NOON if label == "paused" else None,
        )
        refused = {"outcome": "refused", "refusals": 2} if "refusal_status" in values else {}
        kinds = {401: "key_refused", 403: "key_not_permitted"}
        refused |= {"error_kind": kinds.get(values.get("refusal_status"), "")}
        apps.get_model("sync", "SyncStatus").objects.create(
            key=key,
            organisation=organisation,
            state_since=NOON,
            next_check_at=NOON,
            updated_at=NOON,
            **(refused | values),
        )


def test_refusals_are_filled_in_and_can_be_taken_back() -> None:
    try:
        create_former_rows(former_database(BEFORE))
        statuses = migrate_to(AFTER).get_model("sync", "SyncStatus").objects
        found = dict(statuses.values_list("key__label", "refusal"))
        assert found == {label: refusal for label, (_values, refusal) in ROWS.items()}
        # With which settings is not known: the worker tries these keys when it starts.
        assert set(statuses.values_list("refusal_settings", flat=True)) == {""}
        former = migrate_to(BEFORE).get_model("sync", "SyncStatus").objects
        assert former.filter(refusals=2).count() == len(ROWS) - 1
    finally:
        migrations_restore()

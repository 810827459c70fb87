"""Keys as a worker leaves them after a round of checks, for measurements of pages.

Figures, digests and a history; two keys an organisation; a tenth of the keys share their figures.
"""

from datetime import timedelta

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import CheckOutcome, CheckRun, SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.names import status_names_write
from freddy_admin.sync.status.shared_figures import shared_figures_refresh
from freddy_admin.sync.status.state_counts import (
    keyless_organisations_refresh,
    state_counts_refresh,
)
from freddy_admin.vault.models import ApiKey, KeyTag

KEYS_PER_ORGANISATION = 2
_BATCH = 1_000
# Of the first keys, so that the page shows as many in trouble at every size.
_TROUBLE = {
    7: HealthState.OVERDUE,
    31: HealthState.LATE,
    38: HealthState.KEY_REJECTED,
    43: HealthState.WAITING,
}


def worker_rows_create(*, keys: int) -> None:
    """Fill a new database with so many keys, each checked a short while ago."""
    now = clock.now()
    organisations = Organisation.objects.bulk_create(
        (
            Organisation(name=f"Organisation {number * 7919 % 1_000_003:06}", slug=f"o-{number}")
            for number in range(-(-keys // KEYS_PER_ORGANISATION))
        ),
        batch_size=_BATCH,
    )
    stored_keys = ApiKey.objects.bulk_create(
        (
            ApiKey(
                organisation=organisations[number // KEYS_PER_ORGANISATION],
                label=f"Key {number % KEYS_PER_ORGANISATION + 1}",
                fingerprint=f"{number:032x}",
                created_at=now,
            )
            for number in range(keys)
        ),
        batch_size=_BATCH,
    )
    _tag(stored_keys, organisations)
    SyncStatus.objects.bulk_create(
        (_status(key, number) for number, key in enumerate(stored_keys)), batch_size=200
    )
    for start in range(0, keys, _BATCH):
        status_names_write(key_ids=[key.pk for key in stored_keys[start : start + _BATCH]])
    CheckRun.objects.bulk_create(
        (
            CheckRun(
                organisation_id=key.organisation_id,
                key=key,
                key_version=1,
                first_at=now - timedelta(hours=6),
                last_at=now - timedelta(hours=3),
                count=36,
                outcome=CheckOutcome.GOOD,
            )
            for key in stored_keys
        ),
        batch_size=_BATCH,
    )
    WorkerHeartbeat.objects.create(
        name="bench", version="0", started_at=now, heartbeat_at=now, master_key_state="fits"
    )
    for _ in range(keys // 10_000 + 1):
        state_counts_refresh()
        keyless_organisations_refresh()
    shared_figures_refresh(now=now)


def _tag(stored_keys: list[ApiKey], organisations: list[Organisation]) -> None:
    tags = KeyTag.objects.bulk_create(
        (
            KeyTag(organisation=organisation, name=f"tag{number % 7}")
            for number, organisation in enumerate(organisations)
        ),
        batch_size=_BATCH,
    )
    through = ApiKey.tags.through
    through.objects.bulk_create(
        (
            through(apikey_id=key.pk, keytag_id=tags[number // KEYS_PER_ORGANISATION].pk)
            for number, key in enumerate(stored_keys)
        ),
        batch_size=_BATCH,
    )


def member_create(*, organisations: int = 20) -> User:
    """A manager of so many organisations, spread over all."""
    member = User.objects.create(email=f"member-{organisations}@example.org")
    step = max(1, Organisation.objects.count() // organisations)
    Membership.objects.bulk_create(
        Membership(organisation=organisation, user=member, role=Role.MANAGER)
        for organisation in Organisation.objects.order_by("pk")[::step][:organisations]
    )
    return member


def _status(key: ApiKey, number: int) -> SyncStatus:
    now = clock.now()
    state = _TROUBLE.get(number, HealthState.UP_TO_DATE)
    is_good = state is not HealthState.KEY_REJECTED
    checked_at = now - timedelta(milliseconds=number % 300_000)
    # A tenth share: one in ten reports what its neighbour ten keys further reports.
    shared = number % 10 == 0
    digest = f"{number // 20 if shared else 10**9 + number:016x}"
    last_sync_at = now - timedelta(seconds=number // 20 if shared else number % 18_000)
    return SyncStatus(
        key=key,
        organisation_id=key.organisation_id,
        state=state,
        state_rule=10,
        state_since=last_sync_at,
        outcome=CheckOutcome.GOOD if is_good else CheckOutcome.REFUSED,
        error_kind="" if is_good else "key_refused",
        error_http_status=None if is_good else 401,
        refusal=None if is_good else "401 API_KEY_EXPIRED",
        refusals=0 if is_good else 3,
        total_tools=42,
        enabled_tools=number % 40,
        last_sync_at=last_sync_at,
        next_sync_at=last_sync_at + timedelta(hours=6),
        sync_interval_hours=6,
        incremental_sync_enabled=True,
        checked_at=checked_at,
        observed_at=checked_at,
        first_observed_at=now - timedelta(days=30),
        unknown_at=checked_at + timedelta(minutes=15) if is_good else None,
        run_digest=digest,
        run_started_at=now - timedelta(hours=1),
        run_count=12,
        figures_digest=digest,
        figures_check_count=12,
        recorded_state=state,
        recorded_at=last_sync_at,
        recorded_sync_at=last_sync_at,
        budget_group=f"organisation:{key.organisation_id}",
        check_period_seconds=300.0,
        reported_organization_id=f"org_{key.organisation_id}",
        next_check_at=checked_at + timedelta(minutes=5),
        updated_at=checked_at,
    )

"""The demo's own settings and its sample data, stored once."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import Theme, User
from freddy_admin.accounts.people import admin_create, person_get_or_create, profile_update
from freddy_admin.audit.services import OPERATOR
from freddy_admin.conf.django_settings import sqlite_url
from freddy_admin.core import clock
from freddy_admin.ops.demo_alerts import demo_alerts_create, demo_alerts_redirect
from freddy_admin.ops.demo_history import HISTORY_LENGTH, history_simulate
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import member_ensure, organisations_ensure
from freddy_admin.sandbox.key_scenarios import Scenario
from freddy_admin.sandbox.sample_organisations import SampleKey, list_sample_organisations
from freddy_admin.sync.key_lifecycle import key_monitoring_start, key_pause
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.shared_figures import shared_figures_refresh
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from freddy_admin.vault.services.keys import api_key_update

DEMO_DATABASE: Final = "demo.sqlite3"
# With a clock that runs fast the data leaves the real time behind: it is made anew each time.
FAST_DEMO_DATABASE: Final = "demo-fast.sqlite3"
DEMO_ADMIN_EMAIL: Final = "admin@example.com"
DEMO_VIEWER_EMAIL: Final = "viewer@example.com"
# Public on purpose: the demo listens on this machine alone and holds invented data.
DEMO_PASSWORD: Final = "look-around-2026"  # noqa: S105

_UNCHECKED_FOR = timedelta(minutes=20)
_RECENT_AGE = timedelta(days=5)


# Members of those sample organisations whose names begin with one of the letters.
_DEMO_PEOPLE: Final = (
    (DEMO_VIEWER_EMAIL, "Vera Okafor", Role.VIEWER, "ABQSX"),
    ("ines@example.com", "Ines Duarte", Role.MANAGER, "ACDEFGHIJKL"),
    ("tom@example.com", "Tom Berger", Role.OPERATOR, "QRSTUVWXYZ"),
)


def demo_environment(
    *,
    api_port: int,
    receiver_port: int = 0,
    port: int = 8000,
    speed: float = 1.0,
    since: datetime | None = None,
) -> dict[str, str]:
    """The environment of the demo's processes, which overrides `.env`."""
    database = DEMO_DATABASE if speed == 1 else FAST_DEMO_DATABASE
    overrides = {
        "CLOCK_SPEED": f"{speed:g}",
        "CLOCK_SINCE": since.isoformat() if since else "",
        "DEBUG": "false",
        "PLAIN_HTTP": "true",
        "REQUIRE_MFA": "off",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "CSRF_TRUSTED_ORIGINS": "",
        "PANEL_URL": f"http://localhost:{port}",
        "TRUSTED_PROXIES": "0",
        "DATABASE_URL": sqlite_url(settings.BASE_DIR / "var" / database),
        "REDIS_URL": "",
        "ENCRYPTION_PUBLIC_KEY": "",
        "AITRONOS_API_BASE_URL": f"http://127.0.0.1:{api_port}",
        "AITRONOS_API_KEY_HEADER": "X-API-Key",
        # The imitation serves both, each with keys of its own.
        "AITRONOS_ENVIRONMENTS": f"staging=http://127.0.0.1:{api_port}/staging",
        "AITRONOS_CONNECT_TIMEOUT": "2",
        "AITRONOS_READ_TIMEOUT": "4",
        "AITRONOS_TOTAL_TIMEOUT": "8",
        "STATUS_FRESH_SECONDS": "30",
        "STATUS_CHECK_SECONDS": "60" if speed == 1 else "300",
        "AITRONOS_SYNC_TIMEOUT": "30",
        "HISTORY_DAYS": "400",
        "EMAIL_URL": "consolemail://",
        # Alerts go nowhere but to the demo's own receiver.
        "OUTBOUND_ALLOWED_HOSTS": f"127.0.0.1:{receiver_port}" if receiver_port else "",
        "PAGERDUTY_EVENTS_URL": f"{demo_receiver_url(receiver_port)}/pagerduty/enqueue",
        "OUTBOUND_PROXY": "",
        "LOG_LEVEL": "WARNING",
    }
    # A setting may also come from a file named by NAME_FILE, which would win.
    return overrides | {f"{name}_FILE": "" for name in overrides}


def demo_receiver_url(port: int) -> str:
    """Where the demo's receiver of alerts listens."""
    return f"http://127.0.0.1:{port or 9}"


@sensitive_variables()
def demo_data_ensure(*, history_length: timedelta = HISTORY_LENGTH, receiver_url: str = "") -> bool:
    """Store people and sample organisations unless there are some; whether it did.

    Keys that have been checked have been watched for `history_length`. Alerts go to `receiver_url`
    where there is one; it may be another one each time.
    """
    if Organisation.objects.exists() or User.objects.exists():
        if receiver_url:
            demo_alerts_redirect(receiver_url=receiver_url)
        return False
    with transaction.atomic():
        admin = admin_create(actor=OPERATOR, email=DEMO_ADMIN_EMAIL, password=DEMO_PASSWORD)
        _person_set_name(admin, "Ada Castellan")
        now = clock.now()
        keys = _organisations_and_keys_create(now=now, began_at=now - history_length)
        _people_and_memberships_create(keys)
        shared_figures_refresh(now=now)  # shown from the first page on, before a worker counts
        if receiver_url:
            organisation = next(iter(keys.values()))[0].organisation
            demo_alerts_create(receiver_url=receiver_url, organisation=organisation)
    return True


@sensitive_variables()
def _organisations_and_keys_create(*, now: datetime, began_at: datetime) -> dict[str, list[ApiKey]]:
    samples = list_sample_organisations()
    with clock.override_clock(lambda: began_at):
        organisations = organisations_ensure(
            actor=OPERATOR, names=[sample.name for sample in samples]
        )
    pairs_by_creation = defaultdict[datetime, list[tuple[Organisation, SampleKey]]](list)
    for sample_organisation in samples:
        for key in sample_organisation.keys:
            pair = (organisations[sample_organisation.name], key)
            pairs_by_creation[_key_created_at(key, began_at, now)].append(pair)
    stored_keys: list[tuple[ApiKey, SampleKey]] = []
    for created_at, pairs in sorted(pairs_by_creation.items()):
        stored_keys += _keys_create(pairs, created_at)
    history_simulate(stored_keys, now=now)
    keys_by_organisation: dict[str, list[ApiKey]] = {}
    for stored_key, sample in stored_keys:
        _key_apply_sample_state(stored_key, sample)
        keys_by_organisation.setdefault(stored_key.organisation.name, []).append(stored_key)
    return keys_by_organisation


def _key_created_at(sample: SampleKey, began_at: datetime, now: datetime) -> datetime:
    if not sample.is_checked:
        return now
    # A first sync a month away would be due by now if we had watched for a month.
    is_recent = sample.scenario is Scenario.WAITING
    return max(began_at, now - _RECENT_AGE) if is_recent else began_at


@sensitive_variables()
def _keys_create(
    pairs: list[tuple[Organisation, SampleKey]], created_at: datetime
) -> list[tuple[ApiKey, SampleKey]]:
    rows = [
        ImportRow(
            organisation=organisation,
            label=sample.label,
            secret=sample.secret,
            organization_id=sample.organization_id,
            tags=sample.tags,
            environment=sample.environment,
        )
        for organisation, sample in pairs
    ]
    with clock.override_clock(lambda: created_at):
        results = api_keys_import(actor=OPERATOR, rows=rows)
        new_keys = [
            (result.key, sample)
            for result, (_, sample) in zip(results, pairs, strict=True)
            if result.key is not None
        ]
        key_monitoring_start(keys=[key for key, _ in new_keys], actor=OPERATOR)
    return new_keys


def _key_apply_sample_state(key: ApiKey, sample: SampleKey) -> None:
    if sample.is_paused:
        key_pause(organisation=key.organisation, actor=OPERATOR, key=key)
    if sample.is_damaged:
        # No service damages a key; the demo shows what a damaged row looks like.
        sealed = bytearray(key.ciphertext or b"")
        sealed[-1] ^= 1
        ApiKey.objects.filter(pk=key.pk).update(ciphertext=bytes(sealed))
    if not sample.is_checked:
        next_check_at = clock.now() + _UNCHECKED_FOR
        SyncStatus.objects.filter(pk=key.pk).update(next_check_at=next_check_at)


def _people_and_memberships_create(keys: dict[str, list[ApiKey]]) -> None:
    for email, person_name, role, letters in _DEMO_PEOPLE:
        password = DEMO_PASSWORD if email == DEMO_VIEWER_EMAIL else None
        user, _ = person_get_or_create(actor=OPERATOR, email=email, password=password)
        _person_set_name(user, person_name)
        for name, (first_key, *_others) in keys.items():
            if name[0] in letters:
                organisation = first_key.organisation
                member_ensure(organisation=organisation, actor=OPERATOR, user=user, role=role)
                if role != Role.VIEWER:
                    _key_set_owner(first_key, user)


def _key_set_owner(key: ApiKey, user: User) -> None:
    details = KeyDetails(
        label=key.label,
        organization_id=key.organization_id,
        owner=user,
        tags=tuple(key.tags.values_list("name", flat=True)),
    )
    api_key_update(organisation=key.organisation, actor=OPERATOR, key=key, details=details)


def _person_set_name(user: User, name: str) -> None:
    profile_update(actor=OPERATOR, user=user, name=name, time_zone="UTC", theme=Theme.SYSTEM)

"""The demo's own settings and its sample data, stored once."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import Theme, User
from freddy_admin.accounts.services import admin_create, person_ensure, profile_update
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.ops.demo_past import PAST_LENGTH, past_live
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import member_set, organisations_ensure
from freddy_admin.sandbox.samples import SampleKey, sample_organisations
from freddy_admin.sandbox.scenarios import Scenario
from freddy_admin.sync.lifecycle import key_pause, keys_watch
from freddy_admin.sync.models import KeySync
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services.imports import ImportRow, api_keys_import
from freddy_admin.vault.services.keys import api_key_update

DATABASE: Final = "demo.sqlite3"
# With a clock that runs fast the data leaves the real time behind: it is made anew each time.
FAST_DATABASE: Final = "demo-fast.sqlite3"
ADMIN: Final = "admin@example.com"
VIEWER: Final = "viewer@example.com"
# Public on purpose: the demo listens on this machine alone and holds invented data.
PASSWORD: Final = "look-around-2026"  # noqa: S105

_UNCHECKED_FOR = timedelta(minutes=20)
_LATELY = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who looks after some of the samples, or only looks."""

    email: str
    name: str
    role: Role
    organisations: str  # those whose names begin with one of these letters


_PEOPLE: Final = (
    _Person(VIEWER, "Vera Okafor", Role.VIEWER, "ABQSX"),
    _Person("ines@example.com", "Ines Duarte", Role.MANAGER, "ACDEFGHIJKL"),
    _Person("tom@example.com", "Tom Berger", Role.OPERATOR, "QRSTUVWXYZ"),
)


def demo_settings(
    *, api_port: int, port: int = 8000, speed: float = 1.0, since: datetime | None = None
) -> dict[str, str]:
    """What the demo's processes find in their environment, over whatever `.env` says."""
    database = DATABASE if speed == 1 else FAST_DATABASE
    own = {
        "CLOCK_SPEED": f"{speed:g}",
        "CLOCK_SINCE": since.isoformat() if since else "",
        "DEBUG": "false",
        "PLAIN_HTTP": "true",
        "REQUIRE_MFA": "off",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "CSRF_TRUSTED_ORIGINS": "",
        "PANEL_URL": f"http://localhost:{port}",
        "TRUSTED_PROXIES": "0",
        "DATABASE_URL": f"sqlite:///{settings.BASE_DIR / 'var' / database}",
        "REDIS_URL": "",
        "ENCRYPTION_PUBLIC_KEY": "",
        "AITRONOS_API_BASE_URL": f"http://127.0.0.1:{api_port}",
        "AITRONOS_API_KEY_HEADER": "X-API-Key",
        "AITRONOS_CONNECT_TIMEOUT": "2",
        "AITRONOS_READ_TIMEOUT": "4",
        "AITRONOS_TOTAL_TIMEOUT": "8",
        "STATUS_FRESH_SECONDS": "30",
        "STATUS_CHECK_SECONDS": "60" if speed == 1 else "300",
        "AITRONOS_SYNC_TIMEOUT": "30",
        "HISTORY_DAYS": "400",
        "EMAIL_URL": "consolemail://",
        "LOG_LEVEL": "WARNING",
    }
    # A setting may also come from a file named by NAME_FILE, which would win.
    return own | {f"{name}_FILE": "" for name in own}


@sensitive_variables()
def demo_data_ensure(*, past: timedelta = PAST_LENGTH) -> bool:
    """Store people and sample organisations unless there are some; whether it did.

    Those that have been checked before have been watched for as long as `past`.
    """
    if Organisation.objects.exists() or User.objects.exists():
        return False
    with transaction.atomic():
        admin = admin_create(actor=OPERATOR, email=ADMIN, password=PASSWORD)
        _named(admin, "Ada Castellan")
        now = clock.now()
        keys = _fleet_store(now=now, began=now - past)
        _people_store(keys)
    return True


@sensitive_variables()
def _fleet_store(*, now: datetime, began: datetime) -> dict[str, list[ApiKey]]:
    samples = sample_organisations()
    with clock.using(lambda: began):
        places = organisations_ensure(actor=OPERATOR, names=[one.name for one in samples])
    added: defaultdict[datetime, list[tuple[Organisation, SampleKey]]] = defaultdict(list)
    for one in samples:
        for key in one.keys:
            added[_added_at(key, began, now)].append((places[one.name], key))
    stored: list[tuple[ApiKey, SampleKey]] = []
    for moment, pairs in sorted(added.items()):
        with clock.using(partial(_same, moment)):
            stored += _keys_store(pairs)
    past_live(stored, now=now)
    by_organisation: dict[str, list[ApiKey]] = {}
    for stored_key, sample in stored:
        _special(stored_key, sample)
        by_organisation.setdefault(stored_key.organisation.name, []).append(stored_key)
    return by_organisation


def _added_at(sample: SampleKey, began: datetime, now: datetime) -> datetime:
    if not sample.checked:
        return now
    # A first sync a month away would be due by now if we had watched for a month.
    lately = sample.scenario is Scenario.WAITING
    return max(began, now - _LATELY) if lately else began


def _same(moment: datetime) -> datetime:
    return moment


@sensitive_variables()
def _keys_store(pairs: list[tuple[Organisation, SampleKey]]) -> list[tuple[ApiKey, SampleKey]]:
    results = api_keys_import(
        actor=OPERATOR,
        rows=[
            ImportRow(place, key.label, key.secret, key.organization_id, key.tags)
            for place, key in pairs
        ],
    )
    stored = [(result.key, sample) for result, (_, sample) in zip(results, pairs, strict=True)]
    keys = [(key, sample) for key, sample in stored if key is not None]
    keys_watch(keys=[key for key, _ in keys], actor=OPERATOR)
    return keys


def _special(key: ApiKey, sample: SampleKey) -> None:
    if sample.paused:
        key_pause(organisation=key.organisation, actor=OPERATOR, key=key)
    if sample.damaged:
        # No service spoils a key; the demo shows what a damaged row looks like.
        sealed = bytearray(key.ciphertext or b"")
        sealed[-1] ^= 1
        ApiKey.objects.filter(pk=key.pk).update(ciphertext=bytes(sealed))
    if not sample.checked:
        later = clock.now() + _UNCHECKED_FOR
        KeySync.objects.filter(pk=key.pk).update(next_check_at=later)


def _people_store(keys: dict[str, list[ApiKey]]) -> None:
    for person in _PEOPLE:
        password = PASSWORD if person.email == VIEWER else None
        user, _ = person_ensure(actor=OPERATOR, email=person.email, password=password)
        _named(user, person.name)
        for name, theirs in keys.items():
            if name[0] in person.organisations:
                place = theirs[0].organisation
                member_set(organisation=place, actor=OPERATOR, user=user, role=person.role)
                if person.role != Role.VIEWER:
                    _own(theirs[0], user)


def _own(key: ApiKey, user: User) -> None:
    details = KeyDetails(
        label=key.label,
        organization_id=key.organization_id,
        owner=user,
        tags=tuple(key.tags.values_list("name", flat=True)),
    )
    api_key_update(organisation=key.organisation, actor=OPERATOR, key=key, details=details)


def _named(user: User, name: str) -> None:
    profile_update(actor=OPERATOR, user=user, name=name, time_zone="UTC", theme=Theme.SYSTEM)

"""Where the incidents of a kill drill come from: planned as the recorder does, or by checks."""

import random
from pathlib import Path

from django.db import transaction

from freddy_admin.alerts.models import Incident, IncidentState
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.sealing import api_key_context, canary_ensure, sealed_secret_set
from tests.alerts.delivery_flow import incident_open, incidents_resolve

KEYS = 4


def incidents_told() -> list[Incident]:
    """Incidents that are not over, and whose openings were all tried, if not delivered.

    An opening that was never tried and waits for an hour, a minute of the drill, is dropped once
    its incident is over: rightly, and on a busy machine often.
    """
    incidents = Incident.objects.exclude(state=IncidentState.RESOLVED)
    untold = incidents.filter(deliveries__message__body__isnull=True, deliveries__kind="opened")
    told = incidents.filter(deliveries__message__body__isnull=False).exclude(pk__in=untold)
    return list(told.distinct().order_by("pk"))


class PlannedIncidents:
    """Opens incidents, a few at a time, and ends those of which all channels were told."""

    def __init__(self, count: int) -> None:
        self._left, self._chance = count, random.Random(count)

    def step(self) -> bool:
        """Open or end some; returns whether more is to come."""
        organisation = Organisation.objects.get(slug="alder")
        with transaction.atomic():
            for _ in range(min(self._left, self._chance.randrange(3))):
                incident_open(organisation)
                self._left -= 1
            told = incidents_told()
            if told and self._chance.random() < 0.5:
                incidents_resolve(*told[:3])
        return bool(self._left) or Incident.objects.exclude(state="resolved").exists()


class CheckedIncidents:
    """Keys that Aitronos refuses and takes again, round by round; checks find that out."""

    def __init__(self, rounds: int, refused_file: Path) -> None:
        self._file, self._left = refused_file, rounds
        organisation = Organisation.objects.get(slug="alder")
        self._keys = [_key_create(organisation, number) for number in range(KEYS)]
        self._is_refusing = False

    def step(self) -> bool:
        """Have the next round begin or end where the last one is told; whether more is to come."""
        keys = [key.pk for key in self._keys]
        states = set(
            SyncStatus.objects.filter(pk__in=keys).values_list("recorded_state", flat=True)
        )
        if self._is_refusing and states == {"key_rejected"} and len(incidents_told()) == KEYS:
            self._is_refusing, self._left = False, self._left - 1
            self._refuse("")
        elif not self._is_refusing and states == {"no_schedule"}:
            if not self._left:
                return False
            self._is_refusing = True
            self._refuse("\n".join(_secret(number) for number in range(KEYS)))
        # Somebody presses "Check now", again and again.
        SyncStatus.objects.filter(pk__in=keys, lease_token="").update(next_check_at=clock.now())
        return True

    def _refuse(self, secrets: str) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(secrets)
        new.replace(self._file)


def _secret(number: int) -> str:
    return f"oak_live_0123456789abcdef_{number}"


def _key_create(organisation: Organisation, number: int) -> ApiKey:
    key = ApiKey.objects.create(
        organisation=organisation,
        label=f"Key {number}",
        status=KeyLifecycle.ACTIVE,
        created_at=clock.now(),
    )
    canary_ensure()
    sealed_secret_set(
        key, _secret(number), context=api_key_context(organisation.pk, key.pk, key.version)
    )
    key.save()
    key_monitoring_start(keys=[key])
    return key

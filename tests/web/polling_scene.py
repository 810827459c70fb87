"""Two organisations that several people look at: what changes there, and who is sent it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from freddy_admin.alerts.models import Incident
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.key_lifecycle import (
    key_update,
)
from freddy_admin.sync.platform_status import worker_heartbeat_record
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState
from freddy_admin.vault.services.candidates import candidate_record_result
from freddy_admin.vault.services.keys import api_key_replace
from tests.sync.conftest import good_result, lease_key, make_figures
from tests.web.conftest import HandClock, MakeKey, People
from tests.web.incident_rows import create_incident


@dataclass
class Scene:
    """Two organisations with keys; who changes something, and who looks."""

    people: People
    organisation: Organisation
    other: Organisation
    key: ApiKey
    other_key: ApiKey
    incident: Incident
    hand_clock: HandClock

    @property
    def actor(self) -> Actor:
        return Actor("Admin (admin@example.org)", id=self.people.admin.pk)

    def check(self, key: ApiKey, result: Any) -> None:
        lease_key(key)
        check_results_record([result])

    def good(self, key: ApiKey, **figures: Any) -> None:
        now = clock.now()
        default = make_figures(now - timedelta(minutes=12), now + timedelta(minutes=48), 1)
        self.check(key, good_result(key, replace(default, **figures)))

    def update(self, **details: Any) -> None:
        key_update(
            organisation=self.organisation,
            actor=self.actor,
            key=self.key,
            details=replace(KeyDetails(label=self.key.label), **details),
        )

    def in_organisation(self, service: Callable[..., Any], **arguments: Any) -> Any:
        return service(organisation=self.organisation, actor=self.actor, **arguments)

    def candidate(self) -> Any:
        return self.in_organisation(
            api_key_replace, key=self.key, secret=f"oak_live_healthy_{self.key.pk}_0123456789abcdef"
        )

    def undecided(self) -> Any:
        candidate = self.candidate()
        candidate_record_result(
            organisation=self.organisation,
            key=self.key,
            version=candidate.version,
            state=CandidateState.UNTESTED,
            outcome=CandidateResult(kind="read_timeout"),
        )
        return candidate

    def heartbeat(self, **values: Any) -> None:
        worker_heartbeat_record(name="w1", values={"heartbeat_at": clock.now()} | values)


def scene_create(
    people: People, make_key: MakeKey, other_organisation: Organisation, hand_clock: HandClock
) -> Scene:
    """Two keys of one organisation, one of them overdue with an incident, and one of another."""
    key = make_key("Main")
    owner = {"owner": people.operator}
    broken = make_key("Broken", key=owner, state="overdue", state_rule=8)
    other_key = make_key("Elsewhere", at=other_organisation)
    incident = create_incident(broken)
    return Scene(people, key.organisation, other_organisation, key, other_key, incident, hand_clock)

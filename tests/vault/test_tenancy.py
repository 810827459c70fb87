"""Drill S4: every service and selector takes the organisation and refuses a foreign key."""

import inspect
from collections.abc import Callable

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault import selectors
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState
from freddy_admin.vault.services import candidates, keys
from tests.vault.conftest import OTHER_SECRET, MakeKey

# What the worker does with rows of all organisations, and what other services call with a key that
# they have locked.
WITHOUT_ORGANISATION = {
    "candidate_lease_lock",
    "candidates_claim",
    "candidates_expire",
    "candidate_release",
    "key_audit_record",
    "pending_candidates",
}
ARGUMENTS = {
    "details": KeyDetails(label="Main"),
    "secret": OTHER_SECRET,
    "version": 1,
    "state": CandidateState.PENDING,
    "outcome": CandidateResult(kind="timeout"),
    "key_id": 1,
}


def _services() -> list[Callable[..., object]]:
    return [
        member
        for module in (candidates, keys)
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__ and not name.startswith("_")
    ]


TENANT_SERVICES = [
    service for service in _services() if service.__name__ not in WITHOUT_ORGANISATION
]
TENANT_SELECTORS = [
    selectors.api_keys_list,
    selectors.api_key_get,
    selectors.organisation_tag_names,
]
KEY_SERVICES = [
    service for service in TENANT_SERVICES if "key" in inspect.signature(service).parameters
]


@pytest.mark.parametrize("call", TENANT_SERVICES + TENANT_SELECTORS)
def test_every_service_and_selector_requires_the_organisation(call: Callable[..., object]) -> None:
    parameters = inspect.signature(call).parameters
    assert all(
        parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values()
    )
    assert parameters["organisation"].default is inspect.Parameter.empty
    arguments = {name: ARGUMENTS.get(name) for name in parameters if name != "organisation"}
    with pytest.raises(TypeError, match="organisation"):
        call(**arguments)


def test_all_services_that_take_a_key_are_covered() -> None:
    assert len(KEY_SERVICES) == 10


@pytest.mark.parametrize("service", KEY_SERVICES)
def test_a_key_of_another_organisation_is_not_found_and_not_touched(
    service: Callable[..., object],
    active_key: MakeKey,
    organisation: Organisation,
    other_organisation: Organisation,
    actor: Actor,
) -> None:
    foreign = active_key(key_organisation=other_organisation)
    values = ApiKey.objects.filter(pk=foreign.pk).values().get()
    parameters = inspect.signature(service).parameters
    arguments = {
        name: value for name, value in (ARGUMENTS | {"actor": actor}).items() if name in parameters
    }
    with pytest.raises(NotFound):
        service(organisation=organisation, key=foreign, **arguments)
    assert ApiKey.objects.filter(pk=foreign.pk).values().get() == values

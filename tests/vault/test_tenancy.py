"""Drill S4: every service and selector takes the organisation and refuses a foreign key."""

import inspect
from collections.abc import Callable

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault import selectors, services
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.services import KeyDetails, TestOutcome
from tests.vault.conftest import OTHER_SECRET, MakeKey

# These look after rows of all organisations at an operator's or the worker's word.
PLATFORM_WIDE = {"api_keys_import", "api_keys_reseal", "candidates_claim", "candidates_release"}
EXTRA = {
    "details": KeyDetails(label="Main"),
    "secret": OTHER_SECRET,
    "version": 1,
    "outcome": TestOutcome(kind="timeout"),
    "key_id": 1,
}


def _services() -> list[Callable[..., object]]:
    found = [getattr(services, name) for name in services.__all__]
    return [one for one in found if inspect.isfunction(one)]


TENANT_SERVICES = [one for one in _services() if one.__name__ not in PLATFORM_WIDE]
TENANT_SELECTORS = [selectors.api_keys_of, selectors.api_key_get, selectors.tag_names]
ON_A_KEY = [one for one in TENANT_SERVICES if "key" in inspect.signature(one).parameters]


@pytest.mark.parametrize("call", TENANT_SERVICES + TENANT_SELECTORS)
def test_nothing_works_without_naming_the_organisation(call: Callable[..., object]) -> None:
    parameters = inspect.signature(call).parameters
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters.values())
    assert parameters["organisation"].default is inspect.Parameter.empty
    given = {name: EXTRA.get(name) for name in parameters if name != "organisation"}
    with pytest.raises(TypeError, match="organisation"):
        call(**given)


def test_every_service_on_a_key_is_known_here() -> None:
    assert len(ON_A_KEY) == 11


@pytest.mark.parametrize("service", ON_A_KEY)
def test_a_key_of_another_organisation_is_not_found_and_not_touched(
    service: Callable[..., object],
    active: MakeKey,
    organisation: Organisation,
    stranger: Organisation,
    actor: Actor,
) -> None:
    foreign = active(where=stranger)
    before = ApiKey.objects.filter(pk=foreign.pk).values().get()
    wanted = inspect.signature(service).parameters
    given = {name: EXTRA[name] for name in wanted if name in EXTRA}
    with pytest.raises(NotFound):
        service(organisation=organisation, actor=actor, key=foreign, **given)
    assert ApiKey.objects.filter(pk=foreign.pk).values().get() == before

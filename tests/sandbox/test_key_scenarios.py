import pytest

from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    parse_sandbox_key,
    sandbox_key,
)


@pytest.mark.parametrize("scenario", Scenario)
def test_key_names_its_scenario_in_63_characters(scenario: Scenario) -> None:
    key = sandbox_key(
        scenario, "A Rather Long Organisation Name/Customer support", shared_seed="shared"
    )
    assert len(key) == 63
    assert key.startswith(f"oak_live_{scenario}_")
    assert key == sandbox_key(
        scenario, "A Rather Long Organisation Name/Customer support", shared_seed="shared"
    )
    parsed = parse_sandbox_key(key)
    assert parsed is not None
    assert parsed.scenario is scenario
    assert parsed.seed == "shared"


def test_every_scenario_has_a_sentence() -> None:
    assert all(scenario.sentence.endswith(".") for scenario in Scenario)


def test_organisation_id_is_shared_by_the_keys_of_one_organisation_alone() -> None:
    sales = sandbox_key(Scenario.HEALTHY, "Oak/Sales")
    support = sandbox_key(Scenario.LATE, "Oak/Support", shared_seed="shared")
    assert sales != support
    assert organization_id_from_sandbox_key(sales) == organization_id_from_sandbox_key(support)
    assert organization_id_from_sandbox_key(sales).startswith("org_")
    assert organization_id_from_sandbox_key(
        sandbox_key(Scenario.HEALTHY, "Elm")
    ) != organization_id_from_sandbox_key(sales)


def test_key_written_by_hand_is_parsed() -> None:
    parsed = parse_sandbox_key("oak_live_never_synced_mine")
    assert parsed is not None
    assert (parsed.scenario, parsed.organisation) == (Scenario.NEVER_SYNCED, "mine")


@pytest.mark.parametrize("key", ["", "oak_live_", "oak_live_healthyoak", "sk_live_healthy_oak"])
def test_keys_of_another_form_are_unknown(key: str) -> None:
    assert parse_sandbox_key(key) is None
    with pytest.raises(ValueError, match="not a key"):
        organization_id_from_sandbox_key(key)


def test_name_without_a_letter_or_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="letter or digit"):
        sandbox_key(Scenario.HEALTHY, " - ")

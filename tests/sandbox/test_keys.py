import pytest

from freddy_admin.sandbox.scenarios import (
    SENTENCES,
    Scenario,
    key_for,
    organization_id_of,
    parse_key,
)


@pytest.mark.parametrize("scenario", Scenario)
def test_a_key_names_its_scenario_in_63_characters(scenario: Scenario) -> None:
    key = key_for(scenario, "A Rather Long Organisation Name/Customer support", catalogue="shared")
    assert len(key) == 63
    assert key.startswith(f"oak_live_{scenario}_")
    assert key == key_for(
        scenario, "A Rather Long Organisation Name/Customer support", catalogue="shared"
    )
    parsed = parse_key(key)
    assert parsed is not None
    assert parsed.scenario is scenario
    assert parsed.seed == "shared"


def test_every_scenario_is_told_in_a_sentence() -> None:
    assert set(SENTENCES) == set(Scenario)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_keys_of_one_organisation_share_its_id_and_others_do_not() -> None:
    sales = key_for(Scenario.HEALTHY, "Oak/Sales")
    support = key_for(Scenario.LATE, "Oak/Support", catalogue="shared")
    assert sales != support
    assert organization_id_of(sales) == organization_id_of(support)
    assert organization_id_of(sales).startswith("org_")
    assert organization_id_of(key_for(Scenario.HEALTHY, "Elm")) != organization_id_of(sales)


def test_a_key_written_by_hand_is_understood() -> None:
    parsed = parse_key("oak_live_never_synced_mine")
    assert parsed is not None
    assert (parsed.scenario, parsed.organisation) == (Scenario.NEVER_SYNCED, "mine")


@pytest.mark.parametrize("key", ["", "oak_live_", "oak_live_healthyoak", "sk_live_healthy_oak"])
def test_other_keys_are_unknown(key: str) -> None:
    assert parse_key(key) is None
    with pytest.raises(ValueError, match="not a key"):
        organization_id_of(key)


def test_a_name_without_a_letter_or_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="letter or digit"):
        key_for(Scenario.HEALTHY, " - ")

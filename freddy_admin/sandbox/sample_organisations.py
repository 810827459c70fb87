"""The demo's sample organisations, which together show every state of the health rule.

Plain data; the demo's loader stores it. It saves every key as active and due at once, with these
exceptions, which a scenario of the sandbox cannot bring about:

- ``is_paused``: the loader pauses the key after saving it.
- ``is_damaged``: the loader flips one bit of the stored bytes, so the key cannot be opened.
- ``is_checked`` is False: the loader saves the key last and makes it due in 20 minutes, so that
  a newcomer sees "Not checked yet" for that long.
"""

from dataclasses import dataclass, field, replace

from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    sandbox_key,
)


@dataclass(frozen=True, slots=True)
class SampleKey:
    """One key of a sample organisation."""

    label: str
    scenario: Scenario = Scenario.HEALTHY
    shared_seed: str = ""
    secret: str = field(default="", repr=False)
    organization_id: str = ""
    tags: tuple[str, ...] = ()
    environment: str = "default"
    is_paused: bool = False
    is_damaged: bool = False
    is_checked: bool = True


@dataclass(frozen=True, slots=True)
class SampleOrganisation:
    """One organisation of the demo, with its keys."""

    name: str
    keys: tuple[SampleKey, ...]


def list_sample_organisations() -> tuple[SampleOrganisation, ...]:
    """All of them, always the same and in the order of creation; names and secrets are unique."""
    return tuple(
        SampleOrganisation(name, tuple(_complete_key(key, name, tags) for key in keys))
        for name, tags, keys in _ORGANISATIONS
    )


def _complete_key(key: SampleKey, organisation: str, tags: str) -> SampleKey:
    secret = sandbox_key(
        key.scenario,
        f"{organisation}/{key.label}",
        shared_seed=key.shared_seed,
        environment=key.environment,
    )
    organization_id = organization_id_from_sandbox_key(secret)
    return replace(key, secret=secret, organization_id=organization_id, tags=tuple(tags.split()))


def _healthy_keys(shared_seed: str, *labels: str) -> tuple[SampleKey, ...]:
    """Several healthy keys of one organisation: they report one and the same sync."""
    return tuple(SampleKey(label, shared_seed=shared_seed) for label in labels)


_ONE_HEALTHY_KEY = (SampleKey("Main"),)
_ORGANISATIONS: tuple[tuple[str, str, tuple[SampleKey, ...]], ...] = (
    (
        "Alpenrand Logistik",
        "emea enterprise",
        _healthy_keys("alpen", "Sales", "Support", "Finance"),
    ),
    ("Bluewater Shipping", "emea", _ONE_HEALTHY_KEY),
    ("Cedar & Finch Architects", "amer", _ONE_HEALTHY_KEY),
    ("Dunmore Credit Union", "amer enterprise", _healthy_keys("dunmor", "Sales", "Support")),
    ("Eastgate Pharmacies", "emea enterprise", _ONE_HEALTHY_KEY),
    ("Fjordlys Energi", "emea nordics", (SampleKey("Grid", shared_seed="fjord"),)),
    ("Fjordlys Varme", "emea nordics", (SampleKey("Heating", shared_seed="fjord"),)),
    ("Granite Peak Outfitters", "amer", _ONE_HEALTHY_KEY),
    ("Harbour Lane Hotels", "apac enterprise", _healthy_keys("harbor", "Front desk", "Events")),
    ("Ironbridge Castings", "emea", _ONE_HEALTHY_KEY),
    ("Juniper Street Bakery", "amer pilot", _ONE_HEALTHY_KEY),
    ("Kestrel Insurance", "emea enterprise", _healthy_keys("claims", "Claims", "Sales")),
    ("Lakeside School District", "amer public", (SampleKey("Main", shared_seed="school"),)),
    ("Meadowbrook School District", "amer public", (SampleKey("Main", shared_seed="school"),)),
    ("Nakamura Optics", "apac", _ONE_HEALTHY_KEY),
    ("Orchard Valley Growers", "apac pilot", (SampleKey("Main", Scenario.JUMPING),)),
    (
        "Pilot & Prow Travel",
        "emea",
        (
            SampleKey("Main", Scenario.FLAKY, "pilot"),
            SampleKey("Agencies", Scenario.SLOW, "pilot"),
        ),
    ),
    (
        "Quarry Road Dental",
        "emea pilot",
        (
            SampleKey("Reception", Scenario.LATE, "quarry"),
            SampleKey("Accounts", shared_seed="quarry"),
        ),
    ),
    ("Redfern Legal", "apac enterprise", (SampleKey("Main", Scenario.LATE),)),
    (
        "Saltmarsh Textiles",
        "emea enterprise",
        (SampleKey("Production", Scenario.OVERDUE), SampleKey("Sales")),
    ),
    ("Tamarind Foods", "apac", (SampleKey("Main", Scenario.SKIPPING),)),
    ("Umbra Studios", "amer pilot", (SampleKey("Main", Scenario.NEVER_SYNCED),)),
    ("Verity Clinics", "amer enterprise", (SampleKey("Main", Scenario.WAITING),)),
    ("Willow Bank Charity", "emea public", (SampleKey("Main", Scenario.NO_SCHEDULE),)),
    (
        "Xenon Robotics",
        "apac enterprise",
        (SampleKey("Old key", Scenario.EXPIRED), SampleKey("Lab")),
    ),
    ("Yarrow Cosmetics", "emea", (SampleKey("Main", Scenario.REJECTED),)),
    ("Zephyr Airfreight", "amer enterprise", (SampleKey("Main", Scenario.NOT_PERMITTED),)),
    ("Amberley City Council", "emea public", (SampleKey("Main", Scenario.FIREWALL),)),
    ("Brightwell Media", "amer", (SampleKey("Main", Scenario.HANGING),)),
    ("Copperleaf Telecom", "apac enterprise", (SampleKey("Main", Scenario.ERROR_HTML),)),
    (
        "Drumlin Auctions",
        "emea pilot",
        (
            SampleKey("Main", Scenario.SPENDING_LIMIT),
            SampleKey("Archive", Scenario.INCONSISTENT),
        ),
    ),
    ("Elmwood Estates", "amer", (SampleKey("Main", Scenario.IMPOSSIBLE_TIMES),)),
    ("Foxglove Florists", "emea", (SampleKey("Main", is_damaged=True),)),
    ("Glasshouse Ventures", "amer pilot", (SampleKey("Main", is_paused=True),)),
    ("Hollis Newcomers", "apac pilot", (SampleKey("Main", is_checked=False),)),
    ("Rehearsal Instance", "pilot", (SampleKey("Main", environment="staging"),)),
)

"""The demo's sample organisations, which together show every state of the health rule.

Plain data; the demo's loader stores it. It saves every key as active and due at once, with these
exceptions, which a scenario of the sandbox cannot bring about:

- ``is_paused``: the loader pauses the key after saving it.
- ``is_damaged``: the loader flips one bit of the stored bytes, so the key cannot be opened.
- ``is_checked`` is False: the loader saves the key last and makes it due in 20 minutes, so that
  a newcomer sees "Not checked yet" for that long.
"""

from dataclasses import dataclass, field

from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    sandbox_key,
)


@dataclass(frozen=True, slots=True)
class SampleKey:
    """One key of a sample organisation."""

    label: str
    secret: str = field(repr=False)
    scenario: Scenario
    organization_id: str
    tags: tuple[str, ...] = ()
    is_paused: bool = False
    is_damaged: bool = False
    is_checked: bool = True


@dataclass(frozen=True, slots=True)
class SampleOrganisation:
    """One organisation of the demo, with its keys."""

    name: str
    keys: tuple[SampleKey, ...]


@dataclass(frozen=True, slots=True)
class _SampleKeyRow:
    """A key as `_ORGANISATION_ROWS` writes it: label, scenario, and what is special about it."""

    label: str
    scenario: Scenario = Scenario.HEALTHY
    shared_seed: str = ""
    condition: str = ""


def list_sample_organisations() -> tuple[SampleOrganisation, ...]:
    """All of them, always the same and in the order of creation; names and secrets are unique."""
    return tuple(
        SampleOrganisation(name, tuple(_sample_key(name, row, tuple(tags.split())) for row in rows))
        for name, tags, rows in _ORGANISATION_ROWS
    )


def _sample_key(organisation: str, row: _SampleKeyRow, tags: tuple[str, ...]) -> SampleKey:
    secret = sandbox_key(row.scenario, f"{organisation}/{row.label}", shared_seed=row.shared_seed)
    return SampleKey(
        label=row.label,
        secret=secret,
        scenario=row.scenario,
        organization_id=organization_id_from_sandbox_key(secret),
        tags=tags,
        is_paused=row.condition == "paused",
        is_damaged=row.condition == "damaged",
        is_checked=row.condition != "unchecked",
    )


def _healthy_rows(shared_seed: str, *labels: str) -> tuple[_SampleKeyRow, ...]:
    """Several healthy keys of one organisation: they report one and the same sync."""
    return tuple(_SampleKeyRow(label, shared_seed=shared_seed) for label in labels)


_ONE_HEALTHY_ROW = (_SampleKeyRow("Main"),)
_ORGANISATION_ROWS: tuple[tuple[str, str, tuple[_SampleKeyRow, ...]], ...] = (
    (
        "Alpenrand Logistik",
        "emea enterprise",
        _healthy_rows("alpen", "Sales", "Support", "Finance"),
    ),
    ("Bluewater Shipping", "emea", _ONE_HEALTHY_ROW),
    ("Cedar & Finch Architects", "amer", _ONE_HEALTHY_ROW),
    ("Dunmore Credit Union", "amer enterprise", _healthy_rows("dunmor", "Sales", "Support")),
    ("Eastgate Pharmacies", "emea enterprise", _ONE_HEALTHY_ROW),
    ("Fjordlys Energi", "emea nordics", (_SampleKeyRow("Grid", shared_seed="fjord"),)),
    ("Fjordlys Varme", "emea nordics", (_SampleKeyRow("Heating", shared_seed="fjord"),)),
    ("Granite Peak Outfitters", "amer", _ONE_HEALTHY_ROW),
    ("Harbour Lane Hotels", "apac enterprise", _healthy_rows("harbor", "Front desk", "Events")),
    ("Ironbridge Castings", "emea", _ONE_HEALTHY_ROW),
    ("Juniper Street Bakery", "amer pilot", _ONE_HEALTHY_ROW),
    ("Kestrel Insurance", "emea enterprise", _healthy_rows("claims", "Claims", "Sales")),
    ("Lakeside School District", "amer public", (_SampleKeyRow("Main", shared_seed="school"),)),
    ("Meadowbrook School District", "amer public", (_SampleKeyRow("Main", shared_seed="school"),)),
    ("Nakamura Optics", "apac", _ONE_HEALTHY_ROW),
    ("Orchard Valley Growers", "apac pilot", (_SampleKeyRow("Main", Scenario.JUMPING),)),
    (
        "Pilot & Prow Travel",
        "emea",
        (
            _SampleKeyRow("Main", Scenario.FLAKY, "pilot"),
            _SampleKeyRow("Agencies", Scenario.SLOW, "pilot"),
        ),
    ),
    (
        "Quarry Road Dental",
        "emea pilot",
        (
            _SampleKeyRow("Reception", Scenario.LATE, "quarry"),
            _SampleKeyRow("Accounts", shared_seed="quarry"),
        ),
    ),
    ("Redfern Legal", "apac enterprise", (_SampleKeyRow("Main", Scenario.LATE),)),
    (
        "Saltmarsh Textiles",
        "emea enterprise",
        (_SampleKeyRow("Production", Scenario.OVERDUE), _SampleKeyRow("Sales")),
    ),
    ("Tamarind Foods", "apac", (_SampleKeyRow("Main", Scenario.SKIPPING),)),
    ("Umbra Studios", "amer pilot", (_SampleKeyRow("Main", Scenario.NEVER_SYNCED),)),
    ("Verity Clinics", "amer enterprise", (_SampleKeyRow("Main", Scenario.WAITING),)),
    ("Willow Bank Charity", "emea public", (_SampleKeyRow("Main", Scenario.NO_SCHEDULE),)),
    (
        "Xenon Robotics",
        "apac enterprise",
        (_SampleKeyRow("Old key", Scenario.EXPIRED), _SampleKeyRow("Lab")),
    ),
    ("Yarrow Cosmetics", "emea", (_SampleKeyRow("Main", Scenario.REJECTED),)),
    ("Zephyr Airfreight", "amer enterprise", (_SampleKeyRow("Main", Scenario.NOT_PERMITTED),)),
    ("Amberley City Council", "emea public", (_SampleKeyRow("Main", Scenario.FIREWALL),)),
    ("Brightwell Media", "amer", (_SampleKeyRow("Main", Scenario.HANGING),)),
    ("Copperleaf Telecom", "apac enterprise", (_SampleKeyRow("Main", Scenario.ERROR_HTML),)),
    (
        "Drumlin Auctions",
        "emea pilot",
        (
            _SampleKeyRow("Main", Scenario.SPENDING_LIMIT),
            _SampleKeyRow("Archive", Scenario.INCONSISTENT),
        ),
    ),
    ("Elmwood Estates", "amer", (_SampleKeyRow("Main", Scenario.IMPOSSIBLE_TIMES),)),
    ("Foxglove Florists", "emea", (_SampleKeyRow("Main", condition="damaged"),)),
    ("Glasshouse Ventures", "amer pilot", (_SampleKeyRow("Main", condition="paused"),)),
    ("Hollis Newcomers", "apac pilot", (_SampleKeyRow("Main", condition="unchecked"),)),
)

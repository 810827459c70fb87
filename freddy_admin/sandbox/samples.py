"""The demo's fleet: invented organisations that together show every state of the health rule.

Plain data; the demo's loader stores it. It saves every key as active and due at once, with these
exceptions, which a scenario of the imitation cannot bring about:

- ``paused``: the loader pauses the key after saving it.
- ``damaged``: the loader spoils the stored bytes (one flipped bit), so the key cannot be opened.
- ``checked`` is False: the loader saves the key last and makes it due only in 20 minutes, so that
  a newcomer sees "Not checked yet" for that long.
"""

from dataclasses import dataclass, field

from freddy_admin.sandbox.scenarios import Scenario, key_for, organization_id_of


@dataclass(frozen=True, slots=True)
class SampleKey:
    """One key of a sample organisation."""

    label: str
    secret: str = field(repr=False)
    scenario: Scenario
    organization_id: str
    tags: tuple[str, ...] = ()
    paused: bool = False
    damaged: bool = False
    checked: bool = True


@dataclass(frozen=True, slots=True)
class SampleOrganisation:
    """One organisation of the demo, with its keys."""

    name: str
    keys: tuple[SampleKey, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A key as the table below writes it: label, scenario, and what is special about it."""

    label: str
    scenario: Scenario = Scenario.HEALTHY
    catalogue: str = ""
    special: str = ""


def sample_organisations() -> tuple[SampleOrganisation, ...]:
    """The fleet, always the same and in the order to create it in. Names and secrets are unique."""
    return tuple(
        SampleOrganisation(name, tuple(_key(name, row, tuple(tags.split())) for row in rows))
        for name, tags, rows in _FLEET
    )


def _key(organisation: str, row: _Row, tags: tuple[str, ...]) -> SampleKey:
    secret = key_for(row.scenario, f"{organisation}/{row.label}", catalogue=row.catalogue)
    return SampleKey(
        label=row.label,
        secret=secret,
        scenario=row.scenario,
        organization_id=organization_id_of(secret),
        tags=tags,
        paused=row.special == "paused",
        damaged=row.special == "damaged",
        checked=row.special != "unchecked",
    )


def _of(catalogue: str, *labels: str) -> tuple[_Row, ...]:
    """Several healthy keys of one organisation: they report one and the same sync."""
    return tuple(_Row(label, catalogue=catalogue) for label in labels)


_MAIN = (_Row("Main"),)
_FLEET: tuple[tuple[str, str, tuple[_Row, ...]], ...] = (
    ("Alpenrand Logistik", "emea enterprise", _of("alpen", "Sales", "Support", "Finance")),
    ("Bluewater Shipping", "emea", _MAIN),
    ("Cedar & Finch Architects", "amer", _MAIN),
    ("Dunmore Credit Union", "amer enterprise", _of("dunmor", "Sales", "Support")),
    ("Eastgate Pharmacies", "emea enterprise", _MAIN),
    ("Fjordlys Energi", "emea nordics", (_Row("Grid", catalogue="fjord"),)),
    ("Fjordlys Varme", "emea nordics", (_Row("Heating", catalogue="fjord"),)),
    ("Granite Peak Outfitters", "amer", _MAIN),
    ("Harbour Lane Hotels", "apac enterprise", _of("harbor", "Front desk", "Events")),
    ("Ironbridge Castings", "emea", _MAIN),
    ("Juniper Street Bakery", "amer pilot", _MAIN),
    ("Kestrel Insurance", "emea enterprise", _of("claims", "Claims", "Sales")),
    ("Lakeside School District", "amer public", (_Row("Main", catalogue="school"),)),
    ("Meadowbrook School District", "amer public", (_Row("Main", catalogue="school"),)),
    ("Nakamura Optics", "apac", _MAIN),
    ("Orchard Valley Growers", "apac pilot", (_Row("Main", Scenario.JUMPING),)),
    (
        "Pilot & Prow Travel",
        "emea",
        (_Row("Main", Scenario.FLAKY, "pilot"), _Row("Agencies", Scenario.SLOW, "pilot")),
    ),
    (
        "Quarry Road Dental",
        "emea pilot",
        (_Row("Reception", Scenario.LATE, "quarry"), _Row("Accounts", catalogue="quarry")),
    ),
    ("Redfern Legal", "apac enterprise", (_Row("Main", Scenario.LATE),)),
    (
        "Saltmarsh Textiles",
        "emea enterprise",
        (_Row("Production", Scenario.OVERDUE), _Row("Sales")),
    ),
    ("Tamarind Foods", "apac", (_Row("Main", Scenario.SKIPPING),)),
    ("Umbra Studios", "amer pilot", (_Row("Main", Scenario.NEVER_SYNCED),)),
    ("Verity Clinics", "amer enterprise", (_Row("Main", Scenario.WAITING),)),
    ("Willow Bank Charity", "emea public", (_Row("Main", Scenario.NO_SCHEDULE),)),
    (
        "Xenon Robotics",
        "apac enterprise",
        (_Row("Old key", Scenario.EXPIRED), _Row("Lab")),
    ),
    ("Yarrow Cosmetics", "emea", (_Row("Main", Scenario.REJECTED),)),
    ("Zephyr Airfreight", "amer enterprise", (_Row("Main", Scenario.NOT_PERMITTED),)),
    ("Amberley City Council", "emea public", (_Row("Main", Scenario.FIREWALL),)),
    ("Brightwell Media", "amer", (_Row("Main", Scenario.HANGING),)),
    ("Copperleaf Telecom", "apac enterprise", (_Row("Main", Scenario.ERROR_HTML),)),
    (
        "Drumlin Auctions",
        "emea pilot",
        (_Row("Main", Scenario.SPENDING_LIMIT), _Row("Archive", Scenario.INCONSISTENT)),
    ),
    ("Elmwood Estates", "amer", (_Row("Main", Scenario.IMPOSSIBLE_TIMES),)),
    ("Foxglove Florists", "emea", (_Row("Main", special="damaged"),)),
    ("Glasshouse Ventures", "amer pilot", (_Row("Main", special="paused"),)),
    ("Hollis Newcomers", "apac pilot", (_Row("Main", special="unchecked"),)),
)

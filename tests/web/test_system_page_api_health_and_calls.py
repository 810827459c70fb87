"""*System*: what Aitronos says of itself, whether keys bring figures, and the day's calls."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import ApiHealth, CallBudget, WorkerHeartbeat
from tests.web.catalog_snapshots import visible_text_of
from tests.web.conftest import HandClock, MakeKey, People, SignIn

SEES_THE_CATALOGUE_ALONE = "Whether each connection that a person made still works, it does not see"


def show_system(people: People, signed_in: SignIn) -> str:
    return visible_text_of(signed_in(people.admin).get("/system/").content.decode())


def record_health(at: Any, **values: Any) -> None:
    defaults = {"checked_at": at, "reachable": True, "elapsed_ms": 12.0}
    ApiHealth.objects.update_or_create(environment="default", defaults=defaults | values)


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        ("database", "Aitronos says its database is not well (“unhealthy”)."),
        ("redis_cache", "Aitronos says its cache is not well (“unhealthy”)."),
        ("limit_enforcement", "Aitronos says its counting of limits is not well (“unhealthy”)."),
        ("qdrant_vector_store", "Aitronos says its search index is not well (“unhealthy”)."),
        ("<b>mailer", "Aitronos says its part “&lt;b&gt;mailer” is not well (“unhealthy”)."),
    ],
)
def test_component_that_is_not_well_is_named(
    people: People,
    signed_in: SignIn,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
    component: str,
    sentence: str,
) -> None:
    record_health(hand_clock(), components=[{"name": component, "status": "unhealthy"}])
    page = show_system(people, signed_in)
    assert sentence in page
    assert "1 part is waiting" in page
    assert "Everything works" not in page


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"reachable": False, "status": "degraded"},
            "Aitronos says of itself that it is “degraded”.",
        ),
        ({"reachable": False}, "Aitronos answers, but does not say that it is well."),
        ({"reachable": False, "kind": "tls"}, "Secure connection failed"),
    ],
)
def test_api_that_is_not_well_is_not_called_reachable(
    people: People,
    signed_in: SignIn,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
    values: dict[str, Any],
    sentence: str,
) -> None:
    record_health(hand_clock(), **values)
    page = show_system(people, signed_in)
    assert sentence in page
    assert "reachable" not in page


@pytest.mark.parametrize(
    ("failing", "headline", "label"),
    [
        (0, "Everything works", "all bring figures"),
        (1, "The panel works; 1 of 5 keys brings no figures", "1 of 5 keys brings no figures"),
        (2, "The panel works; 2 of 5 keys bring no figures", "2 of 5 keys bring no figures"),
        (3, "1 part needs you", "3 of 5 keys bring no figures"),
        (4, "1 part needs you", "4 of 5 keys bring no figures"),
    ],
)
def test_system_never_says_that_everything_works_while_keys_do_not(
    people: People,
    signed_in: SignIn,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
    make_key: MakeKey,
    failing: int,
    headline: str,
    label: str,
) -> None:
    record_health(hand_clock())
    for number in range(5):
        outcome = ("refused", "failed")[number % 2] if number < failing else "good"
        make_key(str(number), outcome=outcome)
    make_key("paused", key={"paused_at": hand_clock()}, outcome="failed")
    page = show_system(people, signed_in)
    assert headline in page
    assert label in page
    assert ("Everything works" in page) is (failing == 0)
    assert SEES_THE_CATALOGUE_ALONE in page


def test_system_shows_the_calls_of_the_day_and_whose_keys_are_stretched(
    people: People,
    signed_in: SignIn,
    organisation: Organisation,
    hand_clock: HandClock,
    settings: LazySettings,
) -> None:
    day = hand_clock().astimezone(UTC).date()
    for group, calls, keys in (
        ("default:reported:org_x", 4000, 50),
        (f"default:entered:{organisation.pk}:org_y", 288, 1),
        (f"default:organisation:{organisation.pk}", 12, 1),
    ):
        CallBudget.objects.create(budget_group=group, day=day, calls=calls, key_count=keys)
    CallBudget.objects.create(
        budget_group="default:reported:org_x", day=day - timedelta(days=1), calls=9
    )
    page = show_system(people, signed_in)
    assert "4,300 calls today" in page
    assert "Aitronos allows each of its organisations 10,000 calls a day." in page
    assert "For 1 of them the keys are checked less often" in page
    assert "org_x · 4,000 of 10,000 calls since midnight UTC · 50 keys, each every 432 s" in page
    assert "org_y (as entered for Alder) · 288 of 10,000 calls" in page
    assert "Alder (its id at Aitronos is not known) · 12 of 10,000 calls" in page
    settings.AITRONOS_DAILY_CALLS = 100_000
    assert "checked less often" not in show_system(people, signed_in)


def test_key_that_is_checked_less_often_says_so_and_why(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    key = make_key("Stretched", check_period_seconds=346.0)
    usual = make_key("Usual", check_period_seconds=300.0)
    client = signed_in(people.viewer)
    sentence = (
        "Checked every 346 s instead of every 5 min: Aitronos allows 10,000 calls a day for all "
        "keys of its organisation there."
    )
    page = visible_text_of(client.get(f"/organisations/alder/keys/{key.pk}/").content.decode())
    assert sentence in page
    assert SEES_THE_CATALOGUE_ALONE in page
    page = visible_text_of(client.get(f"/organisations/alder/keys/{usual.pk}/").content.decode())
    assert "instead of every" not in page


def test_outage_notice_names_what_aitronos_says_of_itself(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    for number in range(3):
        make_key(str(number), outcome="failed", error_kind="server_error", failures=1)
    record_health(hand_clock(), components=[{"name": "database", "status": "down"}])
    page = visible_text_of(signed_in(people.viewer).get("/").content.decode())
    assert "Aitronos cannot be reached" in page
    assert "Aitronos says its database is not well (“down”)." in page


def test_outage_of_one_environment_is_not_said_to_be_one_of_all(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    hand_clock: HandClock,
    settings: LazySettings,
) -> None:
    settings.AITRONOS_ENVIRONMENTS = (ApiEnvironment("staging", "https://s.example", ("x",)),)
    make_key("Works")
    failing = {"outcome": "failed", "error_kind": "read_timeout", "failures": 1}
    for number in range(3):
        make_key(str(number), key={"environment": "staging"}, **failing)
    record_health(hand_clock())
    silent = {"environment": "staging", "reachable": False, "kind": "read_timeout"}
    ApiHealth.objects.create(checked_at=hand_clock(), **silent)
    client = signed_in(people.viewer)
    page = visible_text_of(client.get("/").content.decode())
    assert "Aitronos cannot be reached at staging (s.example)" in page
    # Where no environment answers, Aitronos as a whole is out of reach.
    ApiHealth.objects.update(reachable=False, kind="read_timeout")
    page = visible_text_of(client.get("/?sort=name").content.decode())
    assert "Aitronos cannot be reached" in page
    assert "cannot be reached at" not in page

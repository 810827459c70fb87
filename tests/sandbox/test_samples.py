import http.client
from collections import Counter
from datetime import datetime

from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.samples import SampleKey, sample_organisations
from freddy_admin.sandbox.scenarios import Scenario
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import NOON, QUICK, Reply, ask_at
from tests.sandbox.rule import STATES, Seen, judge

KEYS = [key for organisation in sample_organisations() for key in organisation.keys]


def state_of(sample: SampleKey, base_url: str) -> str:
    """The state the panel will show after a look or two, with nothing but the design in mind."""
    if sample.paused:
        return "paused"
    if sample.damaged:
        return "key_unreadable"
    if not sample.checked:
        return "not_checked"
    try:
        wait = 0.2 if sample.scenario is Scenario.HANGING else 20
        reply = ask_at(base_url, key=sample.secret, timeout=wait)
    except (OSError, http.client.HTTPException):
        return "unknown"
    return state_of_reply(reply)


def state_of_reply(reply: Reply) -> str:
    if reply.status == 401:
        return "key_rejected"
    if reply.status == 403 and b'"code"' in reply.body:
        return "key_not_permitted"
    if reply.status != 200:
        return "unknown"
    figures = reply.json
    last, following = (
        datetime.fromisoformat(figures[name]) if figures[name] else None
        for name in ("last_sync_at", "next_sync_at")
    )
    hours = figures["sync_interval_hours"]
    return judge(Seen(last, following, hours, NOON, NOON, following))


def test_the_fleet_shows_every_state_and_is_mostly_well() -> None:
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK) as server:
        states = Counter(state_of(sample, server.base_url) for sample in KEYS)
    assert set(states) == STATES
    assert 0.5 <= states["up_to_date"] / len(KEYS) <= 0.75
    # Fewer than half may fail in one way, or the panel would call all of Aitronos unreachable.
    assert states["unknown"] < len(KEYS) / 4


def test_there_are_enough_organisations_some_with_several_keys() -> None:
    fleet = sample_organisations()
    assert len(fleet) >= 28
    assert len({organisation.name for organisation in fleet}) == len(fleet)
    assert sum(len(organisation.keys) > 1 for organisation in fleet) >= 5
    for organisation in fleet:
        labels = [key.label for key in organisation.keys]
        assert len(set(labels)) == len(labels) > 0


def test_every_secret_is_its_own_and_stays_out_of_the_repr() -> None:
    assert len({key.secret for key in KEYS}) == len(KEYS)
    assert all(key.secret not in repr(key) for key in KEYS)


def test_organisation_ids_are_one_to_an_organisation() -> None:
    ids = [{key.organization_id for key in each.keys} for each in sample_organisations()]
    assert all(len(each) == 1 for each in ids)
    assert len(set.union(*ids)) == len(ids)


def test_some_share_their_catalogue_and_the_others_do_not() -> None:
    healthy = [key.secret for key in KEYS if key.scenario is Scenario.HEALTHY]
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK) as server:
        figures = Counter(ask_at(server.base_url, key=secret).body for secret in healthy)
    assert sorted(count for count in figures.values() if count > 1) == [2, 2, 2, 2, 2, 3]


def test_tags_are_plain_words() -> None:
    tags = {tag for key in KEYS for tag in key.tags}
    assert {"emea", "pilot", "enterprise"} <= tags
    assert all(tag.isalpha() for tag in tags)

import http.client
from collections import Counter
from datetime import datetime

from freddy_admin.sandbox.key_scenarios import Scenario
from freddy_admin.sandbox.sample_organisations import SampleKey, list_sample_organisations
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.sandbox.conftest import (
    NOON,
    QUICK_OPTIONS,
    STATUS_PATH,
    SandboxReply,
    send_request,
)
from tests.sandbox.reference_health_rule import STATES, KeyObservation, expected_state

SAMPLE_KEYS = [key for organisation in list_sample_organisations() for key in organisation.keys]


def status_path(sample: SampleKey) -> str:
    """The path of *Get sync status* in the environment of this key."""
    return STATUS_PATH if sample.environment == "default" else f"/{sample.environment}{STATUS_PATH}"


def state_of(sample: SampleKey, base_url: str) -> str:
    """The state the panel will show after a check or two, by the design alone."""
    if sample.is_paused:
        return "paused"
    if sample.is_damaged:
        return "key_unreadable"
    if not sample.is_checked:
        return "not_checked"
    try:
        timeout = 0.2 if sample.scenario is Scenario.HANGING else 20
        reply = send_request(base_url, status_path(sample), key=sample.secret, timeout=timeout)
    except (OSError, http.client.HTTPException):
        return "unknown"
    return state_of_reply(reply)


def state_of_reply(reply: SandboxReply) -> str:
    if reply.status == 401:
        return "key_rejected"
    if reply.status == 403 and b'"code"' in reply.body:
        return "key_not_permitted"
    if reply.status != 200:
        return "unknown"
    figures = reply.json
    last_sync_at, next_sync_at = (
        datetime.fromisoformat(figures[name]) if figures[name] else None
        for name in ("last_sync_at", "next_sync_at")
    )
    hours = figures["sync_interval_hours"]
    return expected_state(
        KeyObservation(last_sync_at, next_sync_at, hours, NOON, NOON, next_sync_at)
    )


def test_sample_organisations_show_every_state_and_are_mostly_healthy() -> None:
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK_OPTIONS) as server:
        states = Counter(state_of(sample, server.base_url) for sample in SAMPLE_KEYS)
    assert set(states) == STATES
    assert 0.5 <= states["up_to_date"] / len(SAMPLE_KEYS) <= 0.75
    # Fewer than half may fail in one way, or the panel would call all of Aitronos unreachable.
    assert states["unknown"] < len(SAMPLE_KEYS) / 4


def test_sample_organisations_are_many_and_some_have_several_keys() -> None:
    organisations = list_sample_organisations()
    assert len(organisations) >= 28
    assert len({organisation.name for organisation in organisations}) == len(organisations)
    assert sum(len(organisation.keys) > 1 for organisation in organisations) >= 5
    for organisation in organisations:
        labels = [key.label for key in organisation.keys]
        assert len(set(labels)) == len(labels) > 0


def test_sample_secrets_are_unique_and_stay_out_of_the_repr() -> None:
    assert len({key.secret for key in SAMPLE_KEYS}) == len(SAMPLE_KEYS)
    assert all(key.secret not in repr(key) for key in SAMPLE_KEYS)


def test_each_sample_organisation_has_one_organization_id() -> None:
    ids = [
        {key.organization_id for key in organisation.keys}
        for organisation in list_sample_organisations()
    ]
    assert all(len(organisation) == 1 for organisation in ids)
    assert len(set.union(*ids)) == len(ids)


def test_some_sample_keys_share_a_seed_and_the_others_do_not() -> None:
    healthy = [key for key in SAMPLE_KEYS if key.scenario is Scenario.HEALTHY]
    with SandboxServer(clock=SandboxClock(NOON, speed=0), options=QUICK_OPTIONS) as server:
        figures = Counter(
            send_request(server.base_url, status_path(key), key=key.secret).body for key in healthy
        )
    assert sorted(count for count in figures.values() if count > 1) == [2, 2, 2, 2, 2, 3]


def test_sample_tags_are_plain_words() -> None:
    tags = {tag for key in SAMPLE_KEYS for tag in key.tags}
    assert {"emea", "pilot", "enterprise"} <= tags
    assert all(tag.isalpha() for tag in tags)

"""An organisation's page says which of its keys contradict each other, and what it may mean."""

import re
from datetime import timedelta

import pytest

from freddy_admin.sync.models import SyncStatus
from tests.web.conftest import NOON, MakeKey, People, SignIn, shown_digests_of

HOUR = timedelta(hours=1)
HERE = "/organisations/alder/"
FOREIGN = "One of these keys may belong to another organisation at Aitronos: compare them"


def _notice_lines(page: str) -> list[str]:
    match = re.search(r'<div class="key-contradiction">.*?</div>', page, re.DOTALL)
    if not match:
        return []
    return [re.sub(r"<[^>]+>", "", line) for line in re.findall(r"<p.*?</p>", match.group())]


def _page(people: People, signed_in: SignIn) -> str:
    return signed_in(people.viewer).get(HERE).content.decode()


def test_agreeing_keys_have_no_contradiction_notice(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for label in ("Sales", "Support"):
        make_key(label)
    page = _page(people, signed_in)
    assert _notice_lines(page) == []
    assert "All keys report identical figures." in page


@pytest.mark.parametrize(
    ("row", "start", "usual_value", "odd_value"),
    [
        ({"total_tools": 1042}, "The number of tools is", "42", "1,042"),
        ({"sync_interval_hours": 6}, "A sync runs", "every hour", "every 6 hours"),
        ({"sync_interval_hours": 0}, "A sync runs", "every hour", "on no schedule"),
        ({"last_sync_at": NOON - 2 * HOUR}, "The last sync came", "at 11:48", "at 10:00"),
        ({"last_sync_at": NOON - 26 * HOUR}, "The last sync came", "at 11:48", "at 1 Mar, 10:00"),
        ({"last_sync_at": None}, "The last sync came", "at 11:48", "never"),
    ],
)
def test_contradiction_names_each_key_with_its_value(
    row: dict[str, object],
    start: str,
    usual_value: str,
    odd_value: str,
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
) -> None:
    for label in ("Sales", "<b>"):
        make_key(label)
    make_key("Support", **row)
    title, line, explanation = _notice_lines(_page(people, signed_in))
    assert title == "The keys of this organisation contradict each other"
    usual_line = f"{usual_value} according to “&lt;b&gt;” and “Sales”"
    assert line == f"{start} {usual_line}, but {odd_value} according to “Support”."
    assert "only some of them share one catalogue" in explanation


def test_keys_of_different_organisations_at_aitronos_are_named_first(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("Sales", reported_organization_id="org_1")
    make_key("Service", reported_organization_id="")
    make_key("Z", reported_organization_id="org_2", total_tools=40)
    lines = _notice_lines(_page(people, signed_in))
    assert lines[1:3] == [
        "The organisation at Aitronos is org_1 according to “Sales”, but org_2 according to “Z”.",
        "The number of tools is 42 according to “Sales” and “Service”, but 40 according to “Z”.",
    ]
    assert lines[3].startswith(FOREIGN)


def test_contradiction_names_only_some_of_many_keys_and_values(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for number in range(9):
        make_key(f"Key {number}", total_tools=max(40, 36 + number), enabled_tools=1)
    __, line, __ = _notice_lines(_page(people, signed_in))
    assert line == (
        "The number of tools is 40 according to “Key 0”, “Key 1”, “Key 2” and 2 more keys, "
        "41 according to “Key 5”, 42 according to “Key 6”, but something else according to "
        "2 more keys."
    )


def test_contradiction_notice_comes_and_goes_by_itself(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("Sales")
    other_key = make_key("Support")
    client = signed_in(people.viewer)

    def ask(shown_digests: str) -> str:
        headers = {"x-live": "1", "x-seen": shown_digests, "hx-request": "true"}
        return client.get(HERE, headers=headers).content.decode()

    page = client.get(HERE).content.decode()
    SyncStatus.objects.filter(pk=other_key.pk).update(total_tools=40)
    page = ask(shown_digests_of(page))
    assert _notice_lines(page)
    SyncStatus.objects.filter(pk=other_key.pk).update(total_tools=42)
    page = ask(shown_digests_of(page))
    assert 'data-part="frame"' in page
    assert _notice_lines(page) == []

"""The export of statuses: the rows that a person sees, whole or in parts, and their digest."""

from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.sync.status.export import StatusBatch, status_batches, statuses_select
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.selectors import overview_page
from freddy_admin.vault.key_details import key_tags_bulk_create
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, MakeKey

EVERYTHING = OverviewFilters()


@pytest.fixture
def keys(
    make_key: MakeKey, other_organisation: Organisation, manager: User, operator: User
) -> list[ApiKey]:
    """Three of the organisation, one of another; with owners, a tag and a failing check."""
    keys = [make_key("One"), make_key("Two"), make_key("Three")]
    keys.append(make_key("Foreign", at=other_organisation))
    ApiKey.objects.filter(pk=keys[0].pk).update(owner=manager)
    ApiKey.objects.filter(pk=keys[1].pk).update(owner=operator, paused_at=NOON)
    key_tags_bulk_create([(keys[0], ["emea"])])
    SyncStatus.objects.filter(pk=keys[2].pk).update(
        outcome=CheckOutcome.FAILED, error_kind="server_error", error_http_status=502
    )
    return keys


def _batch(user: User, **part: int) -> StatusBatch:
    selection = statuses_select(user=user, filters=EVERYTHING, now=NOON, **part)
    (batch,) = status_batches(user=user, key_ids=selection.key_ids, now=NOON)
    return batch


def _digest(user: User) -> str:
    return statuses_select(user=user, filters=EVERYTHING, now=NOON).digest


def test_export_has_the_rows_of_the_overview_in_its_order(
    keys: list[ApiKey], platform_admin: User, operator: User
) -> None:
    for user, count in ((platform_admin, 4), (operator, 3)):
        rows = overview_page(user=user, filters=EVERYTHING, now=NOON).rows
        batch = _batch(user)
        assert [(row.key_id, row.state, row.key_label) for row in batch.rows] == [
            (row.key_id, row.state, row.key_label) for row in rows
        ]
        assert len(batch.rows) == count
        assert batch.tags == {keys[0].pk: ["emea"]}
        assert {key_id: error.http_status for key_id, error in batch.errors.items()} == {
            keys[2].pk: 502
        }


def test_owners_are_named_as_their_reader_may_see_them(
    keys: list[ApiKey], platform_admin: User, operator: User, manager: User
) -> None:
    User.objects.filter(pk__in=[manager.pk, operator.pk]).update(name="")
    operator.refresh_from_db()
    assert _batch(platform_admin).owner_names == {
        keys[0].pk: manager.email,
        keys[1].pk: operator.email,
    }
    names = _batch(operator).owner_names
    assert names[keys[1].pk] == operator.email
    assert manager.email not in names.values()


def test_parts_by_key_id_are_the_whole(keys: list[ApiKey], platform_admin: User) -> None:
    found, cursor = list[int](), 0
    while True:
        part = statuses_select(
            user=platform_admin, filters=EVERYTHING, now=NOON, after_key_id=cursor, limit=2
        )
        found += part.key_ids
        assert part.is_one_batch
        if part.next_cursor is None:
            break
        cursor = part.next_cursor
    assert found == sorted(key.pk for key in keys)


def test_key_that_is_gone_before_its_batch_is_left_out(
    keys: list[ApiKey], platform_admin: User
) -> None:
    selection = statuses_select(user=platform_admin, filters=EVERYTHING, now=NOON)
    SyncStatus.objects.filter(pk=keys[0].pk).delete()
    (batch,) = status_batches(user=platform_admin, key_ids=selection.key_ids, now=NOON)
    assert keys[0].pk not in {row.key_id for row in batch.rows}
    assert len(batch.rows) == 3


@pytest.mark.usefixtures("keys")
def test_digest_changes_with_what_a_row_says(
    keys: list[ApiKey], manager: User, operator: User
) -> None:
    digests = [_digest(operator)]
    assert _digest(operator) == digests[0]
    for change in (
        lambda: User.objects.filter(pk=manager.pk).update(name="Another"),
        lambda: key_tags_bulk_create([(keys[2], ["late"])]),
        lambda: SyncStatus.objects.filter(pk=keys[2].pk).update(
            total_tools=9, updated_at=NOON + timedelta(seconds=1)
        ),
    ):
        change()
        digests.append(_digest(operator))
    assert len(set(digests)) == len(digests)


def test_digest_of_a_member_says_nothing_of_other_organisations(
    keys: list[ApiKey], operator: User
) -> None:
    before = _digest(operator)
    SyncStatus.objects.filter(pk=keys[3].pk).update(
        total_tools=9, updated_at=NOON + timedelta(seconds=1)
    )
    assert _digest(operator) == before

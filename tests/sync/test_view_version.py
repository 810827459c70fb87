"""The version of a view: changes are seen in whichever order transactions end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.models import ViewChange
from freddy_admin.core.view_changes import view_changes_prune
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.sync.status.view_version import SeenChanges, ShownVersion, view_state
from tests.people import member_create, user_create


def _shown(user: User, organisation: Organisation | None = None) -> ShownVersion:
    now = clock.now()
    state = view_state(user=user, now=now, organisation=organisation)
    return state.shown_version(checks_at=now, valid_until=now + timedelta(hours=1))


def _has_changed(user: User, shown: ShownVersion, organisation: Organisation | None = None) -> bool:
    state = view_state(user=user, now=clock.now(), organisation=organisation, shown=shown)
    return state.has_changed


@pytest.fixture
def alder(transactional_db: None) -> Organisation:
    """An organisation of a panel that was at work before: an older change is kept.

    Else a transaction of another test on the same server would be older than all that is kept.
    """
    if connection.vendor == "postgresql":
        ViewChange.objects.create(organisation_id=2**40, number=1)
    return Organisation.objects.create(name="Alder", slug="alder")


@pytest.fixture
def birch(transactional_db: None) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch")


def _rename(organisation: Organisation) -> Callable[[], Any]:
    rows = Organisation.objects.filter(pk=organisation.pk)
    return lambda: rows.update(name=f"{organisation.name} again")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("writes_elsewhere", [False, True])
def test_a_change_that_was_written_first_and_committed_last_is_seen(
    writes_elsewhere: bool, alder: Organisation, birch: Organisation
) -> None:
    admin, member = user_create("admin", admin=True), member_create(alder, "member", Role.VIEWER)
    another = member_create(birch if writes_elsewhere else alder, "another", Role.VIEWER)
    written, may_commit = threading.Event(), threading.Event()

    def write_and_wait() -> None:
        try:
            with transaction.atomic():
                _rename(alder)()
                written.set()
                assert may_commit.wait(60)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        try:
            first = threads.submit(write_and_wait)
            assert written.wait(60)
            # Later, and over at once.
            Membership.objects.filter(user=another).update(role=Role.OPERATOR)
            views = [(admin, None), (member, None), (member, alder)]
            shown = [_shown(user, organisation) for user, organisation in views]
            assert [
                _has_changed(user, version, organisation)
                for (user, organisation), version in zip(views, shown, strict=True)
            ] == [False] * 3
        finally:
            may_commit.set()
        first.result()
    for (user, organisation), version in zip(views, shown, strict=True):
        assert _has_changed(user, version, organisation)


def test_only_those_who_see_an_organisation_are_told(
    alder: Organisation, birch: Organisation
) -> None:
    admin = user_create("admin", admin=True)
    here, there = (
        member_create(alder, "here", Role.VIEWER),
        member_create(birch, "there", Role.VIEWER),
    )
    shown = {user: _shown(user) for user in (admin, here, there)}
    _rename(alder)()
    changed = {user for user in shown if _has_changed(user, shown[user])}
    assert changed == {admin, here}


def test_who_is_no_member_any_more_is_told(alder: Organisation) -> None:
    member = member_create(alder, "member", Role.VIEWER)
    shown = _shown(member)
    Membership.objects.filter(user=member).delete()
    assert _has_changed(member, shown)


def test_changes_that_were_pruned_are_not_taken_for_none(alder: Organisation) -> None:
    member = member_create(alder, "member", Role.VIEWER)
    shown = _shown(member)
    _rename(alder)()
    for number in range(3):
        Organisation.objects.create(name=f"Other {number}", slug=f"other-{number}")
    view_changes_prune(kept=1)
    assert not ViewChange.objects.filter(organisation_id=alder.pk).exists()
    assert _has_changed(member, shown)


def test_numbers_of_another_server_are_no_changes(alder: Organisation) -> None:
    admin = user_create("admin", admin=True)
    if connection.vendor == "postgresql":
        ViewChange.objects.create(organisation_id=alder.pk, number=2**62)
    assert not _has_changed(admin, _shown(admin))
    view_changes_prune()
    assert not ViewChange.objects.filter(number=2**62).exists()


def test_a_version_reads_back_what_was_written() -> None:
    moment = clock.now().replace(microsecond=0)
    for numbers in ((), (3, 5, 9)):
        shown = ShownVersion(moment, moment, moment, 2**55, SeenChanges(10, numbers))
        text = shown.serialize("view")
        assert ShownVersion.parse(text, "view") == shown
        assert ShownVersion.parse(text, "another") is None
    crowded = replace(shown, seen=SeenChanges(99, tuple(range(64))))
    assert crowded.serialize("view") == ""


def test_the_clock_set_back_is_no_reason_to_send_nothing(alder: Organisation) -> None:
    member = member_create(alder, "member", Role.VIEWER)
    shown = _shown(member)
    ahead = replace(shown, as_of=shown.as_of + timedelta(hours=2))
    assert _has_changed(member, ahead)


_CHANGES = {"one_change_per_transaction", "sqlite_autoindex_core_viewchange"}
_STATUSES = {"sync_syncstatus_organisation_id", "sync_keysync_organisation_id"}
# Of each set one, for databases name some indexes themselves.
_INDEXES: dict[str, list[set[str]]] = {
    "admin": [{"view_change_number"}, {"sync_states"}],
    "member": [_CHANGES, _STATUSES],
    "organisation": [_CHANGES, _STATUSES],
}


_OTHER_INDEX = [{"view_change_number"}, {"sync_states"}]


def _explain(sql: str, params: Any) -> str:
    prefix = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of a few rows it would read the whole table, which is right.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{prefix} {sql}", params)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("role", ["admin", "member", "organisation"])
def test_the_statement_of_a_poll_reads_no_whole_table(role: str, alder: Organisation) -> None:
    user = user_create("somebody", admin=role == "admin")
    organisation = alder if role == "organisation" else None
    shown = replace(_shown(user), seen=SeenChanges(10, (3, 5)))
    with CaptureQueriesContext(connection) as queries:
        view_state(user=user, now=clock.now(), organisation=organisation, shown=shown)
    assert len(queries) == 1
    with transaction.atomic():
        plan = _explain(queries[0]["sql"].replace("%", "%%"), [])
    for names in _INDEXES[role]:
        # PostgreSQL begins with whichever table has the fewest rows.
        other = _OTHER_INDEX[names is _STATUSES] if connection.vendor == "postgresql" else set()
        assert any(name in plan for name in names | other), plan
    # Whether there is any row stops at the first one.
    scans = [line for line in plan.splitlines() if "Seq Scan on" in line or "SCAN " in line]
    assert not [line for line in scans if "status" in line or "membership" in line], plan

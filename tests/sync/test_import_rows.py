"""Import rows against the sandbox API: tested by the worker, made into keys once confirmed."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.key_scenarios import (
    Scenario,
    organization_id_from_sandbox_key,
    sandbox_key,
)
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.candidates.import_rows import (
    import_row_leases_acquire,
    import_row_leases_release,
    import_rows_promote,
)
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.models import HistoryEvent, SyncStatus
from freddy_admin.vault.master_key_state import master_key_state
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraft,
    ImportDraftRow,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.services.import_drafts import import_draft_confirm
from tests.sync.conftest import HandClock
from tests.sync.test_worker_loop import real_now, tick_until, worker_loop_for
from tests.vault.import_draft_data import import_draft_make, import_rows_record_results, secret
from tests.vault.keyrings import DEFAULT_KEY, FIRST, override_keyring
from tests.vault.secret_reading import stored_secret

ROOT = Actor(name="Root", id=1, address="192.0.2.9")


@pytest.fixture
def real_clock(organisation: Organisation) -> Iterator[None]:
    with clock.override_clock(real_now):
        yield


def _none_waits() -> bool:
    return not ImportDraftRow.objects.filter(state=ImportRowState.WAITING).exists()


Confirm = Callable[[ImportDraft], int]


@pytest.fixture
def confirm(platform_admin: User) -> Confirm:
    def confirm_draft(draft: ImportDraft) -> int:
        return import_draft_confirm(actor=ROOT, user=platform_admin, draft_id=draft.pk)

    return confirm_draft


@pytest.mark.usefixtures("real_clock")
def test_each_row_gets_the_state_of_its_own_test(
    sandbox: SandboxServer, platform_admin: User
) -> None:
    own_id = organization_id_from_sandbox_key(sandbox_key(Scenario.HEALTHY, "Right"))
    draft = import_draft_make(
        platform_admin,
        f"Alder,works,{sandbox_key(Scenario.HEALTHY, 'Works')},,",
        f"Alder,right,{sandbox_key(Scenario.HEALTHY, 'Right')},{own_id},",
        f"Alder,wrong,{sandbox_key(Scenario.HEALTHY, 'Wrong')},{own_id},",
        f"Alder,rejected,{sandbox_key(Scenario.REJECTED, 'Rejected')},,",
        f"Alder,forbidden,{sandbox_key(Scenario.NOT_PERMITTED, 'Forbidden')},,",
        f"Alder,hangs,{sandbox_key(Scenario.HANGING, 'Hangs')},,",
    )
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, _none_waits)
    assert dict(draft.rows.values_list("label", "state")) == {
        "works": ImportRowState.WORKS,
        "right": ImportRowState.WORKS,
        "wrong": ImportRowState.DIFFERS,
        "rejected": ImportRowState.REJECTED,
        "forbidden": ImportRowState.REJECTED,
        "hangs": ImportRowState.UNTESTED,
    }
    works = draft.rows.get(label="works")
    assert works.reported_total_tools
    assert works.reported_organization_id
    assert not ApiKey.objects.exists()


@pytest.mark.usefixtures("real_clock")
def test_confirmed_rows_become_keys_that_are_checked_at_once(
    sandbox: SandboxServer, platform_admin: User, confirm: Confirm
) -> None:
    healthy = sandbox_key(Scenario.HEALTHY, "Works")
    draft = import_draft_make(platform_admin, f"Alder,One,{healthy},,a|b")
    with worker_loop_for(sandbox) as worker_loop:
        tick_until(worker_loop, _none_waits)
        confirm(draft)
        tick_until(
            worker_loop, lambda: SyncStatus.objects.filter(checked_at__isnull=False).exists()
        )
    [key] = ApiKey.objects.all()
    assert (key.label, key.owner, key.status) == ("One", None, "active")
    assert sorted(tag.name for tag in key.tags.all()) == ["a", "b"]
    assert stored_secret(key) == healthy
    row = draft.rows.get()
    assert (row.save_state, row.key_id, row.ciphertext, row.fingerprint) == (
        ImportSaveState.SAVED,
        key.pk,
        None,
        "",
    )


def test_new_organisations_are_created_in_the_name_of_who_confirmed(
    platform_admin: User, confirm: Confirm
) -> None:
    draft = import_draft_make(
        platform_admin, f"Brand New,A,{secret('a')},,", f"Brand New,B,{secret('b')},,"
    )
    import_rows_record_results()
    confirm(draft)
    assert import_rows_promote() == 2
    assert Organisation.objects.get(name="Brand New").slug == "brand-new"
    assert ApiKey.objects.filter(organisation__name="Brand New").count() == 2
    event = AuditEvent.objects.get(tag="organisation_created")
    assert (event.actor_name, event.actor_id, event.address) == (
        "Root",
        platform_admin.pk,
        "192.0.2.9",
    )
    history = HistoryEvent.objects.filter(kind="key_changed")
    assert [(entry.details["what"], entry.actor_name) for entry in history] == [
        ("added", "Root")
    ] * 2


def test_a_worker_that_dies_while_saving_leaves_each_row_a_key_or_still_to_be_one(
    platform_admin: User, confirm: Confirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = import_draft_make(platform_admin, *(f"Alder,{n},{secret(str(n))},," for n in range(5)))
    import_rows_record_results()
    confirm(draft)
    assert import_rows_promote(limit=2) == 2

    def die(**_values: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(
            "freddy_admin.sync.candidates.import_rows.vault.import_rows_record_saved", die
        )
        with pytest.raises(KeyboardInterrupt):
            import_rows_promote(limit=2)
    assert ApiKey.objects.count() == SyncStatus.objects.count() == 2
    while import_rows_promote(limit=2):
        pass
    assert ApiKey.objects.count() == SyncStatus.objects.count() == 5
    assert Counter(draft.rows.values_list("save_state", flat=True)) == {ImportSaveState.SAVED: 5}
    assert not ImportDraftRow.objects.exclude(ciphertext=None).exists()


def test_a_key_that_two_imports_hold_is_stored_once(platform_admin: User, confirm: Confirm) -> None:
    first, second = (
        import_draft_make(platform_admin, f"Alder,{label},{secret('same')},,")
        for label in ("A", "B")
    )
    import_rows_record_results()
    confirm(first)
    confirm(second)
    while import_rows_promote():
        pass
    assert ApiKey.objects.count() == 1
    row = second.rows.get()
    assert (row.save_state, row.state, row.ciphertext) == (
        ImportSaveState.DISCARDED,
        ImportRowState.DUPLICATE,
        None,
    )


def test_one_damaged_row_does_not_hold_up_the_others(
    platform_admin: User, confirm: Confirm
) -> None:
    draft = import_draft_make(platform_admin, *(f"Alder,{n},{secret(str(n))},," for n in range(3)))
    import_rows_record_results()
    confirm(draft)
    row = draft.rows.get(label="1")
    sealed = bytes(row.ciphertext or b"")
    row.ciphertext = sealed[:-1] + bytes([sealed[-1] ^ 1])
    row.save()
    assert import_rows_promote() == 3
    assert set(ApiKey.objects.values_list("label", flat=True)) == {"0", "2"}
    row.refresh_from_db()
    assert (row.save_state, row.result_kind, row.ciphertext) == (
        ImportSaveState.DISCARDED,
        "key_unreadable",
        None,
    )


def test_a_sealed_row_opens_in_no_other_row_or_organisation(
    platform_admin: User, confirm: Confirm
) -> None:
    draft = import_draft_make(
        platform_admin, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,"
    )
    elsewhere = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    import_rows_record_results()
    confirm(draft)
    first, second = draft.rows.order_by("number")
    second.ciphertext = first.ciphertext  # swapped into another row
    second.save()
    first.organisation = elsewhere  # and led to another tenant
    first.save()
    assert import_rows_promote() == 2
    assert not ApiKey.objects.exists()


def test_each_row_is_leased_by_one_of_two_workers(platform_admin: User) -> None:
    import_draft_make(platform_admin, *(f"Alder,{n},{secret(str(n))},," for n in range(5)))
    first = import_row_leases_acquire(limit=3)
    second = import_row_leases_acquire(limit=9)
    assert {lease.row_id for lease in first}.isdisjoint(lease.row_id for lease in second)
    assert len(first) + len(second) == 5
    import_row_leases_release(first)
    assert len(import_row_leases_acquire(limit=9)) == 3
    assert import_row_leases_acquire(limit=0) == []


def test_a_dead_workers_row_can_be_leased_when_its_lease_has_run_out(
    platform_admin: User, hand_clock: HandClock
) -> None:
    import_draft_make(platform_admin, f"Alder,A,{secret('a')},,")
    assert len(import_row_leases_acquire(limit=9)) == 1
    assert import_row_leases_acquire(limit=9) == []
    hand_clock.advance(seconds=check_policy().lease.total_seconds())
    assert len(import_row_leases_acquire(limit=9)) == 1


def test_an_import_row_lease_shows_no_sealed_bytes(platform_admin: User) -> None:
    import_draft_make(platform_admin, f"Alder,A,{secret('a')},,")
    [lease] = import_row_leases_acquire(limit=9)
    assert repr(lease.ciphertext) not in repr(lease)


def test_rows_of_a_missing_master_key_hold_up_no_other_import(
    platform_admin: User, confirm: Confirm
) -> None:
    first = import_draft_make(platform_admin, f"Alder,A,{secret('a')},,")
    with override_keyring(FIRST, DEFAULT_KEY):
        second = import_draft_make(platform_admin, f"Alder,B,{secret('b')},,")
    import_rows_record_results()
    confirm(first)
    confirm(second)
    with override_keyring(FIRST):  # the former master key was taken away too early
        master_key_state(fresh=True)
        assert (import_rows_promote(), import_rows_promote()) == (1, 0)
    assert (first.rows.get().save_state, second.rows.get().save_state) == (
        ImportSaveState.SAVING,
        ImportSaveState.SAVED,
    )
    with override_keyring(FIRST, DEFAULT_KEY):  # and put back
        master_key_state(fresh=True)
        assert import_rows_promote() == 1
    assert set(ApiKey.objects.values_list("label", flat=True)) == {"A", "B"}


def test_a_small_import_is_not_held_up_by_a_large_one(
    platform_admin: User, confirm: Confirm
) -> None:
    rows = [
        f"Alder,large{number},oak_live_large_{number}_0123456789abcdef,," for number in range(5)
    ]
    large = import_draft_make(platform_admin, *rows)
    small = import_draft_make(platform_admin, "Alder,small,oak_live_small_0123456789abcdef,,")
    import_rows_record_results()
    confirm(large)
    confirm(small)
    assert [import_rows_promote(limit=2) for _ in range(2)] == [2, 1]
    assert small.rows.get().save_state == ImportSaveState.SAVED
    assert [import_rows_promote(limit=2) for _ in range(3)] == [2, 1, 0]

"""Pasted keys against the imitation: tried out by the worker, made into keys once confirmed."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for, organization_id_of
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.imports import (
    import_claims_release,
    import_claims_take,
    imports_keep,
)
from freddy_admin.sync.models import HistoryEvent, KeySync
from freddy_admin.sync.policy import policy
from freddy_admin.vault.master_keys import master_key_state
from freddy_admin.vault.models import ApiKey, Fate, ImportDraft, ImportDraftRow, Verdict
from freddy_admin.vault.services.import_drafts import import_draft_confirm
from tests.sync.conftest import HandClock
from tests.sync.test_engine import engine_for, real_now, settle
from tests.vault.opened import opened
from tests.vault.pasting import laid_out, secret, verdicts_come
from tests.vault.rings import FIRST, PRESENT, ring_of

ROOT = Actor(name="Root", id=1, address="192.0.2.9")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@pytest.fixture
def real_clock(organisation: Organisation) -> Iterator[None]:
    with clock.using(real_now):
        yield


def _none_waits() -> bool:
    return not ImportDraftRow.objects.filter(verdict=Verdict.WAITING).exists()


Act = Callable[[ImportDraft], int]


@pytest.fixture
def confirm(platform_admin: User) -> Act:
    def act(draft: ImportDraft) -> int:
        return import_draft_confirm(actor=ROOT, user=platform_admin, draft_id=draft.pk)

    return act


@pytest.mark.usefixtures("real_clock")
def test_each_row_comes_to_its_own_verdict(sandbox: SandboxServer, platform_admin: User) -> None:
    own = organization_id_of(key_for(Scenario.HEALTHY, "Right"))
    draft = laid_out(
        platform_admin,
        f"Alder,works,{key_for(Scenario.HEALTHY, 'Works')},,",
        f"Alder,right,{key_for(Scenario.HEALTHY, 'Right')},{own},",
        f"Alder,wrong,{key_for(Scenario.HEALTHY, 'Wrong')},{own},",
        f"Alder,rejected,{key_for(Scenario.REJECTED, 'Rejected')},,",
        f"Alder,forbidden,{key_for(Scenario.NOT_PERMITTED, 'Forbidden')},,",
        f"Alder,hangs,{key_for(Scenario.HANGING, 'Hangs')},,",
    )
    with engine_for(sandbox) as engine:
        settle(engine, _none_waits)
    assert dict(draft.rows.values_list("label", "verdict")) == {
        "works": Verdict.WORKS,
        "right": Verdict.WORKS,
        "wrong": Verdict.DIFFERS,
        "rejected": Verdict.REJECTED,
        "forbidden": Verdict.REJECTED,
        "hangs": Verdict.UNTESTED,
    }
    works = draft.rows.get(label="works")
    assert works.found_total_tools
    assert works.found_organization_id
    assert not ApiKey.objects.exists()


@pytest.mark.usefixtures("real_clock")
def test_confirmed_rows_become_keys_that_are_checked_at_once(
    sandbox: SandboxServer, platform_admin: User, confirm: Act
) -> None:
    healthy = key_for(Scenario.HEALTHY, "Works")
    draft = laid_out(platform_admin, f"Alder,One,{healthy},,a|b")
    with engine_for(sandbox) as engine:
        settle(engine, _none_waits)
        confirm(draft)
        settle(engine, lambda: KeySync.objects.filter(checked_at__isnull=False).exists())
    [key] = ApiKey.objects.all()
    assert (key.label, key.owner, key.status) == ("One", None, "active")
    assert sorted(tag.name for tag in key.tags.all()) == ["a", "b"]
    assert opened(key) == healthy
    row = draft.rows.get()
    assert (row.fate, row.key_id, row.ciphertext, row.fingerprint) == (Fate.KEPT, key.pk, None, "")


def test_new_organisations_are_added_in_the_name_of_who_confirmed(
    platform_admin: User, confirm: Act
) -> None:
    draft = laid_out(platform_admin, f"Brand New,A,{secret('a')},,", f"Brand New,B,{secret('b')},,")
    verdicts_come()
    confirm(draft)
    assert imports_keep() == 2
    assert Organisation.objects.get(name="Brand New").slug == "brand-new"
    assert ApiKey.objects.filter(organisation__name="Brand New").count() == 2
    made = AuditEvent.objects.get(tag="organisation_created")
    assert (made.actor_name, made.actor_id, made.address) == (
        "Root",
        platform_admin.pk,
        "192.0.2.9",
    )
    told = HistoryEvent.objects.filter(kind="key_changed")
    assert [(one.details["what"], one.actor_name) for one in told] == [("added", "Root")] * 2


def test_a_worker_that_dies_while_saving_leaves_each_row_a_key_or_still_to_be_one(
    platform_admin: User, confirm: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = laid_out(platform_admin, *(f"Alder,{n},{secret(str(n))},," for n in range(5)))
    verdicts_come()
    confirm(draft)
    assert imports_keep(limit=2) == 2

    def dies(**_values: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("freddy_admin.sync.imports.vault.import_rows_kept", dies)
        with pytest.raises(KeyboardInterrupt):
            imports_keep(limit=2)
    assert ApiKey.objects.count() == KeySync.objects.count() == 2
    while imports_keep(limit=2):
        pass
    assert ApiKey.objects.count() == KeySync.objects.count() == 5
    assert Counter(draft.rows.values_list("fate", flat=True)) == {Fate.KEPT: 5}
    assert not ImportDraftRow.objects.exclude(ciphertext=None).exists()


def test_a_key_that_came_by_another_way_meanwhile_is_not_stored_twice(
    platform_admin: User, confirm: Act
) -> None:
    first, second = (
        laid_out(platform_admin, f"Alder,{label},{secret('same')},,") for label in ("A", "B")
    )
    verdicts_come()
    confirm(first)
    confirm(second)
    while imports_keep():
        pass
    assert ApiKey.objects.count() == 1
    row = second.rows.get()
    assert (row.fate, row.verdict, row.ciphertext) == (Fate.DROPPED, Verdict.HERE, None)


def test_one_damaged_row_does_not_keep_the_others(platform_admin: User, confirm: Act) -> None:
    draft = laid_out(platform_admin, *(f"Alder,{n},{secret(str(n))},," for n in range(3)))
    verdicts_come()
    confirm(draft)
    row = draft.rows.get(label="1")
    row.ciphertext = bytes(row.ciphertext or b"")[:-1] + b"\x00"
    row.save()
    assert imports_keep() == 3
    assert set(ApiKey.objects.values_list("label", flat=True)) == {"0", "2"}
    row.refresh_from_db()
    assert (row.fate, row.outcome_kind, row.ciphertext) == (Fate.DROPPED, "key_unreadable", None)


def test_a_row_opens_nowhere_else(platform_admin: User, confirm: Act) -> None:
    draft = laid_out(platform_admin, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    other = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    verdicts_come()
    confirm(draft)
    first, second = draft.rows.order_by("number")
    second.ciphertext = first.ciphertext  # swapped into another row
    second.save()
    first.organisation = other  # and led to another tenant
    first.save()
    assert imports_keep() == 2
    assert not ApiKey.objects.exists()


def test_of_two_workers_each_row_is_tested_by_one(platform_admin: User) -> None:
    laid_out(platform_admin, *(f"Alder,{n},{secret(str(n))},," for n in range(5)))
    now = clock.now()
    first, second = import_claims_take(limit=3, now=now), import_claims_take(limit=9, now=now)
    assert {one.key_id for one in first}.isdisjoint(one.key_id for one in second)
    assert len(first) + len(second) == 5
    import_claims_release(first)
    assert len(import_claims_take(limit=9, now=now)) == 3
    assert import_claims_take(limit=0, now=now) == []


def test_a_dead_workers_row_comes_back_when_its_lease_has_run_out(
    platform_admin: User, hand_clock: HandClock
) -> None:
    laid_out(platform_admin, f"Alder,A,{secret('a')},,")
    assert len(import_claims_take(limit=9, now=clock.now())) == 1
    assert import_claims_take(limit=9, now=clock.now()) == []
    hand_clock.forward(seconds=policy().lease.total_seconds())
    assert len(import_claims_take(limit=9, now=clock.now())) == 1


def test_a_claim_shows_no_sealed_bytes(platform_admin: User) -> None:
    laid_out(platform_admin, f"Alder,A,{secret('a')},,")
    [claim] = import_claims_take(limit=9, now=clock.now())
    assert repr(claim.ciphertext) not in repr(claim)


def test_rows_of_a_missing_master_key_hold_no_other_import_up(
    platform_admin: User, confirm: Act
) -> None:
    first = laid_out(platform_admin, f"Alder,A,{secret('a')},,")
    with ring_of(FIRST, PRESENT):
        second = laid_out(platform_admin, f"Alder,B,{secret('b')},,")
    verdicts_come()
    confirm(first)
    confirm(second)
    with ring_of(FIRST):  # the former master key was taken away too early
        master_key_state(fresh=True)
        assert (imports_keep(), imports_keep()) == (1, 0)
    assert (first.rows.get().fate, second.rows.get().fate) == (Fate.KEEPING, Fate.KEPT)
    with ring_of(FIRST, PRESENT):  # and put back
        master_key_state(fresh=True)
        assert imports_keep() == 1
    assert set(ApiKey.objects.values_list("label", flat=True)) == {"A", "B"}

"""Import drafts: rows are validated and tested one by one, and no key is saved before that."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.import_selectors import import_draft_get, open_import_drafts_list
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraft,
    ImportDraftRow,
    ImportRowState,
    ImportSaveState,
)
from freddy_admin.vault.services.import_drafts import (
    DRAFT_MAX_BYTES,
    DRAFT_MAX_ROWS,
    import_draft_confirm,
    import_draft_create,
    import_draft_discard,
    import_draft_retest,
)
from freddy_admin.vault.services.import_rows import import_drafts_expire, import_rows_claim
from tests.hand_clock import HandClock
from tests.vault.conftest import MakeKey
from tests.vault.import_draft_data import (
    csv_bytes,
    import_draft_make,
    import_rows_record_results,
    secret,
)

MARA = Actor(name="Mara", id=7, address="192.0.2.7")


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create(
        email="root@example.org", is_platform_admin=True, created_at=clock.now()
    )


def _row_states(draft: ImportDraft) -> list[str]:
    return list(draft.rows.order_by("number").values_list("state", flat=True))


def test_rows_are_validated_one_by_one_and_no_key_is_saved(
    manager: User, organisation: Organisation, active_key: MakeKey
) -> None:
    active_key(secret("old"))
    draft = import_draft_make(
        manager,
        f"Alder,New,{secret('new')},,",
        f"Alder,Old,{secret('old')},,",
        "Alder,None,,,",
        f"Other,Foreign,{secret('x')},,",
        f"Alder,Twice,{secret('new')},,",
        "Alder,Short",
    )
    duplicate, malformed = ImportRowState.DUPLICATE, ImportRowState.MALFORMED
    assert _row_states(draft) == [
        ImportRowState.WAITING,
        duplicate,
        malformed,
        malformed,
        malformed,
        malformed,
    ]
    assert ApiKey.objects.count() == 1
    assert set(draft.rows.exclude(ciphertext=None).values_list("label", flat=True)) == {"New"}


@pytest.mark.usefixtures("other_organisation")
def test_a_foreign_and_a_missing_organisation_have_the_same_problem(
    manager: User,
) -> None:
    draft = import_draft_make(manager, f"Other,A,{secret('a')},,", f"Nowhere,B,{secret('b')},,")
    foreign_row, missing_row = draft.rows.order_by("number")
    assert foreign_row.problem == missing_row.problem
    assert "look after no organisation of this name" in foreign_row.problem


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_viewer_or_operator_cannot_import_keys(
    manager: User, organisation: Organisation, role: Role
) -> None:
    Membership.objects.update(role=role)
    assert _row_states(import_draft_make(manager, f"Alder,A,{secret('a')},,")) == [
        ImportRowState.MALFORMED
    ]


def test_a_platform_admin_may_name_new_organisations(
    admin: User, organisation: Organisation
) -> None:
    draft = import_draft_make(admin, f"Brand New,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    assert _row_states(draft) == [ImportRowState.WAITING] * 2
    assert Organisation.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the first row must be the header"),
        (b"a,b,c", "the first row must be the header"),
        (csv_bytes(), "it holds no rows"),
        ("x".encode("utf-32"), "not UTF-8"),
        (csv_bytes("x" * DRAFT_MAX_BYTES), "more than 1 MB"),
        (csv_bytes(*(f"A,{n},k" for n in range(DRAFT_MAX_ROWS + 1))), "more than 2,000 rows"),
    ],
)
def test_an_invalid_file_is_refused_as_a_whole(manager: User, data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        import_draft_create(actor=MARA, user=manager, data=data)
    assert not ImportDraft.objects.exists()


def test_a_draft_of_two_thousand_rows_takes_few_statements(
    manager: User, organisation: Organisation, django_assert_max_num_queries: Any
) -> None:
    rows = [f"Alder,Key {n},{secret(str(n))},,a|b" for n in range(DRAFT_MAX_ROWS)]
    # `bulk_create` would take longer than sealing all rows does.
    with django_assert_max_num_queries(20):
        draft = import_draft_make(manager, *rows)
    assert Counter(_row_states(draft)) == {ImportRowState.WAITING: DRAFT_MAX_ROWS}


def test_a_person_has_at_most_three_open_drafts(
    manager: User, admin: User, organisation: Organisation
) -> None:
    for name in "abc":
        import_draft_make(manager, f"Alder,A,{secret(name)},,")
    with pytest.raises(InvalidInput, match="3 unfinished imports"):
        import_draft_make(manager, f"Alder,A,{secret('d')},,")
    import_draft_make(admin, f"Alder,A,{secret('e')},,")


def test_a_draft_is_its_creators_alone(
    manager: User, admin: User, organisation: Organisation
) -> None:
    draft = import_draft_make(manager, f"Alder,A,{secret('a')},,")
    import_rows_record_results()
    for service in (import_draft_confirm, import_draft_discard, import_draft_retest):
        with pytest.raises(NotFound):
            service(actor=MARA, user=admin, draft_id=draft.pk)
        with pytest.raises(NotFound):
            service(actor=MARA, user=manager, draft_id=uuid4())
    with pytest.raises(NotFound):
        import_draft_get(user=admin, draft_id=draft.pk)
    assert import_draft_get(user=manager, draft_id=draft.pk) == draft


def _tested_draft_make(manager: User) -> ImportDraft:
    rows = [f"Alder,{name},{secret(name)},org_2," for name in ("works", "no", "maybe", "other")]
    draft = import_draft_make(manager, *rows)
    import_rows_record_results(
        {
            "no": ImportRowState.REJECTED,
            "maybe": ImportRowState.UNTESTED,
            "other": ImportRowState.DIFFERS,
        },
    )
    return draft


@pytest.mark.parametrize(
    ("extra_states", "saved_labels"),
    [
        ((), {"works"}),
        ((ImportRowState.UNTESTED,), {"works", "maybe"}),
        ((ImportRowState.DIFFERS,), {"works", "other"}),
        ((ImportRowState.REJECTED,), {"works", "no"}),
        ((ImportRowState.WAITING, ImportRowState.MALFORMED), {"works"}),
    ],
)
def test_confirming_a_draft_saves_chosen_rows_and_wipes_the_others(
    manager: User,
    organisation: Organisation,
    extra_states: tuple[ImportRowState, ...],
    saved_labels: set[str],
) -> None:
    draft = _tested_draft_make(manager)
    assert import_draft_confirm(
        actor=MARA, user=manager, draft_id=draft.pk, extra_states=extra_states
    ) == len(saved_labels)
    saving_rows = draft.rows.filter(save_state=ImportSaveState.SAVING)
    assert set(saving_rows.values_list("label", flat=True)) == saved_labels
    discarded_rows = draft.rows.filter(save_state=ImportSaveState.DISCARDED)
    assert discarded_rows.count() == 4 - len(saved_labels)
    assert not discarded_rows.exclude(ciphertext=None).exists()
    assert not discarded_rows.exclude(fingerprint="").exists()
    event = AuditEvent.objects.get(tag="keys_import_confirmed")
    assert event.details == {"keep": len(saved_labels), "drop": 4 - len(saved_labels)}


def test_a_draft_is_not_confirmed_while_a_row_is_being_tested(
    manager: User, organisation: Organisation
) -> None:
    draft = import_draft_make(manager, f"Alder,A,{secret('a')},,")
    with pytest.raises(Conflict, match="still being tested"):
        import_draft_confirm(actor=MARA, user=manager, draft_id=draft.pk)


def test_confirming_a_draft_without_savable_rows_changes_nothing(
    manager: User, organisation: Organisation
) -> None:
    draft = import_draft_make(manager, f"Alder,no,{secret('a')},,")
    import_rows_record_results({"no": ImportRowState.REJECTED})
    with pytest.raises(Conflict, match="None of these keys"):
        import_draft_confirm(actor=MARA, user=manager, draft_id=draft.pk)
    assert draft.rows.exclude(ciphertext=None).count() == 1


def test_a_draft_is_confirmed_once(manager: User, organisation: Organisation) -> None:
    draft = _tested_draft_make(manager)
    import_draft_confirm(actor=MARA, user=manager, draft_id=draft.pk)
    for service in (import_draft_confirm, import_draft_discard, import_draft_retest):
        with pytest.raises(Conflict, match="confirmed already"):
            service(actor=MARA, user=manager, draft_id=draft.pk)
    assert AuditEvent.objects.filter(tag="keys_import_confirmed").count() == 1


def test_a_right_lost_before_confirming_counts(
    manager: User, organisation: Organisation, other_organisation: Organisation
) -> None:
    Membership.objects.create(
        organisation=other_organisation, user=manager, role=Role.MANAGER, created_at=clock.now()
    )
    draft = import_draft_make(manager, f"Alder,A,{secret('a')},,", f"Birch,B,{secret('b')},,")
    import_rows_record_results()
    Membership.objects.filter(organisation=organisation).update(role=Role.VIEWER)
    assert import_draft_confirm(actor=MARA, user=manager, draft_id=draft.pk) == 1
    [saved_row] = draft.rows.filter(save_state=ImportSaveState.SAVING)
    assert saved_row.label == "B"


def test_a_former_platform_admin_adds_no_organisation(
    admin: User, organisation: Organisation
) -> None:
    Membership.objects.create(
        organisation=organisation, user=admin, role=Role.MANAGER, created_at=clock.now()
    )
    draft = import_draft_make(admin, f"Brand New,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    import_rows_record_results()
    admin.is_platform_admin = False
    admin.save()
    assert import_draft_confirm(actor=MARA, user=admin, draft_id=draft.pk) == 1
    assert draft.rows.get(save_state=ImportSaveState.SAVING).label == "B"


def test_an_unreadable_row_is_never_saved(manager: User, organisation: Organisation) -> None:
    draft = import_draft_make(manager, f"Alder,A,{secret('a')},,")
    import_rows_record_results({"A": ImportRowState.UNTESTED}, kind="key_unreadable")
    with pytest.raises(Conflict):
        import_draft_confirm(
            actor=MARA, user=manager, draft_id=draft.pk, extra_states=[ImportRowState.UNTESTED]
        )


def test_failed_rows_can_be_tested_again(manager: User, organisation: Organisation) -> None:
    draft = _tested_draft_make(manager)
    assert import_draft_retest(actor=MARA, user=manager, draft_id=draft.pk) == 2
    assert import_rows_record_results() == 2
    assert Counter(_row_states(draft)) == {ImportRowState.WORKS: 3, ImportRowState.DIFFERS: 1}


def test_a_discarded_draft_leaves_no_row(manager: User, organisation: Organisation) -> None:
    draft = _tested_draft_make(manager)
    import_draft_discard(actor=MARA, user=manager, draft_id=draft.pk)
    assert not ImportDraft.objects.exists()
    assert not ImportDraftRow.objects.exists()
    assert AuditEvent.objects.get(tag="keys_import_discarded").details == {"rows": 4}


@pytest.mark.usefixtures("trusted_clock")
def test_an_unconfirmed_draft_expires_after_a_day(
    manager: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    draft = import_draft_make(manager, f"Alder,A,{secret('a')},,")
    hand_clock.at += timedelta(hours=23, minutes=59)
    assert import_drafts_expire() == 0
    assert open_import_drafts_list(user=manager).count() == 1
    hand_clock.at += timedelta(minutes=1)
    assert import_rows_claim(limit=5, lease_seconds=30) == []
    with pytest.raises(NotFound):
        import_draft_get(user=manager, draft_id=draft.pk)
    assert import_drafts_expire() == 2
    assert not ImportDraftRow.objects.exists()


@pytest.mark.usefixtures("trusted_clock")
def test_a_confirmed_draft_stays_until_every_row_is_saved(
    manager: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    draft = _tested_draft_make(manager)
    import_draft_confirm(actor=MARA, user=manager, draft_id=draft.pk)
    hand_clock.at += timedelta(days=3)
    assert import_drafts_expire() == 0
    draft.rows.update(save_state=ImportSaveState.DISCARDED)
    assert import_drafts_expire() > 0


def test_a_draft_is_deleted_with_its_person_and_its_rows_with_the_organisation(
    manager: User, organisation: Organisation
) -> None:
    draft = import_draft_make(manager, f"Alder,A,{secret('a')},,")
    organisation.delete()
    assert draft.rows.count() == 0
    manager.delete()
    assert not ImportDraft.objects.exists()


def test_no_secret_is_in_a_column_or_in_the_log(manager: User, organisation: Organisation) -> None:
    hidden_part = secret("planted")[15:-4]
    rows = [f"Alder,A,{secret('planted')},,", f"Alder,{secret('planted')},{secret('planted')},,"]
    import_draft_make(manager, *rows)
    for model in (ImportDraft, ImportDraftRow, AuditEvent):
        for row in model._default_manager.values():
            assert hidden_part not in repr(row)

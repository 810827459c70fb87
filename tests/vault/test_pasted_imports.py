"""Many pasted keys: laid out, judged row by row, and nothing saved before somebody confirms."""

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
from freddy_admin.vault.import_reads import import_draft_get, import_drafts_of
from freddy_admin.vault.models import ApiKey, Fate, ImportDraft, ImportDraftRow, Verdict
from freddy_admin.vault.services.import_drafts import (
    BYTES_AT_MOST,
    ROWS_AT_MOST,
    import_draft_confirm,
    import_draft_discard,
    import_draft_open,
    import_draft_retest,
)
from freddy_admin.vault.services.import_tests import import_drafts_expire, import_rows_claim
from tests.vault.conftest import Hands, MakeKey
from tests.vault.pasting import laid_out, pasted, secret, verdicts_come

MARA = Actor(name="Mara", id=7, address="192.0.2.7")


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create(
        email="root@example.org", is_platform_admin=True, created_at=clock.now()
    )


def _verdicts(draft: ImportDraft) -> list[str]:
    return list(draft.rows.order_by("number").values_list("verdict", flat=True))


def test_rows_are_judged_one_by_one_and_nothing_is_saved(
    member: User, organisation: Organisation, active: MakeKey
) -> None:
    active(secret("old"))
    draft = laid_out(
        member,
        f"Acme,New,{secret('new')},,",
        f"Acme,Old,{secret('old')},,",
        "Acme,None,,,",
        f"Other,Foreign,{secret('x')},,",
        f"Acme,Twice,{secret('new')},,",
        "Acme,Short",
    )
    here, bad = Verdict.HERE, Verdict.MALFORMED
    assert _verdicts(draft) == [Verdict.WAITING, here, bad, bad, bad, bad]
    assert ApiKey.objects.count() == 1
    assert set(draft.rows.exclude(ciphertext=None).values_list("label", flat=True)) == {"New"}


@pytest.mark.usefixtures("stranger")
def test_an_organisation_that_is_not_yours_and_one_that_is_not_there_sound_alike(
    member: User,
) -> None:
    draft = laid_out(member, f"Other,A,{secret('a')},,", f"Nowhere,B,{secret('b')},,")
    first, second = draft.rows.order_by("number")
    assert first.problem == second.problem
    assert "look after no organisation of this name" in first.problem


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_smaller_role_brings_no_keys(
    member: User, organisation: Organisation, role: Role
) -> None:
    Membership.objects.update(role=role)
    assert _verdicts(laid_out(member, f"Acme,A,{secret('a')},,")) == [Verdict.MALFORMED]


def test_a_platform_admin_may_name_new_organisations(
    admin: User, organisation: Organisation
) -> None:
    draft = laid_out(admin, f"Brand New,A,{secret('a')},,", f"Acme,B,{secret('b')},,")
    assert _verdicts(draft) == [Verdict.WAITING] * 2
    assert Organisation.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the first row must be the header"),
        (b"a,b,c", "the first row must be the header"),
        (pasted(), "it holds no rows"),
        ("x".encode("utf-16"), "not UTF-8"),
        (pasted("x" * BYTES_AT_MOST), "more than 1 MB"),
        (pasted(*(f"A,{n},k" for n in range(ROWS_AT_MOST + 1))), "more than 2,000 rows"),
    ],
)
def test_what_is_no_such_file_is_refused_as_a_whole(member: User, data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        import_draft_open(actor=MARA, user=member, data=data)
    assert not ImportDraft.objects.exists()


def test_two_thousand_rows_are_laid_out_with_few_statements(
    member: User, organisation: Organisation, django_assert_max_num_queries: Any
) -> None:
    rows = [f"Acme,Key {n},{secret(str(n))},,a|b" for n in range(ROWS_AT_MOST)]
    # Each worded for Django by field and row: that took longer than sealing them all.
    with django_assert_max_num_queries(20):
        draft = laid_out(member, *rows)
    assert Counter(_verdicts(draft)) == {Verdict.WAITING: ROWS_AT_MOST}


def test_no_more_than_three_drafts_wait_per_person(
    member: User, admin: User, organisation: Organisation
) -> None:
    for name in "abc":
        laid_out(member, f"Acme,A,{secret(name)},,")
    with pytest.raises(InvalidInput, match="3 unfinished imports"):
        laid_out(member, f"Acme,A,{secret('d')},,")
    laid_out(admin, f"Acme,A,{secret('e')},,")


def test_a_draft_is_its_makers_alone(member: User, admin: User, organisation: Organisation) -> None:
    draft = laid_out(member, f"Acme,A,{secret('a')},,")
    verdicts_come()
    for act in (import_draft_confirm, import_draft_discard, import_draft_retest):
        with pytest.raises(NotFound):
            act(actor=MARA, user=admin, draft_id=draft.pk)
        with pytest.raises(NotFound):
            act(actor=MARA, user=member, draft_id=uuid4())
    with pytest.raises(NotFound):
        import_draft_get(user=admin, draft_id=draft.pk)
    assert import_draft_get(user=member, draft_id=draft.pk) == draft


def _settled(member: User) -> ImportDraft:
    rows = [f"Acme,{name},{secret(name)},org_2," for name in ("works", "no", "maybe", "other")]
    draft = laid_out(member, *rows)
    verdicts_come(
        {"no": Verdict.REJECTED, "maybe": Verdict.UNTESTED, "other": Verdict.DIFFERS},
    )
    return draft


@pytest.mark.parametrize(
    ("also", "kept"),
    [
        ((), {"works"}),
        ((Verdict.UNTESTED,), {"works", "maybe"}),
        ((Verdict.DIFFERS,), {"works", "other"}),
        ((Verdict.REJECTED, Verdict.WAITING, Verdict.MALFORMED), {"works"}),
    ],
)
def test_confirming_keeps_what_works_and_wipes_the_rest(
    member: User, organisation: Organisation, also: tuple[Verdict, ...], kept: set[str]
) -> None:
    draft = _settled(member)
    assert import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk, also=also) == len(kept)
    keeping = draft.rows.filter(fate=Fate.KEEPING)
    assert set(keeping.values_list("label", flat=True)) == kept
    dropped = draft.rows.filter(fate=Fate.DROPPED)
    assert dropped.count() == 4 - len(kept)
    assert not dropped.exclude(ciphertext=None).exists()
    assert not dropped.exclude(fingerprint="").exists()
    event = AuditEvent.objects.get(tag="keys_import_confirmed")
    assert event.details == {"keep": len(kept), "drop": 4 - len(kept)}


def test_nothing_is_confirmed_while_a_row_is_being_tested(
    member: User, organisation: Organisation
) -> None:
    draft = laid_out(member, f"Acme,A,{secret('a')},,")
    with pytest.raises(Conflict, match="still being tested"):
        import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk)


def test_where_nothing_can_be_saved_nothing_changes(
    member: User, organisation: Organisation
) -> None:
    draft = laid_out(member, f"Acme,no,{secret('a')},,")
    verdicts_come({"no": Verdict.REJECTED})
    with pytest.raises(Conflict, match="None of these keys"):
        import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk)
    assert draft.rows.exclude(ciphertext=None).count() == 1


def test_of_two_tabs_one_confirms(member: User, organisation: Organisation) -> None:
    draft = _settled(member)
    import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk)
    for act in (import_draft_confirm, import_draft_discard, import_draft_retest):
        with pytest.raises(Conflict, match="confirmed already"):
            act(actor=MARA, user=member, draft_id=draft.pk)
    assert AuditEvent.objects.filter(tag="keys_import_confirmed").count() == 1


def test_a_right_that_was_lost_meanwhile_counts(
    member: User, organisation: Organisation, stranger: Organisation
) -> None:
    Membership.objects.create(
        organisation=stranger, user=member, role=Role.MANAGER, created_at=clock.now()
    )
    draft = laid_out(member, f"Acme,A,{secret('a')},,", f"Other,B,{secret('b')},,")
    verdicts_come()
    Membership.objects.filter(organisation=organisation).update(role=Role.VIEWER)
    assert import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk) == 1
    [kept] = draft.rows.filter(fate=Fate.KEEPING)
    assert kept.label == "B"


def test_a_platform_admin_who_is_none_any_more_adds_no_organisation(
    admin: User, organisation: Organisation
) -> None:
    Membership.objects.create(
        organisation=organisation, user=admin, role=Role.MANAGER, created_at=clock.now()
    )
    draft = laid_out(admin, f"Brand New,A,{secret('a')},,", f"Acme,B,{secret('b')},,")
    verdicts_come()
    admin.is_platform_admin = False
    admin.save()
    assert import_draft_confirm(actor=MARA, user=admin, draft_id=draft.pk) == 1
    assert draft.rows.get(fate=Fate.KEEPING).label == "B"


def test_what_could_not_even_be_opened_is_never_kept(
    member: User, organisation: Organisation
) -> None:
    draft = laid_out(member, f"Acme,A,{secret('a')},,")
    verdicts_come({"A": Verdict.UNTESTED}, kind="key_unreadable")
    with pytest.raises(Conflict):
        import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk, also=[Verdict.UNTESTED])


def test_what_failed_can_be_tested_again(member: User, organisation: Organisation) -> None:
    draft = _settled(member)
    assert import_draft_retest(actor=MARA, user=member, draft_id=draft.pk) == 2
    assert verdicts_come() == 2
    assert Counter(_verdicts(draft)) == {Verdict.WORKS: 3, Verdict.DIFFERS: 1}


def test_a_draft_that_is_thrown_away_leaves_no_row(
    member: User, organisation: Organisation
) -> None:
    draft = _settled(member)
    import_draft_discard(actor=MARA, user=member, draft_id=draft.pk)
    assert not ImportDraft.objects.exists()
    assert not ImportDraftRow.objects.exists()
    assert AuditEvent.objects.get(tag="keys_import_discarded").details == {"rows": 4}


@pytest.mark.usefixtures("believed_clock")
def test_a_draft_that_nobody_confirms_is_wiped_after_a_day(
    member: User, organisation: Organisation, hands: Hands
) -> None:
    draft = laid_out(member, f"Acme,A,{secret('a')},,")
    hands.at += timedelta(hours=23, minutes=59)
    assert import_drafts_expire() == 0
    assert import_drafts_of(user=member).count() == 1
    hands.at += timedelta(minutes=1)
    assert import_rows_claim(limit=5, lease_seconds=30) == []
    with pytest.raises(NotFound):
        import_draft_get(user=member, draft_id=draft.pk)
    assert import_drafts_expire() == 2
    assert not ImportDraftRow.objects.exists()


@pytest.mark.usefixtures("believed_clock")
def test_a_confirmed_draft_stays_until_every_row_is_saved(
    member: User, organisation: Organisation, hands: Hands
) -> None:
    draft = _settled(member)
    import_draft_confirm(actor=MARA, user=member, draft_id=draft.pk)
    hands.at += timedelta(days=3)
    assert import_drafts_expire() == 0
    draft.rows.update(fate=Fate.DROPPED)
    assert import_drafts_expire() > 0


def test_a_draft_goes_with_the_person_and_its_rows_with_the_organisation(
    member: User, organisation: Organisation
) -> None:
    draft = laid_out(member, f"Acme,A,{secret('a')},,")
    organisation.delete()
    assert draft.rows.count() == 0
    member.delete()
    assert not ImportDraft.objects.exists()


def test_no_secret_is_in_a_column_or_in_the_log(member: User, organisation: Organisation) -> None:
    hidden = secret("planted")[15:-4]
    rows = [f"Acme,A,{secret('planted')},,", f"Acme,{secret('planted')},{secret('planted')},,"]
    laid_out(member, *rows)
    for model in (ImportDraft, ImportDraftRow, AuditEvent):
        for row in model._default_manager.values():
            assert hidden not in repr(row)

"""Rows of an import that were refused: kept at a person's word, singly or all, and tried hourly."""

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.import_rows import import_rows_promote
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.candidate_result import CandidateResult, ReportedStatus
from freddy_admin.vault.models import ApiKey, ImportDraft, ImportDraftRow, ImportRowState
from freddy_admin.vault.services.import_rows import import_row_record_result, import_rows_claim
from tests.vault.import_draft_data import import_draft_make, secret
from tests.web.conftest import People, SignIn

REFUSAL = CandidateResult(
    kind="key_not_permitted",
    code="INSUFFICIENT_PERMISSIONS",
    http_status=403,
    message="You do not have permission to access this resource.",
    trace_id="req_def456uvw",
    request_id="rq-1",
)


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.fixture
def draft(people: People) -> ImportDraft:
    """Three rows: two were refused, one works."""
    rows = [f"Alder,{label},{secret(label)},," for label in ("One", "Two", "Three")]
    draft = import_draft_make(people.manager, *rows)
    _record({"One": ImportRowState.REJECTED, "Two": ImportRowState.REJECTED})
    return draft


def _record(states: dict[str, ImportRowState], organization_id: str = "org_1") -> None:
    for lease, row in import_rows_claim(limit=100, lease_seconds=30):
        state = states.get(row.label, ImportRowState.WORKS)
        figures = ReportedStatus(42, 1, None, organization_id)
        works = CandidateResult(kind="", reported_status=figures)
        outcome = REFUSAL if state == ImportRowState.REJECTED else works
        import_row_record_result(row_id=row.pk, token=lease.token, state=state, outcome=outcome)


def _saved_labels() -> list[str]:
    import_rows_promote()
    return list(ApiKey.objects.order_by("pk").values_list("label", flat=True))


def test_rows_that_were_refused_are_thrown_away_unless_somebody_keeps_them(
    manager: Client, draft: ImportDraft
) -> None:
    manager.post(f"/import/{draft.pk}/confirm/")
    assert _saved_labels() == ["Three"]


def test_one_refused_row_is_kept_by_its_own_box(manager: Client, draft: ImportDraft) -> None:
    page = manager.get(f"/import/{draft.pk}/").content.decode()
    assert page.count("Save it and try again every hour") == 2
    row = ImportDraftRow.objects.get(label="Two")
    assert f'name="row"\n                       value="{row.number}"' in page
    manager.post(f"/import/{draft.pk}/confirm/", {"row": [str(row.number)]})
    assert _saved_labels() == ["Two", "Three"]


def test_all_refused_rows_are_kept_by_one_box(manager: Client, draft: ImportDraft) -> None:
    page = manager.get(f"/import/{draft.pk}/").content.decode()
    assert "also the 2 that were refused, and try them again every hour" in page
    manager.post(f"/import/{draft.pk}/confirm/", {"also": ["rejected"]})
    assert _saved_labels() == ["One", "Two", "Three"]


def test_kept_row_becomes_a_key_whose_refusal_is_known(manager: Client, draft: ImportDraft) -> None:
    manager.post(f"/import/{draft.pk}/confirm/", {"also": ["rejected"]})
    _saved_labels()
    statuses = {row.key.label: row for row in SyncStatus.objects.select_related("key")}
    assert statuses["Three"].error_code == ""
    refused = statuses["One"]
    assert (refused.error_code, refused.trace_id, refused.request_id) == (
        "INSUFFICIENT_PERMISSIONS",
        "req_def456uvw",
        "rq-1",
    )
    assert (refused.refusals, refused.refusal_status) == (1, 403)
    key = ApiKey.objects.get(label="One")
    page = manager.get(f"/organisations/alder/keys/{key.pk}/").content.decode()
    assert "You do not have permission to access this resource." in page


@pytest.mark.parametrize("numbers", [["x", "-1", "99999999", ""], ["400"]])
def test_numbers_that_name_no_row_keep_none(
    numbers: list[str], manager: Client, draft: ImportDraft
) -> None:
    manager.post(f"/import/{draft.pk}/confirm/", {"row": numbers})
    assert _saved_labels() == ["Three"]


def test_malformed_row_is_not_kept_by_its_number(manager: Client, people: People) -> None:
    draft = import_draft_make(people.manager, f"Alder,Good,{secret('g')},,", "Alder,Bad,,,")
    _record({})
    numbers = [str(row.number) for row in ImportDraftRow.objects.all()]
    manager.post(f"/import/{draft.pk}/confirm/", {"row": numbers})
    assert _saved_labels() == ["Good"]


def test_rows_of_several_organisations_with_one_id_are_warned_about(
    people: People, signed_in: SignIn
) -> None:
    names = ["Alder", "Beech", "Cedar", "Elm", "Fir", "Hazel", "Larch"]
    rows = [f"{name},Main,{secret(name)},," for name in names]
    draft = import_draft_make(people.admin, *rows)
    _record({}, "org_shared")
    page = signed_in(people.admin).get(f"/import/{draft.pk}/").content.decode()
    warning = (
        "7 rows name “Alder”, “Beech”, “Cedar” and 4 more organisations, but Aitronos answers for "
        "one: org_shared."
    )
    assert warning in page
    assert page.index(warning) < page.index("Save 7 keys")


def test_rows_of_two_environments_with_one_id_are_not_warned_about(
    people: People, signed_in: SignIn
) -> None:
    draft = import_draft_make(
        people.admin, f"Alder,Main,{secret('1')},,", f"Beech,Main,{secret('2')},,"
    )
    _record({}, "org_shared")
    client = signed_in(people.admin)
    assert "Aitronos answers for one" in client.get(f"/import/{draft.pk}/").content.decode()
    ImportDraftRow.objects.filter(organisation_name="Beech").update(environment="staging")
    assert "Aitronos answers for one" not in client.get(f"/import/{draft.pk}/").content.decode()


def test_two_rows_of_one_organisation_are_not_warned_about(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    draft = import_draft_make(
        people.admin, f"Alder,One,{secret('1')},,", f"Alder,Two,{secret('2')},,"
    )
    _record({}, "org_shared")
    page = signed_in(people.admin).get(f"/import/{draft.pk}/").content.decode()
    assert "Aitronos answers for one" not in page

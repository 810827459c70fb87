"""Bulk import: keys are active, sealed each for its own row, and imported once."""

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyLifecycle, KeyTag, MasterKeyCanary
from freddy_admin.vault.selectors import organisation_tag_names
from freddy_admin.vault.services.bulk_import import ImportRow, api_keys_import
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.secret_reading import stored_secret


def _rows(*organisations: Organisation, count: int = 3) -> list[ImportRow]:
    return [
        ImportRow(
            organisation=organisation,
            label=f"Key {number}",
            secret=f"ak_{organisation.slug}_{number:06d}_0123456789abcdef",
            organization_id=f"org_{number}",
            tags=("eu", f"t{number % 2}"),
        )
        for organisation in organisations
        for number in range(count)
    ]


def test_each_key_is_active_and_opens_in_its_own_row(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    rows = _rows(organisation, other_organisation)
    results = api_keys_import(actor=OPERATOR, rows=rows)
    assert [result.outcome for result in results] == ["added"] * 6
    for row, result in zip(rows, results, strict=True):
        assert result.key is not None
        key = ApiKey.objects.get(pk=result.key.pk)
        assert (key.status, key.version, key.issued_version) == (KeyLifecycle.ACTIVE, 1, 1)
        assert (key.organisation, key.label) == (row.organisation, row.label)
        assert stored_secret(key) == stored_secret(result.key) == row.secret
        assert {tag.name for tag in key.tags.all()} == set(row.tags)
    assert MasterKeyCanary.objects.count() == 1


def test_tags_are_created_once_per_organisation(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    KeyTag.objects.create(organisation=organisation, name="eu")
    api_keys_import(actor=OPERATOR, rows=_rows(organisation, other_organisation))
    assert organisation_tag_names(organisation=organisation) == ["eu", "t0", "t1"]
    assert organisation_tag_names(organisation=other_organisation) == ["eu", "t0", "t1"]


def test_a_second_run_changes_nothing(organisation: Organisation) -> None:
    api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    values_before = list(ApiKey.objects.order_by("pk").values())
    results = api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    assert [result.outcome for result in results] == ["already here"] * 3
    assert [result.key for result in results] == [None] * 3
    assert list(ApiKey.objects.order_by("pk").values()) == values_before


def test_a_candidates_secret_counts_as_already_stored(
    draft_key: MakeKey, organisation: Organisation
) -> None:
    draft_key(SECRET)
    rows = [
        ImportRow(organisation=organisation, label="Main", secret=secret)
        for secret in (SECRET, OTHER_SECRET, OTHER_SECRET)
    ]
    outcomes = [result.outcome for result in api_keys_import(actor=OPERATOR, rows=rows)]
    assert outcomes == ["already here", "added", "already here"]


def test_an_import_is_one_event_with_counts_and_one_per_organisation(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    last_event_id = AuditEvent.objects.latest("pk").pk
    api_keys_import(actor=OPERATOR, rows=_rows(organisation, other_organisation))
    import_event, organisation_event = AuditEvent.objects.filter(pk__gt=last_event_id).order_by(
        "pk"
    )
    assert import_event.organisation_id is None
    assert import_event.details == {"added": 3, "already_here": 3, "organisations": 1}
    assert (organisation_event.organisation_id, organisation_event.subject) == (
        other_organisation.pk,
        "Birch",
    )


def test_a_failed_import_stores_no_key(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "freddy_admin.vault.services.bulk_import.canary_ensure", lambda _ring: 1 // 0
    )
    with pytest.raises(ZeroDivisionError):
        api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_a_deleted_organisation_stops_the_import(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    rows = _rows(organisation, other_organisation)
    Organisation.objects.filter(pk=other_organisation.pk).delete()
    with pytest.raises(NotFound):
        api_keys_import(actor=OPERATOR, rows=rows)
    assert not ApiKey.objects.exists()


def test_an_import_of_many_keys_takes_few_queries(
    organisation: Organisation, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        api_keys_import(actor=OPERATOR, rows=_rows(organisation, count=300))


def test_a_row_shows_no_secret_in_its_repr(organisation: Organisation) -> None:
    row = ImportRow(organisation=organisation, label="Main", secret=SECRET)
    assert SECRET[:8] not in repr(row)

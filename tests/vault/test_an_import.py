"""Many keys at once: active, sealed each for its own row, and a second run changes nothing."""

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyStatus, KeyTag, MasterKeyCanary
from freddy_admin.vault.selectors import tag_names
from freddy_admin.vault.services import ImportRow, api_keys_import
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.opened import opened


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
    organisation: Organisation, stranger: Organisation
) -> None:
    rows = _rows(organisation, stranger)
    results = api_keys_import(actor=OPERATOR, rows=rows)
    assert [result.outcome for result in results] == ["added"] * 6
    for row, result in zip(rows, results, strict=True):
        assert result.key is not None
        stored = ApiKey.objects.get(pk=result.key.pk)
        assert (stored.status, stored.version, stored.issued_version) == (KeyStatus.ACTIVE, 1, 1)
        assert (stored.organisation, stored.label) == (row.organisation, row.label)
        assert opened(stored) == opened(result.key) == row.secret
        assert {tag.name for tag in stored.tags.all()} == set(row.tags)
    assert MasterKeyCanary.objects.count() == 1


def test_tags_are_made_once_per_organisation(
    organisation: Organisation, stranger: Organisation
) -> None:
    KeyTag.objects.create(organisation=organisation, name="eu")
    api_keys_import(actor=OPERATOR, rows=_rows(organisation, stranger))
    assert tag_names(organisation=organisation) == ["eu", "t0", "t1"]
    assert tag_names(organisation=stranger) == ["eu", "t0", "t1"]


def test_a_second_run_changes_nothing(organisation: Organisation) -> None:
    api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    before = list(ApiKey.objects.order_by("pk").values())
    results = api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    assert [result.outcome for result in results] == ["already here"] * 3
    assert [result.key for result in results] == [None] * 3
    assert list(ApiKey.objects.order_by("pk").values()) == before


def test_a_key_that_waits_to_be_kept_is_here_already(
    draft: MakeKey, organisation: Organisation
) -> None:
    draft(SECRET)
    rows = [
        ImportRow(organisation=organisation, label="Main", secret=secret)
        for secret in (SECRET, OTHER_SECRET, OTHER_SECRET)
    ]
    outcomes = [result.outcome for result in api_keys_import(actor=OPERATOR, rows=rows)]
    assert outcomes == ["already here", "added", "already here"]


def test_it_is_one_event_with_counts_and_one_in_the_trail_of_each_organisation(
    organisation: Organisation, stranger: Organisation
) -> None:
    api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    former = AuditEvent.objects.latest("pk").pk
    api_keys_import(actor=OPERATOR, rows=_rows(organisation, stranger))
    whole, own = AuditEvent.objects.filter(pk__gt=former).order_by("pk")
    assert whole.organisation_id is None
    assert whole.details == {"added": 3, "already_here": 3, "organisations": 1}
    assert (own.organisation_id, own.subject) == (stranger.pk, "Other")


def test_all_or_nothing(organisation: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freddy_admin.vault.services.imports.canary_ensure", lambda _ring: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        api_keys_import(actor=OPERATOR, rows=_rows(organisation))
    assert not ApiKey.objects.exists()
    assert not AuditEvent.objects.exists()


def test_an_organisation_that_is_gone_stops_it(
    organisation: Organisation, stranger: Organisation
) -> None:
    rows = _rows(organisation, stranger)
    Organisation.objects.filter(pk=stranger.pk).delete()
    with pytest.raises(NotFound):
        api_keys_import(actor=OPERATOR, rows=rows)
    assert not ApiKey.objects.exists()


def test_the_number_of_queries_is_a_tenth_of_that_of_the_keys_or_less(
    organisation: Organisation, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        api_keys_import(actor=OPERATOR, rows=_rows(organisation, count=300))


def test_a_row_shows_no_secret_in_its_repr(organisation: Organisation) -> None:
    row = ImportRow(organisation=organisation, label="Main", secret=SECRET)
    assert SECRET[:8] not in repr(row)

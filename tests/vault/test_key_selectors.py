"""Keys are read through their organisation, without their sealed bytes."""

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.selectors import (
    api_key_get,
    api_keys_list,
    candidate_find,
    organisation_tag_names,
)
from freddy_admin.vault.services.keys import api_key_revoke
from tests.vault.conftest import OTHER_SECRET, MakeKey


def test_keys_of_the_organisation_are_listed_by_label(
    active_key: MakeKey,
    draft_key: MakeKey,
    organisation: Organisation,
    other_organisation: Organisation,
) -> None:
    active_key(label="B")
    draft_key(OTHER_SECRET, label="A")
    active_key(key_organisation=other_organisation)
    assert [key.label for key in api_keys_list(organisation=organisation)] == ["A", "B"]


def test_revoked_keys_are_listed_on_request(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    api_key_revoke(organisation=organisation, actor=actor, key=active_key())
    assert not api_keys_list(organisation=organisation)
    assert len(api_keys_list(organisation=organisation, with_revoked=True)) == 1


def test_listing_keys_takes_two_queries_and_no_sealed_bytes(
    draft_key: MakeKey, organisation: Organisation, django_assert_num_queries: object
) -> None:
    for number in range(5):
        draft_key(f"secret-number-{number}")
    with django_assert_num_queries(2):  # type: ignore[operator]
        for key in api_keys_list(organisation=organisation):
            candidate = candidate_find(key=key)
            assert candidate is not None
            assert "ciphertext" in key.get_deferred_fields()
            assert "ciphertext" in candidate.get_deferred_fields()
            assert key.owner is None
            assert list(key.tags.all()) == []


@pytest.mark.parametrize("key_id", [0, -1, 999_999, 2**31, 2**63 - 1, 2**63, 10**40])
def test_a_missing_key_is_not_found_whatever_its_number(
    organisation: Organisation, key_id: int
) -> None:
    with pytest.raises(NotFound):
        api_key_get(organisation=organisation, key_id=key_id)


def test_a_foreign_key_is_not_found_with_the_message_of_a_missing_one(
    active_key: MakeKey, organisation: Organisation, other_organisation: Organisation
) -> None:
    foreign = active_key(key_organisation=other_organisation)
    with pytest.raises(NotFound) as foreign_error:
        api_key_get(organisation=organisation, key_id=foreign.pk)
    with pytest.raises(NotFound) as missing_error:
        api_key_get(organisation=organisation, key_id=999_999)
    assert foreign_error.value.message == missing_error.value.message


def test_an_organisation_without_tags_has_none(organisation: Organisation) -> None:
    assert organisation_tag_names(organisation=organisation) == []

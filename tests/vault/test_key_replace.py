"""A new secret is a candidate beside the secret in use, which stays until it is promoted."""

import pytest

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services.candidates import (
    candidate_discard,
    candidate_promote,
    candidate_record_result,
)
from freddy_admin.vault.services.keys import (
    api_key_create,
    api_key_replace,
    api_key_revoke,
    api_key_update,
)
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.secret_reading import stored_secret


def test_the_former_secret_stays_in_use_until_the_new_one_is_kept(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    key.refresh_from_db()
    assert (stored_secret(key), stored_secret(candidate)) == (SECRET, OTHER_SECRET)
    promoted = candidate_promote(
        organisation=organisation, actor=WORKER, key=key, version=candidate.version
    )
    promoted.refresh_from_db()
    assert (promoted.version, stored_secret(promoted)) == (2, OTHER_SECRET)
    assert promoted.hint_end == OTHER_SECRET[-4:]


def test_a_second_replacement_supersedes_and_a_late_result_is_a_conflict(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    first_candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    second_candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret="third-key"
    )
    assert (first_candidate.version, second_candidate.version) == (2, 3)
    for record_late_result in (
        lambda: candidate_promote(
            organisation=organisation, actor=WORKER, key=key, version=first_candidate.version
        ),
        lambda: candidate_record_result(
            organisation=organisation,
            state=CandidateState.REFUSED,
            key=key,
            version=first_candidate.version,
            outcome=CandidateResult(kind="refused"),
        ),
    ):
        with pytest.raises(Conflict, match="not waiting any more"):
            record_late_result()
    assert KeyCandidate.objects.get().state == CandidateState.PENDING


def test_a_discarded_version_is_never_used_again(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    first_candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    candidate_discard(
        organisation=organisation, actor=actor, key=key, version=first_candidate.version
    )
    second_candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    assert second_candidate.version == first_candidate.version + 1


def test_the_same_secret_may_be_pasted_again_to_repair_a_damaged_row(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    candidate = api_key_replace(organisation=organisation, actor=actor, key=key, secret=SECRET)
    assert stored_secret(candidate) == SECRET


def test_replacing_twice_with_one_secret_is_refused_as_being_tested(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    with pytest.raises(InvalidInput, match="is being tested"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)


def test_an_untested_secret_can_be_pasted_again(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    first_candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    first_candidate.state = CandidateState.UNTESTED
    first_candidate.save()
    second_candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    assert (second_candidate.state, second_candidate.version) == (CandidateState.PENDING, 3)


def test_another_keys_secret_is_refused(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    active_key(OTHER_SECRET, label="Second")
    key = active_key()
    with pytest.raises(InvalidInput, match=r"already here.*Second"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)


def test_a_revoked_key_takes_no_new_secret(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = api_key_revoke(organisation=organisation, actor=actor, key=active_key())
    with pytest.raises(Conflict, match="revoked"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)


def test_a_new_secret_that_stands_in_the_label_already_is_refused(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    ApiKey.objects.filter(pk=key.pk).update(label=f"was {OTHER_SECRET}")
    with pytest.raises(InvalidInput, match="another field") as error:
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    assert error.value.field == "api_key"


@pytest.mark.parametrize("text_field", ["organization_id", "tags", "name"])
def test_a_new_secret_that_stands_in_another_text_of_the_key_is_refused(
    active_key: MakeKey, organisation: Organisation, actor: Actor, text_field: str
) -> None:
    key, secret = active_key(), "ak_live_that_fits_into_a_tag_12345"
    if text_field == "name":
        Organisation.objects.filter(pk=organisation.pk).update(name=secret)  # since it was read
    else:
        detail_fields = (
            {"organization_id": secret} if text_field == "organization_id" else {"tags": (secret,)}
        )
        details = KeyDetails("Main", **detail_fields)  # type: ignore[arg-type]
        api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    with pytest.raises(InvalidInput, match="another field"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=secret)


def test_a_secret_that_names_the_organisation_is_refused(db: None, actor: Actor) -> None:
    organisation = Organisation.objects.create(name=SECRET, slug="told")
    details = KeyDetails(label="Main")
    with pytest.raises(InvalidInput, match="another field"):
        api_key_create(organisation=organisation, actor=actor, details=details, secret=SECRET)

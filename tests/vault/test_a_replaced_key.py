"""A new secret waits beside the one in use, which stays until the new one is kept."""

import pytest

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services import (
    KeyDetails,
    TestOutcome,
    api_key_draft,
    api_key_replace,
    api_key_revoke,
    api_key_update,
    candidate_discard,
    candidate_promote,
    candidate_refuse,
)
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.opened import opened


def test_the_former_secret_stays_in_use_until_the_new_one_is_kept(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    candidate = api_key_replace(
        organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET
    )
    key.refresh_from_db()
    assert (opened(key), opened(candidate)) == (SECRET, OTHER_SECRET)
    kept = candidate_promote(
        organisation=organisation, actor=WORKER, key=key, version=candidate.version
    )
    kept.refresh_from_db()
    assert (kept.version, opened(kept)) == (2, OTHER_SECRET)
    assert kept.hint_end == OTHER_SECRET[-4:]


def test_pasting_again_supersedes_and_the_late_answer_is_thrown_away(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    first = api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    second = api_key_replace(organisation=organisation, actor=actor, key=key, secret="third-key")
    assert (first.version, second.version) == (2, 3)
    for late in (
        lambda: candidate_promote(
            organisation=organisation, actor=WORKER, key=key, version=first.version
        ),
        lambda: candidate_refuse(
            organisation=organisation,
            actor=WORKER,
            key=key,
            version=first.version,
            outcome=TestOutcome(kind="refused"),
        ),
    ):
        with pytest.raises(Conflict, match="not waiting any more"):
            late()
    assert KeyCandidate.objects.get().state == CandidateState.PENDING


def test_a_discarded_version_is_never_given_out_again(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    first = api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    candidate_discard(organisation=organisation, actor=actor, key=key, version=first.version)
    again = api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    assert again.version == first.version + 1


def test_the_same_secret_may_be_pasted_again_to_repair_a_damaged_row(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    candidate = api_key_replace(organisation=organisation, actor=actor, key=key, secret=SECRET)
    assert opened(candidate) == SECRET


def test_pressing_twice_with_the_same_new_secret_says_that_it_is_being_tested(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    with pytest.raises(InvalidInput, match="is being tested"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)


def test_what_could_not_be_tested_may_be_pasted_again(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    first = api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    first.state = CandidateState.UNTESTED
    first.save()
    again = api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    assert (again.state, again.version) == (CandidateState.PENDING, 3)


def test_another_keys_secret_is_refused(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    active(OTHER_SECRET, label="Second")
    key = active()
    with pytest.raises(InvalidInput, match=r"already here.*Second"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)


def test_a_revoked_key_takes_no_new_secret(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = api_key_revoke(organisation=organisation, actor=actor, key=active())
    with pytest.raises(Conflict, match="revoked"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)


def test_a_new_secret_that_stands_in_the_label_already_is_refused(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    ApiKey.objects.filter(pk=key.pk).update(label=f"was {OTHER_SECRET}")
    with pytest.raises(InvalidInput, match="another field") as refused:
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    assert refused.value.field == "api_key"


@pytest.mark.parametrize("place", ["organization_id", "tags", "name"])
def test_nor_one_that_stands_in_any_other_text_of_the_key(
    active: MakeKey, organisation: Organisation, actor: Actor, place: str
) -> None:
    key, secret = active(), "ak_live_that_fits_into_a_tag_12345"
    if place == "name":
        Organisation.objects.filter(pk=organisation.pk).update(name=secret)  # since it was read
    else:
        told = {"organization_id": secret} if place == "organization_id" else {"tags": (secret,)}
        details = KeyDetails("Main", **told)  # type: ignore[arg-type]
        api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    with pytest.raises(InvalidInput, match="another field"):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=secret)


def test_a_secret_that_names_the_organisation_is_refused(db: None, actor: Actor) -> None:
    place = Organisation.objects.create(name=SECRET, slug="told")
    details = KeyDetails(label="Main")
    with pytest.raises(InvalidInput, match="another field"):
        api_key_draft(organisation=place, actor=actor, details=details, secret=SECRET)

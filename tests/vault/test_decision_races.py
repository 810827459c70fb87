"""Drill S31: two people decide at the same moment what becomes of a new key; one of them does."""

from collections.abc import Callable

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.vault.models import ApiKey, CandidateState, ImportDraft, KeyCandidate
from freddy_admin.vault.services import (
    KeyDetails,
    TestOutcome,
    api_key_draft,
    api_key_replace,
    api_key_revoke,
    candidate_could_not_test,
    candidate_discard,
    candidate_promote,
)
from freddy_admin.vault.services.import_drafts import import_draft_confirm, import_draft_discard
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)
from tests.vault.conftest import OTHER_SECRET, SECRET
from tests.vault.opened import opened
from tests.vault.pasting import laid_out, secret, verdicts_come

MARA = Actor(name="Mara")
ROUNDS = range(3)

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


def outcome(call: Callable[[], object]) -> str:
    """What the person is told; anything but a sentence for people would fail the test."""
    try:
        call()
    except PublicError as refused:
        return type(refused).__name__
    return "done"


def waiting() -> ApiKey:
    """A key in use beside a new one that could not be tested."""
    acme = Organisation.objects.create(name="Acme", slug="acme", created_at=clock.now())
    details = KeyDetails(label="Main")
    key = api_key_draft(organisation=acme, actor=MARA, details=details, secret=SECRET)
    key = candidate_promote(organisation=acme, actor=WORKER, key=key, version=1)
    api_key_replace(organisation=acme, actor=MARA, key=key, secret=OTHER_SECRET)
    timed_out = TestOutcome(kind="timeout", message="No answer")
    candidate_could_not_test(organisation=acme, actor=WORKER, key=key, version=2, outcome=timed_out)
    return key


def keep(key: ApiKey) -> Callable[[], str]:
    state = CandidateState.UNTESTED
    here = key.organisation
    return lambda: outcome(
        lambda: candidate_promote(organisation=here, actor=MARA, key=key, version=2, state=state)
    )


def discard(key: ApiKey) -> Callable[[], str]:
    here = key.organisation
    return lambda: outcome(
        lambda: candidate_discard(organisation=here, actor=MARA, key=key, version=2)
    )


def draft() -> tuple[User, ImportDraft]:
    """An import of three keys that all work."""
    acme = Organisation.objects.create(name="Acme", slug="acme", created_at=clock.now())
    user = User.objects.create(email="mara@example.org", created_at=clock.now())
    Membership.objects.create(organisation=acme, user=user, role="manager", created_at=clock.now())
    made = laid_out(user, *(f"Acme,Key {n},{secret(str(n))},," for n in range(3)))
    verdicts_come()
    return user, made


def confirm(user: User, made: ImportDraft) -> Callable[[], str]:
    return lambda: outcome(lambda: import_draft_confirm(actor=MARA, user=user, draft_id=made.pk))


def written(*tags: Tag) -> int:
    return alone(lambda: AuditEvent.objects.filter(tag__in=tags).count())


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_two_who_keep_a_new_key_one_does(_round: int) -> None:
    key = alone(waiting)
    outcomes = at_once([keep(key), keep(key)])

    assert sorted(outcomes) == ["Conflict", "done"]
    assert written(Tag.KEY_KEPT_UNTESTED) == 1
    assert alone(lambda: opened(ApiKey.objects.get())) == OTHER_SECRET


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_one_who_keeps_and_one_who_throws_away_one_wins(_round: int) -> None:
    key = alone(waiting)
    kept, thrown = at_once([keep(key), discard(key)])

    assert sorted([kept, thrown]) == ["Conflict", "done"]
    assert written(Tag.KEY_KEPT_UNTESTED, Tag.KEY_CANDIDATE_DISCARDED) == 1
    expected = OTHER_SECRET if kept == "done" else SECRET
    assert alone(lambda: opened(ApiKey.objects.get())) == expected
    assert alone(lambda: KeyCandidate.objects.exclude(ciphertext=None).count()) == 0


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_one_who_keeps_and_one_who_revokes_nothing_is_left_half_done(_round: int) -> None:
    key = alone(waiting)
    here = key.organisation
    __, revoked = at_once(
        [
            keep(key),
            lambda: outcome(lambda: api_key_revoke(organisation=here, actor=MARA, key=key)),
        ]
    )

    assert revoked == "done"
    assert alone(lambda: ApiKey.objects.get().ciphertext) is None
    assert alone(lambda: KeyCandidate.objects.exclude(ciphertext=None).count()) == 0


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_two_who_confirm_an_import_one_does(_round: int) -> None:
    user, made = alone(draft)
    outcomes = at_once([confirm(user, made), confirm(user, made)])

    assert len([one for one in outcomes if one == "done"]) == 1
    assert set(outcomes) <= {"done", "Conflict", "NotFound"}
    assert written(Tag.KEYS_IMPORT_CONFIRMED) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_one_who_confirms_and_one_who_throws_the_import_away_one_wins(_round: int) -> None:
    user, made = alone(draft)
    outcomes = at_once(
        [
            confirm(user, made),
            lambda: outcome(lambda: import_draft_discard(actor=MARA, user=user, draft_id=made.pk)),
        ]
    )

    assert len([one for one in outcomes if one == "done"]) == 1
    assert written(Tag.KEYS_IMPORT_CONFIRMED, Tag.KEYS_IMPORT_DISCARDED) == 1

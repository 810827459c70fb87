"""While a new secret is tested, refused, undecided: the present one goes on as before."""

from dataclasses import replace

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates import candidate_claims_take, candidates_store
from freddy_admin.sync.leases import Claim, claims_take
from freddy_admin.sync.lifecycle import key_keep
from freddy_admin.sync.models import HistoryEvent
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.opening import secret_open
from freddy_admin.vault.services.candidates import candidate_discard, candidate_retry
from freddy_admin.vault.services.keys import api_key_draft, api_key_replace
from tests.sync.conftest import HandClock, MakeKey, failed, good, refused, row_of

ANA = Actor(name="Ana", id=1)
OLD = "oak_live_healthy_old_0123456789abcdef"
NEW = "oak_live_healthy_new_0123456789abcdef"


def _opened(claim: Claim) -> str:
    return secret_open(
        key_id=claim.key_id,
        organisation_id=claim.organisation_id,
        version=claim.key_version,
        ciphertext=claim.ciphertext,
        master_key_id=claim.master_key_id,
    )


def _check(key: ApiKey) -> str:
    """One scheduled check of the key; the secret it was made with."""
    row_of(key).key.refresh_from_db()
    [claim] = claims_take(limit=5, now=clock.now(), policy=policy())
    [stored] = checks_store([good(row_of(key).key, token=claim.token)])
    assert stored.observed_at == clock.now()
    return _opened(claim)


def _test(end: Checked) -> None:
    [claim] = candidate_claims_take(limit=5, now=clock.now())
    candidates_store([replace(end, token=claim.token, key_version=claim.key_version)])


def _of_another(key: ApiKey) -> Checked:
    end = good(key)
    assert end.info is not None
    assert end.figures is not None
    return replace(
        end,
        info=replace(end.info, organization_id="org_b"),
        figures=replace(end.figures, total_tools=7, enabled_tools=3),
    )


@pytest.fixture
def key(make_key: MakeKey, hand_clock: HandClock) -> ApiKey:
    made = make_key(secret=OLD)
    assert _check(made) == OLD
    hand_clock.forward(minutes=6)
    return made


@pytest.fixture
def replaced(key: ApiKey, organisation: Organisation) -> ApiKey:
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=NEW)
    return key


def test_checks_go_on_with_the_old_secret_while_the_new_one_waits(replaced: ApiKey) -> None:
    assert _check(replaced) == OLD


def test_checks_go_on_with_the_old_secret_while_the_new_one_is_tested(replaced: ApiKey) -> None:
    assert len(candidate_claims_take(limit=5, now=clock.now())) == 1
    assert _check(replaced) == OLD


@pytest.mark.parametrize("end", [refused, failed, _of_another])
def test_checks_go_on_with_the_old_secret_until_a_person_decides(
    replaced: ApiKey, end: object, hand_clock: HandClock
) -> None:
    _test(end(replaced))  # type: ignore[operator]
    for _ in range(3):
        assert _check(replaced) == OLD
        hand_clock.forward(minutes=6)
    assert row_of(replaced).key.version == 1


def test_the_new_secret_is_used_from_the_moment_it_has_answered(
    replaced: ApiKey, hand_clock: HandClock
) -> None:
    _test(good(replaced))
    hand_clock.forward(minutes=6)
    assert _check(replaced) == NEW


def test_a_key_of_another_organisation_waits_with_what_it_reported(replaced: ApiKey) -> None:
    _test(_of_another(replaced))
    candidate = KeyCandidate.objects.get()
    assert (candidate.state, candidate.outcome_code) == ("differs", "organisation,tools")
    found = (candidate.found_total_tools, candidate.found_organization_id)
    assert found == (7, "org_b")
    assert row_of(replaced).total_tools == 42
    event = AuditEvent.objects.get(tag="key_tested")
    assert event.details["outcome"] == "differs"


def test_a_person_may_use_it_all_the_same(
    replaced: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    _test(_of_another(replaced))
    seen = CandidateState.DIFFERS
    key_keep(organisation=organisation, actor=ANA, key=replaced, version=2, state=seen)
    assert AuditEvent.objects.filter(tag="key_kept_differing", actor_name="Ana").exists()
    told = HistoryEvent.objects.filter(kind="key_changed").latest("pk")
    assert (told.details["what"], told.actor_name) == ("kept_differing", "Ana")
    assert _check(replaced) == NEW


def test_a_person_may_throw_it_away(replaced: ApiKey, organisation: Organisation) -> None:
    _test(_of_another(replaced))
    candidate_discard(organisation=organisation, actor=ANA, key=replaced, version=2)
    assert not KeyCandidate.objects.exists()
    assert _check(replaced) == OLD


def test_a_decision_about_what_was_seen_before_another_test_is_refused(
    replaced: ApiKey, organisation: Organisation
) -> None:
    _test(failed(replaced))
    candidate_retry(organisation=organisation, actor=ANA, key=replaced, version=2)
    _test(_of_another(replaced))
    with pytest.raises(Conflict, match="another state"):
        key_keep(organisation=organisation, actor=ANA, key=replaced, version=2)
    with pytest.raises(Conflict, match="nothing to decide"):
        key_keep(
            organisation=organisation,
            actor=ANA,
            key=replaced,
            version=2,
            state=CandidateState.PENDING,
        )
    assert _check(replaced) == OLD


def test_another_test_forgets_what_the_former_one_found(
    replaced: ApiKey, organisation: Organisation
) -> None:
    _test(_of_another(replaced))
    candidate_retry(organisation=organisation, actor=ANA, key=replaced, version=2)
    candidate = KeyCandidate.objects.get()
    assert (candidate.state, candidate.found_total_tools, candidate.outcome_code) == (
        "pending",
        None,
        "",
    )


def test_a_first_key_of_another_organisation_than_the_entered_one_waits(
    organisation: Organisation, key: ApiKey
) -> None:
    details = KeyDetails(label="New", organization_id="org_c")
    draft = api_key_draft(organisation=organisation, actor=ANA, details=details, secret=NEW)
    _test(good(draft))
    draft.refresh_from_db()
    assert (draft.status, draft.candidate.state) == ("draft", "differs")
    assert draft.candidate.outcome_code == "entered"


def test_a_key_whose_checks_never_brought_figures_is_replaced_without_a_question(
    make_key: MakeKey, organisation: Organisation
) -> None:
    key = make_key(secret=OLD)
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=NEW)
    _test(_of_another(key))
    assert not KeyCandidate.objects.exists()
    assert row_of(key).key.version == 2

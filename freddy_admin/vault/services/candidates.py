"""A new secret's way from the form to the key: claimed, tested, then kept, refused or discarded.

Every step names the candidate's version; one that was superseded or discarded in the meantime
answers with Conflict and changes nothing.
"""

import secrets as random_tokens
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.either_clock import latest_now
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.duplicates import (
    candidates_already_here,
    refuse_active_copy,
    refuse_second_copy,
)
from freddy_admin.vault.locks import candidate_lock
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyStatus
from freddy_admin.vault.sealing import sealed_copy
from freddy_admin.vault.trail import key_record
from freddy_admin.vault.trying import (
    NEVER_OPENED,
    TestOutcome,
    decision_ends_at,
    outcome_forget,
    outcome_note,
)

_KEPT = {
    CandidateState.PENDING: Tag.KEY_TESTED,
    CandidateState.UNTESTED: Tag.KEY_KEPT_UNTESTED,
    CandidateState.DIFFERS: Tag.KEY_KEPT_DIFFERING,
}


def candidates_claim(*, limit: int, lease_seconds: float) -> list[KeyCandidate]:
    """Lease up to `limit` candidates that wait for their test, the longest waiting first.

    Each comes with its key and organisation, to be opened with the candidate's own version. A
    lease that runs out makes it claimable again; of several processes one gets each. One whose
    secret its organisation holds by now is not tested: it is thrown away.
    """
    span = timedelta(seconds=lease_seconds)
    ids = list(_claimable(span).order_by("created_at", "pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return []
    _already_here_discard(ids)
    token = random_tokens.token_hex(16)
    # One conditional statement is the lock: whoever comes second finds the lease taken.
    _claimable(span).filter(pk__in=ids).update(lease_until=clock.now() + span, lease_token=token)
    claimed = KeyCandidate.objects.filter(lease_token=token).order_by("created_at", "pk")
    return list(claimed.select_related("key__organisation"))


def candidates_release(*, token: str, key_ids: Collection[int]) -> None:
    """Give claimed candidates back untested, so that whoever comes next tests them."""
    mine = KeyCandidate.objects.filter(lease_token=token, key_id__in=key_ids)
    mine.filter(state=CandidateState.PENDING).update(lease_until=None, lease_token="")


def candidate_hold(*, key: ApiKey, version: int, token: str) -> None:
    """Lock the candidate for whoever tested it under the lease `token`; call in a transaction.

    Raises Conflict where the lease is another one's by now: the test counts for nothing.
    """
    _found, candidate = candidate_lock(organisation=key.organisation, key=key, version=version)
    if candidate.lease_token != token:
        raise Conflict(_("This new key is being tested anew. Wait for the outcome."))


def candidate_promote(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    version: int,
    state: CandidateState = CandidateState.PENDING,
) -> ApiKey:
    """Make the candidate the key's secret; the former sealed bytes are gone with it.

    PENDING: its test went well. UNTESTED or DIFFERS: a person keeps one that could not be tested,
    or that reports something else than expected. Opens nothing. Raises Conflict if it is not in
    this state (refused ones are never kept), if it waited too long for a decision, or if the worker
    could not even open it: the former secret would go for one that nobody can use. Raises
    InvalidInput if another key has this secret by now; `candidates_claim` throws it away.
    """
    with transaction.atomic():
        found, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        _expect(candidate, state)
        ends_at = decision_ends_at(candidate)
        if ends_at is not None and ends_at <= latest_now():
            raise Conflict(_("This new key waited too long for a decision. Paste it again."))
        if state not in _KEPT or candidate.outcome_kind in NEVER_OPENED:
            raise Conflict(
                _("This new key could not be opened, so it cannot be kept. Test or paste it again.")
            )
        refuse_active_copy(key=found, fingerprint=candidate.fingerprint)
        former = found.version
        sealed_copy(candidate, found)
        found.version, found.status = candidate.version, KeyStatus.ACTIVE
        found.secret_set_at = clock.now()
        candidate.delete()
        found.save()
        wal_empty_after_commit()
        key_record(_KEPT[state], actor, found, outcome="kept", versions=[former, found.version])
    return found


def candidate_refuse(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int, outcome: TestOutcome
) -> KeyCandidate:
    """Aitronos refused the new secret: it waits, with the reason, to be discarded or retried."""
    with transaction.atomic():
        found, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        return _ended(found, candidate, CandidateState.REFUSED, actor=actor, outcome=outcome)


def candidate_could_not_test(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int, outcome: TestOutcome
) -> KeyCandidate:
    """The test brought no answer to rely on: a person decides whether to keep the new secret."""
    with transaction.atomic():
        found, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        return _ended(found, candidate, CandidateState.UNTESTED, actor=actor, outcome=outcome)


def candidate_differ(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int, outcome: TestOutcome
) -> KeyCandidate:
    """It works, but what it reports is not what was expected: a person compares and decides."""
    with transaction.atomic():
        found, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        return _ended(found, candidate, CandidateState.DIFFERS, actor=actor, outcome=outcome)


def candidate_retry(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int
) -> KeyCandidate:
    """Ask for another test of a candidate that waits for a person's decision."""
    with transaction.atomic():
        found, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        if candidate.state == CandidateState.PENDING:
            return candidate
        refuse_second_copy(key=found, fingerprint=candidate.fingerprint)
        candidate.state = CandidateState.PENDING
        outcome_forget(candidate)
        candidate.save()
        key_record(Tag.CHECK_REQUESTED, actor, found, version=version)
    return candidate


def candidate_discard(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int
) -> None:
    """Throw the new secret away; a key that never had another one goes with it."""
    with transaction.atomic():
        found, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        key_record(Tag.KEY_CANDIDATE_DISCARDED, actor, found, version=version)
        _drop(found, candidate)


def _drop(key: ApiKey, candidate: KeyCandidate) -> None:
    candidate.delete()
    if key.status == KeyStatus.DRAFT:
        key.delete()
    wal_empty_after_commit()


def _already_here_discard(ids: Collection[int]) -> None:
    # It came by another way, an import say: no test could end in keeping it, so none is made.
    for one in candidates_already_here(ids=ids):
        with suppress(Conflict, NotFound), transaction.atomic():
            found, candidate = candidate_lock(
                organisation=one.key.organisation, key=one.key, version=one.version
            )
            key_record(
                Tag.KEY_CANDIDATE_DISCARDED,
                WORKER,
                found,
                version=candidate.version,
                reason="already here",
            )
            _drop(found, candidate)


def _claimable(span: timedelta) -> QuerySet[KeyCandidate]:
    now = clock.now()
    # A lease longer than ours could be was given before our clock was set back.
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + 2 * span)
    return KeyCandidate.objects.filter(free, state=CandidateState.PENDING)


def _ended(
    key: ApiKey,
    candidate: KeyCandidate,
    state: CandidateState,
    *,
    actor: Actor,
    outcome: TestOutcome,
) -> KeyCandidate:
    _expect(candidate, CandidateState.PENDING)
    candidate.state = state
    outcome_note(candidate, outcome)
    candidate.save()
    key_record(
        Tag.KEY_TESTED,
        actor,
        key,
        outcome=str(state),
        version=candidate.version,
        kind=candidate.outcome_kind,
        http_status=outcome.http_status,
    )
    return candidate


def _expect(candidate: KeyCandidate, state: CandidateState) -> None:
    if candidate.state != state:
        raise Conflict(
            _("This new key is in another state by now. Look at it again before you decide.")
        )

"""Finds the same secret in one organisation by its fingerprint, opening nothing."""

from collections.abc import Collection, Iterable

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyStatus

# A candidate that waits for its test or for a person's decision holds its place.
WAITING = (CandidateState.PENDING, CandidateState.UNTESTED, CandidateState.DIFFERS)
_BATCH = 500


def refuse_second_copy(*, key: ApiKey, fingerprint: str) -> None:
    """Raise InvalidInput if another key of the organisation has, or waits to have, this secret.

    So does pasting once more what this very key is being tested with. The key's own present
    secret is no second copy.
    """
    refuse_active_copy(key=key, fingerprint=fingerprint)
    waiting = KeyCandidate.objects.filter(
        key__organisation_id=key.organisation_id, state__in=WAITING, fingerprint=fingerprint
    )
    for candidate in waiting.select_related("key"):
        _refuse_waiting(candidate, key=key)


def refuse_active_copy(*, key: ApiKey, fingerprint: str) -> None:
    """Raise InvalidInput if another key of the organisation has this secret in use."""
    others = ApiKey.objects.filter(
        organisation_id=key.organisation_id, status=KeyStatus.ACTIVE, fingerprint=fingerprint
    )
    other = others.exclude(pk=key.pk).only("label").first()
    if other is not None:
        raise InvalidInput(
            _("This API key is already here, as “%(label)s”.") % {"label": other.label},
            field="api_key",
        )


def candidates_already_here(*, ids: Collection[int]) -> list[KeyCandidate]:
    """Of these candidates the ones whose secret another key of their organisation has in use."""
    others = ApiKey.objects.filter(
        organisation=OuterRef("key__organisation"),
        status=KeyStatus.ACTIVE,
        fingerprint=OuterRef("fingerprint"),
    ).exclude(pk=OuterRef("key"))
    found = KeyCandidate.objects.filter(Exists(others), pk__in=ids).exclude(fingerprint="")
    return list(found.select_related("key__organisation"))


def _refuse_waiting(candidate: KeyCandidate, *, key: ApiKey) -> None:
    if candidate.key_id != key.pk:
        raise InvalidInput(
            _("This API key is already here: “%(label)s” waits to be kept.")
            % {"label": candidate.key.label},
            field="api_key",
        )
    if candidate.state == CandidateState.PENDING:
        raise InvalidInput(_("This API key is already here: it is being tested."), field="api_key")


def fingerprints_here(*, organisation_ids: Iterable[int]) -> set[tuple[int, str]]:
    """(organisation id, fingerprint) of every active key and waiting candidate."""
    here: set[tuple[int, str]] = set()
    ids = sorted(set(organisation_ids))
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        keys = ApiKey.objects.filter(organisation_id__in=some, status=KeyStatus.ACTIVE)
        here.update(keys.values_list("organisation_id", "fingerprint"))
        waiting = KeyCandidate.objects.filter(key__organisation_id__in=some, state__in=WAITING)
        here.update(waiting.values_list("key__organisation_id", "fingerprint"))
    return here

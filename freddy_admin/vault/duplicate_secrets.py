"""Finds copies of a secret, stored or in readable texts, by fingerprint; opens nothing."""

from collections.abc import Collection, Iterable

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.sealing import secret_fingerprint

# A candidate in these states counts as a copy of its secret.
WAITING_STATES = (CandidateState.PENDING, CandidateState.UNTESTED, CandidateState.DIFFERS)
_BATCH_SIZE = 500


def secret_validate_not_duplicate(*, key: ApiKey, fingerprint: str) -> None:
    """Raise InvalidInput if another key of the organisation, or its candidate, has this secret.

    In whichever environment: a secret is sent to one address, never to two.
    Raised, too, if this key's own candidate has it and is being tested. The key's own present
    secret is no duplicate.
    """
    secret_validate_not_in_other_active_key(key=key, fingerprint=fingerprint)
    candidates = KeyCandidate.objects.filter(
        key__organisation_id=key.organisation_id, state__in=WAITING_STATES, fingerprint=fingerprint
    )
    for candidate in candidates.select_related("key"):
        if candidate.key_id != key.pk:
            raise InvalidInput(
                _("This API key is already here: “%(label)s” waits to be kept.")
                % {"label": _label_with_environment(candidate.key.label, candidate.environment)},
                field="api_key",
            )
        if candidate.state == CandidateState.PENDING:
            raise InvalidInput(
                _("This API key is already here: it is being tested."), field="api_key"
            )


def secret_validate_not_in_other_active_key(*, key: ApiKey, fingerprint: str) -> None:
    """Raise InvalidInput if another active key of the organisation has this secret."""
    active_keys = ApiKey.objects.filter(
        organisation_id=key.organisation_id, status=KeyLifecycle.ACTIVE, fingerprint=fingerprint
    )
    duplicate_key = active_keys.exclude(pk=key.pk).only("label", "environment").first()
    if duplicate_key is not None:
        label = _label_with_environment(duplicate_key.label, duplicate_key.environment)
        raise InvalidInput(
            _("This API key is already here, as “%(label)s”.") % {"label": label}, field="api_key"
        )


def _label_with_environment(label: str, environment: str) -> str:
    return label if environment == DEFAULT_ENVIRONMENT else f"{label} ({environment})"


def duplicate_candidates_list(*, ids: Collection[int]) -> list[KeyCandidate]:
    """Those of these candidates whose secret another active key of their organisation has."""
    active_keys = ApiKey.objects.filter(
        organisation=OuterRef("key__organisation"),
        status=KeyLifecycle.ACTIVE,
        fingerprint=OuterRef("fingerprint"),
    ).exclude(pk=OuterRef("key"))
    candidates = KeyCandidate.objects.filter(Exists(active_keys), pk__in=ids).exclude(
        fingerprint=""
    )
    return list(candidates.select_related("key__organisation"))


def fingerprints_of_organisations(*, organisation_ids: Iterable[int]) -> dict[tuple[int, str], str]:
    """(organisation id, fingerprint) of every active key and waiting candidate: its environment."""
    fingerprints: dict[tuple[int, str], str] = {}
    ids = sorted(set(organisation_ids))
    for start in range(0, len(ids), _BATCH_SIZE):
        batch_ids = ids[start : start + _BATCH_SIZE]
        keys = ApiKey.objects.filter(organisation_id__in=batch_ids, status=KeyLifecycle.ACTIVE)
        for row in keys.values_list("organisation_id", "fingerprint", "environment"):
            fingerprints[row[0], row[1]] = row[2]
        candidates = KeyCandidate.objects.filter(
            key__organisation_id__in=batch_ids, state__in=WAITING_STATES
        )
        for row in candidates.values_list("key__organisation_id", "fingerprint", "environment"):
            fingerprints[row[0], row[1]] = row[2]
    return fingerprints


@sensitive_variables()
def key_details_validate_without_stored_key(
    *, organisation: Organisation, details: KeyDetails
) -> None:
    """Raise InvalidInput for the field whose text, or a word of it, is a key stored here.

    Opens nothing: texts and stored keys are compared by their fingerprints.
    """
    field_texts = [("label", details.label), ("organization_id", details.organization_id)]
    field_texts += [("tags", tag) for tag in details.tags]
    fields_by_fingerprint = {
        secret_fingerprint(word): field
        for field, text in field_texts
        for word in {text, *text.split()}
    }
    keys = ApiKey.objects.filter(organisation=organisation, fingerprint__in=fields_by_fingerprint)
    candidates = KeyCandidate.objects.filter(
        key__organisation=organisation, fingerprint__in=fields_by_fingerprint
    )
    for rows in (keys, candidates):
        fingerprint = rows.exclude(fingerprint="").values_list("fingerprint", flat=True).first()
        if fingerprint is not None:
            raise InvalidInput(
                _("This is an API key that is stored here. Everybody could read it: remove it."),
                field=fields_by_fingerprint[fingerprint],
            )

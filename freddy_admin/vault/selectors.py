"""Reads keys, of one organisation or of one person's. Nothing here loads sealed bytes."""

import hashlib
import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import (
    Audience,
    organisations_visible,
)
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.vault.models import (
    ApiKey,
    CandidateState,
    KeyCandidate,
    KeyLifecycle,
    KeyTag,
    SealedSecret,
)

LARGEST_ID: Final = 2**63 - 1
RETRIED_STATES: Final = (CandidateState.REFUSED, CandidateState.UNTESTED)
RETRIED_HOURLY_Q: Final = Q(retries_hourly=True, state__in=RETRIED_STATES)
# A tested secret that nobody kept or discarded for this long expires.
DECISION_PERIOD: Final = timedelta(days=7)


def api_keys_list(*, organisation: Organisation, with_revoked: bool = False) -> QuerySet[ApiKey]:
    """Keys by label, with owner, candidate and tags; two queries, whatever their number."""
    keys = _organisation_api_keys(organisation)
    return keys if with_revoked else keys.exclude(status=KeyLifecycle.REVOKED)


def api_key_get(*, organisation: Organisation, key_id: int) -> ApiKey:
    """One key of this organisation; NotFound for a foreign one and a missing one alike."""
    key = (
        _organisation_api_keys(organisation).filter(pk=key_id).first()
        if 0 < key_id <= LARGEST_ID
        else None
    )
    if key is None:
        raise key_not_found()
    return key


def api_key_counts_by_environment() -> dict[str, int]:
    """How many keys in use belong to each environment, by its name; of all organisations."""
    keys = ApiKey.objects.filter(status=KeyLifecycle.ACTIVE).order_by("environment")
    return dict(keys.values_list("environment").annotate(count=Count("pk")))


def key_organisation(*, user: User, key_id: int) -> Organisation:
    """The organisation of this active key, among those the person may see.

    Raises NotFound, with the same message for a missing key and a foreign one.
    """
    key = ApiKey.objects.filter(organisation=OuterRef("pk"), pk=key_id, status=KeyLifecycle.ACTIVE)
    organisation = organisations_visible(user=user).filter(Exists(key)).first()
    if organisation is None:
        raise NotFound(_("There is no such key here."))
    return organisation


def key_details_revision(*, key: ApiKey) -> str:
    """A digest of the key's details, 32 characters, that changes with any of them.

    A form carries it along, so that a concurrent change is detected.
    """
    tags = sorted(tag.name for tag in key.tags.all())
    details = [key.label, key.organization_id, key.owner_id, key.grace_minutes, tags]
    details += [key.expires_on.isoformat()] if key.expires_on else []
    return hashlib.sha256(json.dumps(details).encode()).hexdigest()[:32]


def masked_secret(sealed_secret: SealedSecret) -> str:
    """The most that is ever shown of a stored key: `fk_0123456789…wxyz`, `…wxyz` or "hidden"."""
    if not sealed_secret.hint_end:
        return _("hidden")
    return f"{sealed_secret.hint_start}…{sealed_secret.hint_end}"


def candidate_find(*, key: ApiKey) -> KeyCandidate | None:
    """The key's candidate, which waits for its test or for a decision; None without one."""
    candidate: KeyCandidate | None = getattr(key, "candidate", None)
    return candidate


def decision_deadline(candidate: KeyCandidate) -> datetime | None:
    """When the candidate expires unless somebody decides; None where nobody has to.

    That is while it waits for its test, and where a person said to try it every hour.
    """
    if candidate.state == CandidateState.PENDING or is_retried_hourly(candidate):
        return None
    return (candidate.tested_at or candidate.created_at) + DECISION_PERIOD


def is_retried_hourly(candidate: KeyCandidate) -> bool:
    """Whether the worker tests it every hour, as a person decided; not once it reports figures."""
    return candidate.retries_hourly and candidate.state in RETRIED_STATES


def undecided_state(candidate: KeyCandidate | None) -> str:
    """The state of a candidate that waits for a person's decision; else ""."""
    is_undecided = candidate is not None and decision_deadline(candidate) is not None
    return candidate.state if candidate and is_undecided else ""


def organisation_tag_names(*, organisation: Organisation) -> list[str]:
    """The tags this organisation uses, in order."""
    tags = KeyTag.objects.filter(organisation=organisation)
    return list(tags.order_by("name").values_list("name", flat=True))


def key_tag_names_by_key(*, key_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The names of the tags of each of these keys that has any, in order; one query."""
    tagged = ApiKey.tags.through.objects.filter(apikey_id__in=key_ids)
    names: dict[int, tuple[str, ...]] = {}
    for key_id, name in tagged.order_by("keytag__name").values_list("apikey_id", "keytag__name"):
        names[key_id] = (*names.get(key_id, ()), name)
    return names


def key_not_found() -> NotFound:
    """The error for a missing key and a foreign one alike."""
    return NotFound(_("There is no such key here. It may have been removed in the meantime."))


def _organisation_api_keys(organisation: Organisation) -> QuerySet[ApiKey]:
    keys = ApiKey.objects.filter(organisation=organisation).select_related("owner", "candidate")
    sealed_fields = ("ciphertext", "candidate__ciphertext")
    return keys.defer(*sealed_fields).prefetch_related("tags").order_by("label", "pk")


def undecided_candidates() -> QuerySet[KeyCandidate]:
    """Those of all organisations."""
    return KeyCandidate.objects.exclude(state=CandidateState.PENDING).exclude(RETRIED_HOURLY_Q)


def undecided_candidates_query(audience: Audience) -> QuerySet[Any, Any]:
    """What a list shows of those in the audience's organisations, the longest waiting first."""
    candidates: QuerySet[Any, Any] = undecided_candidates()
    role: Any = Value(None, output_field=CharField())
    if not audience.is_platform_admin:
        memberships = Membership.objects.filter(
            organisation=OuterRef("key__organisation"), user=audience.pk
        )
        role = Subquery(memberships.values("role")[:1])
        candidates = candidates.filter(key__organisation__memberships__user=audience.pk)
    rows: QuerySet[Any, Any] = (
        candidates.annotate(role=role)
        .order_by("tested_at", "key_id")
        .values(
            *("key_id", "key__label", "state", "tested_at", "created_at", "role"),
            *("key__organisation__name", "key__organisation__slug"),
        )
    )
    return rows

"""Reads keys of one organisation. Nothing here loads sealed bytes."""

import hashlib
import json
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyStatus, KeyTag

LARGEST_ID: Final = 2**63 - 1


def api_keys_of(*, organisation: Organisation, with_revoked: bool = False) -> QuerySet[ApiKey]:
    """Keys by label, with owner, candidate and tags; two queries, whatever their number."""
    keys = _keys(organisation)
    return keys if with_revoked else keys.exclude(status=KeyStatus.REVOKED)


def api_key_get(*, organisation: Organisation, key_id: int) -> ApiKey:
    """One key of this organisation; NotFound for a foreign one and a missing one alike."""
    key = _keys(organisation).filter(pk=key_id).first() if 0 < key_id <= LARGEST_ID else None
    if key is None:
        raise key_not_found()
    return key


def details_revision(*, key: ApiKey) -> str:
    """A short text that is another one as soon as anything of the key's details is.

    For a form to carry along, so that a change made meanwhile in another tab is noticed.
    """
    tags = sorted(tag.name for tag in key.tags.all())
    told = [key.label, key.organization_id, key.owner_id, key.grace_minutes, tags]
    told += [key.expires_on.isoformat()] if key.expires_on else []
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def candidate_of(*, key: ApiKey) -> KeyCandidate | None:
    """The new secret that waits for its test or for a decision, if there is one."""
    candidate: KeyCandidate | None = getattr(key, "candidate", None)
    return candidate


def tag_names(*, organisation: Organisation) -> list[str]:
    """The tags this organisation uses, in order."""
    tags = KeyTag.objects.filter(organisation=organisation)
    return list(tags.order_by("name").values_list("name", flat=True))


def key_not_found() -> NotFound:
    """The one answer for what is not there and what is not yours."""
    return NotFound(_("There is no such key here. It may have been removed in the meantime."))


def _keys(organisation: Organisation) -> QuerySet[ApiKey]:
    keys = ApiKey.objects.filter(organisation=organisation).select_related("owner", "candidate")
    sealed = ("ciphertext", "candidate__ciphertext")
    return keys.defer(*sealed).prefetch_related("tags").order_by("label", "pk")

"""Keeps secrets out of the texts that everybody who may see a key can read."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.sealing import secret_fingerprint
from freddy_admin.vault.secret_format import is_secret_in_texts


@sensitive_variables()
def texts_validate_without_secret(secret: str, texts: Iterable[str], *, field: str) -> None:
    """Raise InvalidInput for `field` if one of these texts contains this new secret."""
    if is_secret_in_texts(secret, texts):
        raise InvalidInput(
            _("The key stands in another field, too, where everybody could read it. Remove it."),
            field=field,
        )


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

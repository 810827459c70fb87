"""Keeps secrets out of the texts that everybody who looks at a key gets to read."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.errors import InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.sealing import secret_fingerprint
from freddy_admin.vault.secrets import secret_is_told


@sensitive_variables()
def refuse_told(secret: str, texts: Iterable[str], *, field: str) -> None:
    """Raise InvalidInput for `field` if one of these texts gives this new secret away."""
    if secret_is_told(secret, texts):
        raise InvalidInput(
            _("The key stands in another field, too, where everybody could read it. Remove it."),
            field=field,
        )


@sensitive_variables()
def refuse_stored(*, organisation: Organisation, details: KeyDetails) -> None:
    """Raise InvalidInput for the field whose text, or a word of it, is a key stored here.

    The stored keys stay shut: what would be told is found by its fingerprint.
    """
    texts = [("label", details.label), ("organization_id", details.organization_id)]
    texts += [("tags", tag) for tag in details.tags]
    words = {
        secret_fingerprint(word): field for field, text in texts for word in {text, *text.split()}
    }
    keys = ApiKey.objects.filter(organisation=organisation, fingerprint__in=words)
    waiting = KeyCandidate.objects.filter(key__organisation=organisation, fingerprint__in=words)
    for rows in (keys, waiting):
        found = rows.exclude(fingerprint="").values_list("fingerprint", flat=True).first()
        if found is not None:
            raise InvalidInput(
                _("This is an API key that is stored here. Everybody could read it: remove it."),
                field=words[found],
            )

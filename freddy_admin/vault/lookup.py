"""Finds the organisation of a key, for API requests that name a key by its id alone."""

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.vault.models import ApiKey, KeyLifecycle


def key_organisation(*, user: User, key_id: int) -> Organisation:
    """The organisation of this active key, among those the person may see.

    Raises NotFound, with the same message for a missing key and a foreign one.
    """
    key = ApiKey.objects.filter(organisation=OuterRef("pk"), pk=key_id, status=KeyLifecycle.ACTIVE)
    organisation = organisations_visible(user=user).filter(Exists(key)).first()
    if organisation is None:
        raise NotFound(_("There is no such key here."))
    return organisation

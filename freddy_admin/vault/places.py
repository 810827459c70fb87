"""Where a key is, for programs that name it by its id alone."""

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.vault.models import ApiKey, KeyStatus


def key_organisation(*, user: User, key_id: int) -> Organisation:
    """The organisation of this active key, among those the person sees.

    Raises NotFound, with the same words for a missing key and for somebody else's.
    """
    key = ApiKey.objects.filter(organisation=OuterRef("pk"), pk=key_id, status=KeyStatus.ACTIVE)
    found = organisations_visible(user=user).filter(Exists(key)).first()
    if found is None:
        raise NotFound(_("There is no such key here."))
    return found

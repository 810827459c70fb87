"""One operation by its id, for programs that wait for its result."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.models import RemoteOperation


def operation_get(
    *, user: User, operation_id: int, organisation_ids: Collection[int] | None = None
) -> RemoteOperation:
    """An operation of an organisation that `user` may see, of `organisation_ids` where given.

    Raises NotFound, with the same words for a missing operation and for somebody else's.
    """
    organisations = organisations_visible(user=user)
    if organisation_ids is not None:
        organisations = organisations.filter(pk__in=organisation_ids)
    operations = RemoteOperation.objects.filter(pk=operation_id, organisation__in=organisations)
    operation = operations.select_related("key", "organisation").first()
    if operation is None:
        raise NotFound(_("There is no such order, or it is not yours to see."))
    return operation

"""One order by its id, for programs that wait for its end."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.models import Order


def order_get(
    *, user: User, order_id: int, organisation_ids: Collection[int] | None = None
) -> Order:
    """An order of one of this person's organisations, of `organisation_ids` where given.

    Raises NotFound, with the same words for a missing order and for somebody else's.
    """
    mine = organisations_visible(user=user)
    if organisation_ids is not None:
        mine = mine.filter(pk__in=organisation_ids)
    orders = Order.objects.filter(pk=order_id, organisation__in=mine)
    found = orders.select_related("key", "organisation").first()
    if found is None:
        raise NotFound(_("There is no such order, or it is not yours to see."))
    return found

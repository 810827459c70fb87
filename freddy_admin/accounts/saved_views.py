"""Views of the overview that a person keeps under names of their own."""

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import SavedView, User
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.text import line_clean

VIEWS_AT_MOST = 20
NAME_LIMIT = 60
QUERY_LIMIT = 600


def saved_views_of(*, user: User) -> list[SavedView]:
    """This person's views by name, whatever its case; one query, `VIEWS_AT_MOST` views."""
    return sorted(SavedView.objects.filter(user=user), key=lambda view: view.name.casefold())


@transaction.atomic
def saved_view_keep(*, actor: Actor, user: User, name: str, query: str) -> SavedView:
    """Keep an address of the overview; under a name that is kept already it takes its place.

    `query` is stored as it is: the caller has written it anew from what it understood. Raises
    InvalidInput for a name that is unusable and a query that is empty or too long, Conflict
    where there are too many.
    """
    clean = line_clean(name, field="name", limit=NAME_LIMIT)
    _query_check(query)
    # Two of one person's at the same time: one after the other, so that neither passes the limit.
    User.objects.select_for_update().get(pk=user.pk)
    kept = {view.name.casefold(): view for view in saved_views_of(user=user)}
    view = kept.get(clean.casefold())
    if view is None:
        _refuse_too_many(len(kept))
        view = SavedView(user=user, name=clean)
    view.query = query
    view.save()
    audit_record(tag=Tag.VIEW_KEPT, actor=actor, subject=view.name)
    return view


@transaction.atomic
def saved_view_remove(*, actor: Actor, user: User, view_id: int) -> str:
    """Forget one of this person's views; its name. Raises NotFound, also for somebody else's."""
    view = SavedView.objects.filter(user=user, pk=view_id).first()
    if view is None:
        raise NotFound(_("There is no such view."))
    view.delete()
    audit_record(tag=Tag.VIEW_REMOVED, actor=actor, subject=view.name)
    return view.name


def _refuse_too_many(kept: int) -> None:
    if kept >= VIEWS_AT_MOST:
        raise Conflict(
            _("You keep %(n)d views already. Remove one, then keep this one.")
            % {"n": VIEWS_AT_MOST}
        )


def _query_check(query: str) -> None:
    if not query:
        raise InvalidInput(
            _("Search, filter or sort first: everything is what the overview shows anyway."),
            field="query",
        )
    if len(query) > QUERY_LIMIT:
        raise InvalidInput(
            _("This search is too long to be kept. Shorten it and try again."), field="query"
        )

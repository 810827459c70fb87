"""Views of the overview that a person saves under names of their own."""

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import SavedView, User
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.core.text_validation import line_clean

VIEWS_AT_MOST = 20
NAME_LIMIT = 60
QUERY_LIMIT = 600


@transaction.atomic
def saved_view_save(*, actor: Actor, user: User, name: str, query: str) -> SavedView:
    """Save a query of the overview; it replaces the view of the same name, whatever its case.

    `query` is stored as it is: the caller has rebuilt it from the parameters it parsed. Raises
    InvalidInput for a name that is unusable and a query that is empty or too long, Conflict
    where there are too many views.
    """
    clean_name = line_clean(name, field="name", limit=NAME_LIMIT)
    _saved_view_query_validate(query)
    # Requests of one person at the same time wait for each other, so that none passes the limit.
    User.objects.select_for_update().get(pk=user.pk)
    views_by_name = {view.name.casefold(): view for view in user.saved_views.all()}
    view = views_by_name.get(clean_name.casefold())
    if view is None:
        _saved_view_limit_check(len(views_by_name))
        view = SavedView(user=user, name=clean_name)
    view.query = query
    view.save()
    audit_event_record(tag=AuditTag.VIEW_KEPT, actor=actor, subject=view.name)
    return view


@transaction.atomic
def saved_view_delete(*, actor: Actor, user: User, view_id: int) -> str:
    """Delete one of this person's views; returns its name.

    Raises NotFound, also for somebody else's view.
    """
    view = SavedView.objects.filter(user=user, pk=view_id).first()
    if view is None:
        raise NotFound(_("There is no such view."))
    view.delete()
    audit_event_record(tag=AuditTag.VIEW_REMOVED, actor=actor, subject=view.name)
    return view.name


def _saved_view_limit_check(count: int) -> None:
    if count >= VIEWS_AT_MOST:
        raise Conflict(
            _("You keep %(n)d views already. Remove one, then keep this one.")
            % {"n": VIEWS_AT_MOST}
        )


def _saved_view_query_validate(query: str) -> None:
    if not query:
        raise InvalidInput(
            _("Search, filter or sort first: everything is what the overview shows anyway."),
            field="query",
        )
    if len(query) > QUERY_LIMIT:
        raise InvalidInput(
            _("This search is too long to be kept. Shorten it and try again."), field="query"
        )

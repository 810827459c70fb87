"""The open incident of a key, for the lists of keys: read with the row, by no query of its own."""

from django.db.models import Max, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from freddy_admin.alerts.models import IncidentKey, IncidentState, Mute


def open_incident_expression() -> Subquery:
    """The open incident of a `SyncStatus` row as JSON, None without one.

    Whether a mute of it still holds is for the reader to say: `muted_until` may lie in the past.
    """
    mutes = (
        Mute.objects.filter(incident=OuterRef("incident"), ended_at=None)
        .order_by()
        .values("incident")
        .annotate(latest=Max("until"))
        .values("latest")
    )
    rows = IncidentKey.objects.filter(
        ~Q(incident__state=IncidentState.RESOLVED), key=OuterRef("pk"), ended_at=None
    )
    return Subquery(
        rows.values(
            open_incident=JSONObject(
                id="incident_id",
                state="incident__state",
                opened_at="incident__opened_at",
                acknowledged_by="incident__acknowledged_by",
                assignee_id="incident__assignee_id",
                assignee_name="incident__assignee__name",
                assignee_email="incident__assignee__email",
                muted_until=Subquery(mutes),
            )
        )[:1]
    )

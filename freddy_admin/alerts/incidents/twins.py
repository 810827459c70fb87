"""Twins: keys of one organisation that report one sync, and so share an incident."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import F

from freddy_admin.alerts.incidents.locks import open_parts_locked
from freddy_admin.alerts.models import Incident
from freddy_admin.sync.history.signals import HealthChange
from freddy_admin.sync.status.shared_figures import MIN_IDENTICAL_CHECKS


@dataclass(frozen=True, slots=True)
class SyncMark:
    """By what keys that report the same sync are found: the digests of their figures."""

    organisation_id: int
    digest: str
    previous_digest: str
    check_count: int

    @classmethod
    def from_change(cls, change: HealthChange) -> "SyncMark":
        """Of the key that changed."""
        return cls(
            change.organisation_id,
            change.figures_digest,
            change.previous_figures_digest,
            change.figures_check_count,
        )

    def is_twin_of(self, other: "SyncMark") -> bool:
        """Whether it is proven that both report one sync: as the notice on equal figures has it."""
        if not self.digest or (self.organisation_id, self.digest) != (
            other.organisation_id,
            other.digest,
        ):
            return False
        moved_together = self.previous_digest == other.previous_digest != ""
        return moved_together or min(self.check_count, other.check_count) >= MIN_IDENTICAL_CHECKS


@dataclass
class OpenIncidents:
    """The open incidents in which a twin may be, by the figures of their keys."""

    _marks: dict[tuple[int, str], list[tuple[SyncMark, Incident]]] = field(default_factory=dict)

    def add(self, mark: SyncMark, incident: Incident) -> None:
        """Add that a key with these figures is in this open incident."""
        self._marks.setdefault((mark.organisation_id, mark.digest), []).append((mark, incident))

    def find(self, mark: SyncMark) -> Incident | None:
        """The incident of a twin, the first one where there are several."""
        for other, incident in self._marks.get((mark.organisation_id, mark.digest), []):
            if mark.is_twin_of(other):
                return incident
        return None


def open_incidents_of_twins(
    marks: Iterable[SyncMark], known_incidents: dict[int, Incident]
) -> OpenIncidents:
    """The open incidents of keys that may be twins of these; one query, none without figures.

    An incident of `known_incidents` is that very object.
    """
    open_incidents = OpenIncidents()
    wanted = {mark.digest: mark for mark in marks if mark.digest}
    if not wanted:
        return open_incidents
    parts = open_parts_locked().filter(
        incident__organisation_id__in={mark.organisation_id for mark in wanted.values()},
        key__sync_status__figures_digest__in=list(wanted),
    )
    parts = parts.annotate(
        digest=F("key__sync_status__figures_digest"),
        previous_digest=F("key__sync_status__previous_figures_digest"),
        check_count=F("key__sync_status__figures_check_count"),
    )
    for part in parts:
        incident = known_incidents.setdefault(part.incident_id, part.incident)
        open_incidents.add(
            SyncMark(incident.organisation_id, part.digest, part.previous_digest, part.check_count),
            incident,
        )
    return open_incidents

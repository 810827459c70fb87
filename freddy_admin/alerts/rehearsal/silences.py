"""What held messages back in some time: the mutes that were set, the windows that were planned."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from freddy_admin.alerts.models import MaintenanceWindow, Mute
from freddy_admin.alerts.rehearsal.replay import RehearsedIncident
from freddy_admin.alerts.rules.decisions import HeldReason
from freddy_admin.alerts.silences.recurrence import window_spans
from freddy_admin.vault.models import ApiKey

_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime  # from when on it was known
    stop: datetime  # when it ended in fact
    until: datetime  # when it was to end
    tag: str = ""

    def holds(self, at: datetime) -> bool:
        return self.start <= at < self.stop


class PastSilences:
    """What held back each incident at a moment of the past; read once, in a few queries."""

    def __init__(
        self, incidents: Iterable[RehearsedIncident], *, start: datetime, end: datetime
    ) -> None:
        incidents = list(incidents)
        self._mutes = _mutes([i.stored_id for i in incidents if i.stored_id is not None])
        self._windows = _windows({i.organisation_id for i in incidents}, start, end)
        has_tags = any(span.tag for spans in self._windows.values() for span in spans)
        self._tags = _key_tags({k for i in incidents for k in i.key_ids}) if has_tags else {}

    def __call__(
        self, incident: RehearsedIncident, at: datetime
    ) -> Sequence[tuple[HeldReason, datetime]]:
        """What held it back at this moment, each with the end that was planned."""
        if not (self._mutes or self._windows):
            return ()
        mutes = self._mutes.get(incident.stored_id or 0, ())
        held = [(HeldReason.MUTE, span.until) for span in mutes if span.holds(at)]
        for owner in (None, incident.organisation_id):
            held += [
                (HeldReason.WINDOW, span.until)
                for span in self._windows.get(owner, ())
                if span.holds(at) and self._covers(span, incident)
            ]
        return held

    def _covers(self, span: _Span, incident: RehearsedIncident) -> bool:
        return not span.tag or all(
            span.tag in self._tags.get(key_id, ()) for key_id in incident.key_ids
        )


def _mutes(incident_ids: list[int]) -> dict[int, list[_Span]]:
    mutes = defaultdict[int, list[_Span]](list)
    for start in range(0, len(incident_ids), _BATCH_SIZE):
        rows = Mute.objects.filter(incident__in=incident_ids[start : start + _BATCH_SIZE])
        for mute in rows:
            stop = min(mute.until, mute.ended_at or mute.until)
            mutes[mute.incident_id].append(_Span(mute.created_at, stop, mute.until))
    return mutes


def _windows(
    organisation_ids: set[int], start: datetime, end: datetime
) -> dict[int | None, list[_Span]]:
    rows = MaintenanceWindow.objects.filter(
        Q(organisation=None) | Q(organisation__in=organisation_ids), created_at__lt=end
    ).exclude(deleted_at__lt=start)
    windows = defaultdict[int | None, list[_Span]](list)
    for window in rows:
        for span in window_spans(window, start=start, end=end):
            known_from = max(span.start, window.created_at)
            stop = min(span.end, window.deleted_at or span.end)
            if known_from < stop:
                windows[window.organisation_id].append(
                    _Span(known_from, stop, span.end, window.tag)
                )
    return windows


def _key_tags(key_ids: set[int]) -> dict[int, set[str]]:
    tags, ids = defaultdict[int, set[str]](set), sorted(key_ids)
    for start in range(0, len(ids), _BATCH_SIZE):
        pairs = ApiKey.tags.through.objects.filter(apikey__in=ids[start : start + _BATCH_SIZE])
        for key_id, name in pairs.values_list("apikey_id", "keytag__name"):
            tags[key_id].add(name)
    return tags

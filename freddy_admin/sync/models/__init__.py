"""The tables of the sync room: sync status, history, remote operations, catalog, counters."""

from freddy_admin.sync.models.catalog import CatalogKind, CatalogSnapshot
from freddy_admin.sync.models.counts import OrganisationFigures, PanelFigures, StateCount
from freddy_admin.sync.models.history import CheckRun, EventKind, HistoryEvent
from freddy_admin.sync.models.operations import (
    OperationBatch,
    OperationKind,
    OperationState,
    RemoteOperation,
)
from freddy_admin.sync.models.search import SearchWord
from freddy_admin.sync.models.status import (
    ApiHealth,
    CallBudget,
    CheckCounter,
    CheckOutcome,
    SyncStatus,
    WorkerHeartbeat,
)

__all__ = [
    "ApiHealth",
    "CallBudget",
    "CatalogKind",
    "CatalogSnapshot",
    "CheckCounter",
    "CheckOutcome",
    "CheckRun",
    "EventKind",
    "HistoryEvent",
    "OperationBatch",
    "OperationKind",
    "OperationState",
    "OrganisationFigures",
    "PanelFigures",
    "RemoteOperation",
    "SearchWord",
    "StateCount",
    "SyncStatus",
    "WorkerHeartbeat",
]

"""The tables of the sync room: what is, what was, what people asked for."""

from freddy_admin.sync.models.counts import CheckCount
from freddy_admin.sync.models.history import CheckRun, EventKind, HistoryEvent
from freddy_admin.sync.models.listings import Listing, ListingKind
from freddy_admin.sync.models.orders import Order, OrderBatch, OrderKind, OrderState
from freddy_admin.sync.models.status import ApiHealth, KeySync, Outcome, WorkerBeat

__all__ = [
    "ApiHealth",
    "CheckCount",
    "CheckRun",
    "EventKind",
    "HistoryEvent",
    "KeySync",
    "Listing",
    "ListingKind",
    "Order",
    "OrderBatch",
    "OrderKind",
    "OrderState",
    "Outcome",
    "WorkerBeat",
]

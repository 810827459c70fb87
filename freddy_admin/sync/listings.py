"""The lists of a key as pages get them: what is young enough is served; older is asked for, too.

A page never calls Aitronos. It reads the latest good list, and marks an old one as wanted; the
worker makes the call (`listing_calls`).
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_get, cache_set
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.freshness import Answer, CheckRequest
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.listing_rows import Item, ListingState, ListingView, thawed
from freddy_admin.sync.models import Listing, ListingKind, Outcome
from freddy_admin.sync.outcomes import OwnFailure
from freddy_admin.sync.policy import PRESS_AGAIN_AFTER, policy
from freddy_admin.sync.rows import CheckError
from freddy_admin.vault.models import LARGEST_ID, ApiKey, KeyStatus

log = logging.getLogger(__name__)

LIST_FRESH = timedelta(minutes=10)
FAILED_AGAIN_AFTER = timedelta(minutes=1)
# Asking again cures none of these: people who look do not make us try it every minute.
_LASTING = frozenset(
    {FailureKind.KEY_REFUSED, FailureKind.KEY_NOT_PERMITTED, OwnFailure.KEY_UNREADABLE}
)

"""The fixed fleet: the demo's organisations with a month behind them, and one that has it all."""

import random
from dataclasses import dataclass
from datetime import timedelta
from unittest import mock

from django.conf import settings
from django.db import connection
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.ops.demo_data import DEMO_ADMIN_EMAIL, DEMO_VIEWER_EMAIL, demo_data_ensure
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.worker import schedule
from tests.web.conftest import MakeKey, mark_reauthenticated
from tests.web.member_factories import create_member
from tests.web.tenant_factory import Tenant, create_filled_tenant

HOST = "localhost"
# Roles are those at the organisation that has everything.
ROLES = ("signed out", "stranger", "viewer", "operator", "manager", "admin")


@dataclass(frozen=True)
class Fleet:
    """Everybody, with a browser each, and the organisation that has a row of every kind."""

    tenant: Tenant
    people: dict[str, User]
    organisations: list[str]  # slugs, by name

    def browser(self, role: str, *, minutes_ago: int = 0) -> Client:
        """A client signed in as this role, authenticated so many minutes ago."""
        client = Client(raise_request_exception=False, HTTP_HOST=HOST)
        if role in self.people:
            client.force_login(self.people[role])
            mark_reauthenticated(client, self.people[role], minutes_ago=minutes_ago)
        return client


def demo_create(*, history_length: timedelta) -> None:
    """Store the demo's organisations in an empty database, as if watched for `history_length`."""
    # Ids stand in addresses: whatever ran before, they begin with one.
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sqlite_sequence")
    # The schedule spreads the keys by chance: its own here, for a thread that another test left
    # behind may draw from the common one.
    with mock.patch.object(schedule, "random", random.Random(2026)):
        demo_data_ensure(history_length=history_length)


def fleet_create(make_key: MakeKey) -> Fleet:
    """Add the organisation that has a row of every kind, and its people."""
    WorkerHeartbeat.objects.create(
        name="w1", version=settings.VERSION, started_at=clock.now(), heartbeat_at=clock.now()
    )
    tenant = create_filled_tenant("grove", make_key)
    people = {
        "stranger": User.objects.get(email=DEMO_VIEWER_EMAIL),
        "viewer": create_member(tenant.organisation, email="vic@grove.example", name="Vic"),
        "operator": create_member(
            tenant.organisation, "operator", email="oona@grove.example", name="Oona"
        ),
        "manager": tenant.manager,
        "admin": User.objects.get(email=DEMO_ADMIN_EMAIL),
    }
    slugs = SyncStatus.objects.values_list("organisation__slug", flat=True).distinct()
    return Fleet(tenant, people, sorted(slugs))

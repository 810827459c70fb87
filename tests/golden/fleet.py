"""The fixed fleet: the demo's organisations with a month behind them, and one that has it all."""

import random
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.ops.demo import ADMIN, VIEWER, demo_data_ensure
from freddy_admin.sync.models import KeySync, WorkerBeat
from tests.web.conftest import MakeKey, confirm
from tests.web.membership import member_made
from tests.web.two_tenants import Tenant, tenant_filled

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
        """Signed in as this role; the person showed that it is them so many minutes ago."""
        client = Client(raise_request_exception=False, HTTP_HOST=HOST)
        if role in self.people:
            client.force_login(self.people[role])
            confirm(client, self.people[role], minutes_ago=minutes_ago)
        return client


def demo_build(*, past: timedelta) -> None:
    """Store the demo's organisations in an empty database, as if watched for `past`."""
    # Ids stand in addresses: whatever ran before, they begin with one.
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sqlite_sequence")
    random.seed(2026)  # by which the schedule spreads the keys
    demo_data_ensure(past=past)


def fleet_build(make_key: MakeKey) -> Fleet:
    """Add the organisation that has a row of every kind, and its people."""
    WorkerBeat.objects.create(
        name="w1", version=settings.VERSION, started_at=clock.now(), beat_at=clock.now()
    )
    tenant = tenant_filled("grove", make_key)
    people = {
        "stranger": User.objects.get(email=VIEWER),
        "viewer": member_made(tenant.organisation, email="vic@grove.example", name="Vic"),
        "operator": member_made(
            tenant.organisation, "operator", email="oona@grove.example", name="Oona"
        ),
        "manager": tenant.manager,
        "admin": User.objects.get(email=ADMIN),
    }
    slugs = KeySync.objects.values_list("organisation__slug", flat=True).distinct()
    return Fleet(tenant, people, sorted(slugs))

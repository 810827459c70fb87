"""Drill S32: no field name or ordering of a query string reaches the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.organisations.models import Organisation
from tests.web.conftest import MakeKey, People, SignIn

PLANTED = "zqplanted"
ADDRESSES = [
    "/",
    "/audit/",
    "/people/",
    "/overview.csv",
    "/audit.csv",
    "/organisations/alder/",
    "/organisations/alder/members/",
    "/organisations/alder/connectors/",
]
NAMES = [
    "order",
    "operation_requested_by",
    "sort",
    "filter__x",
    "organisation__members__password__startswith",
    "password__startswith",
    "pk__in",
    "_connector",
    "_negated",
    "annotate",
    "state",
    "page",
]
VALUES = [f"-{PLANTED}__pk", f"id;DROP TABLE {PLANTED}", f"OR 1=1 {PLANTED}"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_parameter_that_is_not_offered_reaches_no_sql_statement(
    address: str,
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
    signed_in: SignIn,
) -> None:
    make_key()
    client = signed_in(people.admin)
    for name in NAMES:
        with CaptureQueriesContext(connection) as queries:
            for value in VALUES:
                answer = client.get(address, {name: value})
                assert answer.status_code == 200, (name, value)
                b"".join(answer) if answer.streaming else answer.content
        # An export is audited with its filters.
        statements = [
            query["sql"] for query in queries if PLANTED in query["sql"].partition("INSERT")[0]
        ]
        assert statements == [], name

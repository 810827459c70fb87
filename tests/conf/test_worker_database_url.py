"""WORKER_DATABASE_URL: a direct connection, of PostgreSQL alone."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.django_settings import parse_worker_database_url


@pytest.mark.parametrize(
    "value",
    ["", "postgres://u:p%2F@db:5432/freddy", "postgresql://u@db/freddy?sslmode=require"],
)
def test_an_address_of_postgresql_is_taken_as_it_stands(value: str) -> None:
    assert parse_worker_database_url(value, is_postgresql=True) == value


@pytest.mark.parametrize(
    "value",
    [
        "sqlite:////panel.sqlite3",
        "postgres://u:p@db:5432",
        "postgres://u:se/cret@db/freddy",
        "postgres://u:p@db:port/freddy?nonsense=1",
        "host=db dbname=freddy",
    ],
)
def test_anything_else_is_refused_without_what_it_holds(value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        parse_worker_database_url(value, is_postgresql=True)
    assert "must look like postgres://" in str(caught.value)
    assert "cret" not in str(caught.value)


def test_with_sqlite_it_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="SQLite"):
        parse_worker_database_url("postgres://u:p@db/freddy", is_postgresql=False)

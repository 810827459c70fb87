"""Rows that many tests of one module look at: written once, and taken back behind the last test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction

T = TypeVar("T")


@contextmanager
def module_rows(django_db_blocker: Any, make: Callable[[], T]) -> Iterator[T]:
    """What `make` writes is there within the block, for every test that uses the database.

    For a fixture of a module, which asks for `django_db_setup` and `django_db_blocker`. The tests'
    own transactions are savepoints in it: what they write is taken back as ever. Not for modules
    whose tests commit. What `make` returns is shared: a test changes no object of it, but rows.
    """
    block = _rolled_back(make)
    with django_db_blocker.unblock():
        made = block.__enter__()
    try:
        yield made
    finally:
        with django_db_blocker.unblock():
            block.__exit__(None, None, None)


@contextmanager
def _rolled_back(make: Callable[[], T]) -> Iterator[T]:
    with transaction.atomic():
        yield make()
        transaction.set_rollback(True)

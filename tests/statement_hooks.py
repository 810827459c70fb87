"""What happens just before a statement of the database: another request's turn, or an error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def before_each_statement(part: str, call: Callable[[], object]) -> Iterator[None]:
    """Within the block, `call` is made before each statement that holds `part`; it may raise."""

    def execute_after_call(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if part in sql:
            call()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(execute_after_call):
        yield


@contextmanager
def before_first_statement(part: str, call: Callable[[], object]) -> Iterator[None]:
    """Within the block, `call` is made once, before the first statement that holds `part`."""
    calls = [call]

    def call_once() -> None:
        if calls:
            calls.pop()()

    with before_each_statement(part, call_once):
        yield

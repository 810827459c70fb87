"""Statements that are put together once and run many times.

Putting the SQL of a list together out of its parts takes several times as long as running it for
a page. What differs from run to run stands in it as a `Slot`. A builder is given a shape and
nothing else, neither a person nor a moment: so nothing of one can stay behind in what is kept.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Field, QuerySet

KEPT = 100  # statements per connection; the one not used for longest goes first
_PLACE = "freddy_prepared"
T = TypeVar("T")
R = TypeVar("R")


class Slot(Expression):
    """A value that is filled in when the statement runs; `how` works it out of the one given."""

    def __init__(
        self, name: str, field: "Field[Any, Any]", how: Callable[[Any], Any] | None = None
    ) -> None:
        super().__init__(output_field=field)
        self.name, self.how = name, how

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A place for the value; the slot itself stands among the parameters until then."""
        del compiler, connection
        return "%s", [self]

    def filled(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """The parameter for this run."""
        value = values[self.name]
        value = value if self.how is None else self.how(value)
        return self.output_field.get_db_prep_value(value, connection)


def derived(value: T | Slot, how: Callable[[T], R], field: "Field[Any, Any]") -> R | Slot:
    """What follows from a value, now or, of a slot, once it is filled."""
    return Slot(value.name, field, how) if isinstance(value, Slot) else how(value)


@dataclass(frozen=True, slots=True)
class _Statement:
    sql: str
    params: Sequence[Any]
    names: tuple[str, ...]
    converters: list[tuple[int, list[Any], Any]]


Builder = Callable[..., QuerySet[Any, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """The first `limit` rows of a builder, to be asked for together with others."""

    build: Builder
    shape: tuple[Hashable, ...]
    limit: int


def prepared_values(
    build: Builder,
    *shape: Hashable,
    given: Mapping[str, Any],
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """The rows of `build(*shape).values(…)`, in one query; the builder depends on `shape` alone."""
    connection = connections[DEFAULT_DB_ALIAS]
    statement = _statement(connection, build, shape)
    sql, params = statement.sql, _filled(statement.params, given, connection)
    if limit is not None:
        sql, params = f"{sql} LIMIT %s OFFSET %s", [*params, limit, offset]
    return _read(connection, statement, _run(connection, sql, params))


def prepared_pair(
    one: Part, other: Part, *, given: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of two builders that have nothing to do with each other, in one query."""
    connection = connections[DEFAULT_DB_ALIAS]
    first = _statement(connection, one.build, one.shape)
    second = _statement(connection, other.build, other.shape)
    width, rest = len(first.names), len(second.names)
    sql = (
        f"SELECT 1, one.*{', NULL' * rest} FROM ({first.sql} LIMIT %s) one "  # noqa: S608  # nosec B608
        f"UNION ALL SELECT 2{', NULL' * width}, other.* FROM ({second.sql} LIMIT %s) other"
    )
    params = [*_filled(first.params, given, connection), one.limit]
    params += [*_filled(second.params, given, connection), other.limit]
    rows = _run(connection, sql, params)
    mine = [row[1 : 1 + width] for row in rows if row[0] == 1]
    theirs = [row[1 + width :] for row in rows if row[0] != 1]
    return _read(connection, first, mine), _read(connection, second, theirs)


def _run(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [list(row) for row in cursor.fetchall()]


def _read(
    connection: BaseDatabaseWrapper, statement: _Statement, rows: list[list[Any]]
) -> list[dict[str, Any]]:
    for place, converters, expression in statement.converters:
        for converter in converters:
            for row in rows:
                row[place] = converter(row[place], expression, connection)
    return [dict(zip(statement.names, row, strict=True)) for row in rows]


def _filled(
    params: Sequence[Any], given: Mapping[str, Any], connection: BaseDatabaseWrapper
) -> list[Any]:
    known: dict[tuple[str, Any], Any] = {}
    filled = []
    for param in params:
        if isinstance(param, Slot):
            key = (param.name, param.how)
            if key not in known:
                known[key] = param.filled(given, connection)
            param = known[key]
        filled.append(param)
    return filled


def _statement(
    connection: BaseDatabaseWrapper, build: Builder, shape: tuple[Hashable, ...]
) -> _Statement:
    # Kept with the connection, which belongs to one thread: so do the converters.
    kept: dict[Any, _Statement] = connection.__dict__.setdefault(_PLACE, {})
    # Put back at the end: somebody who tries many filters does not push out what all need.
    found = kept.pop((build, shape), None) or _compiled(build(*shape), connection)
    while len(kept) >= KEPT:
        del kept[next(iter(kept))]
    kept[(build, shape)] = found
    return found


def _compiled(rows: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> _Statement:
    compiler = rows.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    columns = [column for column, _sql, _alias in compiler.select[: compiler.col_count]]
    converters = compiler.get_converters(columns)
    return _Statement(
        sql=sql,
        params=params,
        names=tuple(rows.query.selected or ()),
        converters=[(place, convs, of) for place, (convs, of) in converters.items()],
    )

"""Queries that are compiled once and run many times.

Django works the SQL of a queryset out of its parts each time it runs, and for a list that takes
longer than all the rest of its page. Measured over whole requests, in CPU time on SQLite: without
this module the overview of 50 keys costs 1.9 to 2.2 times as much (2.7 with a filter), that of
2,000 keys 1.8 to 2.0 times (2.7), and the page of an organisation 1.2 times.

What differs from run to run stands in the SQL as a `Param`. A builder is given its arguments and
nothing else, neither a person nor a moment: so nothing of one can stay behind in the compiled
query. Only the lists of `sync.status`, the question of who may see what, and what the worker asks
of its queues twice a second know this module: the latter took 3 % of a core, compiled each time.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Expression, Field, QuerySet

__all__ = [
    "LimitedQuery",
    "Moment",
    "MomentParam",
    "Param",
    "compiled_queries_exist",
    "compiled_query_fetch",
    "compiled_query_fetch_all",
    "compiled_query_fetch_rows",
    "transform_value_or_param",
]

# Beyond this many, the query not used for longest is dropped.
_MAX_QUERIES_PER_CONNECTION = 100
_CONNECTION_ATTRIBUTE = "freddy_compiled_queries"
T = TypeVar("T")
R = TypeVar("R")


class Param(Expression):
    """A value that is filled in when the query runs; `transform` derives it from the given one."""

    def __init__(
        self, name: str, field: "Field[Any, Any]", transform: Callable[[Any], Any] | None = None
    ) -> None:
        super().__init__(output_field=field)
        self.name, self.transform = name, transform

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A placeholder; the `Param` itself stands among the parameters until the query runs."""
        del compiler, connection
        return "%s", [self]

    def resolve(self, values: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """The parameter for one run, as the database takes it; `values` are by name."""
        value = values[self.name]
        value = value if self.transform is None else self.transform(value)
        return self.output_field.get_db_prep_value(value, connection)


class MomentParam(Param):
    """A moment that is filled in when the query runs; like a datetime, it can be moved by spans."""

    def __init__(self, name: str = "now", offset: timedelta = timedelta()) -> None:
        super().__init__(name, DateTimeField(), lambda moment: moment + offset)
        self.offset = offset

    def __add__(self, span: timedelta) -> "MomentParam":  # type: ignore[override]
        return MomentParam(self.name, self.offset + span)

    def __sub__(self, span: timedelta) -> "MomentParam":  # type: ignore[override]
        return MomentParam(self.name, self.offset - span)


Moment = datetime | MomentParam


def transform_value_or_param(
    value: T | Param, transform: Callable[[T], R], field: "Field[Any, Any]"
) -> R | Param:
    """`transform(value)`, now or, where the value is a `Param`, when the query runs."""
    return Param(value.name, field, transform) if isinstance(value, Param) else transform(value)


@dataclass(frozen=True, slots=True)
class _CompiledQuery:
    sql: str
    params: Sequence[Any]
    names: tuple[str, ...]
    moments: tuple[int, ...]  # the columns that SQLite keeps moments in, without a zone
    converters: list[tuple[int, list[Any], Any]]  # of the other columns
    nulls: str  # as many of the same types: what a union puts in their place


_QueryBuilder = Callable[..., QuerySet[Any, Any]]


@dataclass(frozen=True, slots=True)
class LimitedQuery:
    """The first `limit` rows of a builder, to be fetched together with those of another."""

    build: _QueryBuilder
    arguments: tuple[Hashable, ...]
    limit: int


def compiled_query_fetch(
    build: _QueryBuilder,
    *arguments: Hashable,
    param_values: Mapping[str, Any],
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """The rows of `build(*arguments)`, a `.values(…)` queryset that depends on those alone."""
    connection = connections[DEFAULT_DB_ALIAS]
    query = _get_or_compile_query(connection, build, arguments)
    sql, params = query.sql, _resolve_params(query.params, param_values, connection)
    if limit is not None:
        sql, params = f"{sql} LIMIT %s OFFSET %s", [*params, limit, offset]
    return _convert_rows(connection, query, _execute(connection, sql, params))


def compiled_query_fetch_rows(
    build: _QueryBuilder, *arguments: Hashable, param_values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """The rows of `build(*arguments)` as the database sends them, in the order of its `values`.

    For columns that need no conversion, of which exports read very many.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    query = _get_or_compile_query(connection, build, arguments)
    if query.moments or query.converters:
        raise TypeError(f"{build.__qualname__} has columns that need a conversion")
    params = _resolve_params(query.params, param_values, connection)
    with connection.cursor() as cursor:
        cursor.execute(query.sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def compiled_query_fetch_all(
    limited_queries: Sequence[LimitedQuery], *, param_values: Mapping[str, Any]
) -> list[list[dict[str, Any]]]:
    """The rows of each of these independent builders, all in one query."""
    connection = connections[DEFAULT_DB_ALIAS]
    queries = [
        _get_or_compile_query(connection, limited.build, limited.arguments)
        for limited in limited_queries
    ]
    selects, params, spans, start = [], list[Any](), [], 1
    for number, query in enumerate(queries):
        columns = (f"part{number}.*" if part is query else part.nulls for part in queries)
        selects.append(
            f"SELECT {number}, {', '.join(columns)} "  # noqa: S608  # nosec B608
            f"FROM ({query.sql} LIMIT %s) part{number}"
        )
        params += _resolve_params(query.params, param_values, connection)
        params.append(limited_queries[number].limit)
        spans.append((start, start := start + len(query.names)))
    rows = _execute(connection, " UNION ALL ".join(selects), params)
    return [
        _convert_rows(connection, query, [row[first:last] for row in rows if row[0] == number])
        for number, (query, (first, last)) in enumerate(zip(queries, spans, strict=True))
    ]


def compiled_queries_exist(
    builders: Sequence[tuple[_QueryBuilder, tuple[Hashable, ...]]],
    *,
    param_values: Mapping[str, Any],
) -> list[bool]:
    """Of each builder with its arguments whether it has any row, all in one query."""
    connection = connections[DEFAULT_DB_ALIAS]
    queries = [
        _get_or_compile_query(connection, _existence_build, (build, *arguments))
        for build, arguments in builders
    ]
    selects = ", ".join(f"EXISTS ({query.sql})" for query in queries)
    params = [
        param
        for query in queries
        for param in _resolve_params(query.params, param_values, connection)
    ]
    (answers,) = _execute(connection, f"SELECT {selects}", params)
    return [bool(answer) for answer in answers]


def _existence_build(build: _QueryBuilder, *arguments: Hashable) -> QuerySet[Any, Any]:
    rows = build(*arguments).order_by()
    rows.query = rows.query.exists()
    return rows


def _execute(connection: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [list(row) for row in cursor.fetchall()]


def _convert_rows(
    connection: BaseDatabaseWrapper, query: _CompiledQuery, rows: list[list[Any]]
) -> list[dict[str, Any]]:
    # Django's converter would ask the settings for the zone of each value.
    for index in query.moments:
        for row in rows:
            if (value := row[index]) is not None:
                moment = datetime.fromisoformat(value) if isinstance(value, str) else value
                row[index] = moment.replace(tzinfo=UTC)
    for index, converters, expression in query.converters:
        for converter in converters:
            for row in rows:
                row[index] = converter(row[index], expression, connection)
    return [dict(zip(query.names, row, strict=True)) for row in rows]


def _resolve_params(
    params: Sequence[Any], param_values: Mapping[str, Any], connection: BaseDatabaseWrapper
) -> list[Any]:
    resolved_by_key: dict[tuple[str, Any], Any] = {}
    resolved = []
    for param in params:
        if isinstance(param, Param):
            key = (param.name, param.transform)
            if key not in resolved_by_key:
                resolved_by_key[key] = param.resolve(param_values, connection)
            param = resolved_by_key[key]
        resolved.append(param)
    return resolved


def _get_or_compile_query(
    connection: BaseDatabaseWrapper, build: _QueryBuilder, arguments: tuple[Hashable, ...]
) -> _CompiledQuery:
    # Cached on the connection, which belongs to one thread: so do the converters.
    queries: dict[Any, _CompiledQuery] = connection.__dict__.setdefault(_CONNECTION_ATTRIBUTE, {})
    # Put back at the end: somebody who tries many filters does not push out what all need.
    query = queries.pop((build, arguments), None) or _compile_query(build(*arguments), connection)
    while len(queries) >= _MAX_QUERIES_PER_CONNECTION:
        del queries[next(iter(queries))]
    queries[(build, arguments)] = query
    return query


def _compile_query(rows: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> _CompiledQuery:
    compiler = rows.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    columns = [column for column, _sql, _alias in compiler.select[: compiler.col_count]]
    converters = compiler.get_converters(columns)
    convert_moment = getattr(connection.ops, "convert_datetimefield_value", None)  # SQLite's
    moments = {index for index, (kinds, _column) in converters.items() if kinds == [convert_moment]}
    return _CompiledQuery(
        sql=sql,
        params=params,
        names=tuple(rows.query.selected or ()),
        moments=tuple(moments),
        converters=[
            (index, *converter) for index, converter in converters.items() if index not in moments
        ],
        nulls=", ".join(_typed_null(column.output_field, connection) for column in columns),
    )


def _typed_null(field: "Field[Any, Any]", connection: BaseDatabaseWrapper) -> str:
    # PostgreSQL takes NULLs of no type for text, and finds out too late that they are not.
    type_ = field.cast_db_type(connection) if connection.vendor == "postgresql" else None
    return f"CAST(NULL AS {type_})" if type_ else "NULL"

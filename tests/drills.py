"""How much of a drill is run: `make drills` runs the whole, every other run a tenth of it.

A drill is a test whose strength is a number: so many kills, widths, rows or hostile bodies.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

DRILLS_IN_FULL = os.environ.get("DRILLS") == "full"


def drill_share(whole: int) -> int:
    """The number to run now of `whole`: all of it under `make drills`, else a tenth, at least 1."""
    return whole if DRILLS_IN_FULL else max(1, whole // 10)


def drill_some(whole: Iterable[T]) -> list[T]:
    """Those to try now of `whole`: all of them under `make drills`, else the first of each ten."""
    items = list(whole)
    return items if DRILLS_IN_FULL else items[::10]

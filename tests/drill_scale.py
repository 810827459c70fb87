"""How much of a drill is run: `make drills` runs the whole, every other run a tenth of it.

A drill is a test whose strength is a number: so many kills, widths, pages, rows, steps of a clock
or hostile bodies. Where a tenth would show too little, it says how much less it does.
"""

import os
from collections.abc import Iterable
from itertools import product
from math import ceil
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

RUN_FULL_DRILLS = os.environ.get("DRILLS") == "full"


def drill_count(full_count: int) -> int:
    """How many of `full_count` to run: all under `make drills`, else a tenth, at least 1."""
    return full_count if RUN_FULL_DRILLS else max(1, full_count // 10)


def drill_sample(all_items: Iterable[T]) -> list[T]:
    """The items to try: all of them under `make drills`, else the first of each ten."""
    items = list(all_items)
    return items if RUN_FULL_DRILLS else items[::10]


def drill_pairs(firsts: Iterable[T], seconds: Iterable[U]) -> list[tuple[T, U]]:
    """All pairs under `make drills`, else about a tenth, with each of the shorter list among them.

    Every tenth of the product would meet the same few of a list whose length divides ten.
    """
    left, right = list(firsts), list(seconds)
    if RUN_FULL_DRILLS:
        return list(product(left, right))
    count = max(ceil(len(left) * len(right) / 10), min(len(left), len(right)))
    pairs = ((left[n % len(left)], right[n * len(right) // count]) for n in range(count))
    return list(dict.fromkeys(pairs))

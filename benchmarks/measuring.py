"""Timing things side by side, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median


def side_by_side(calls: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median CPU seconds of each call, taken in turns after one round to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            began = time.process_time()
            call()
            if round_:
                taken[name].append(time.process_time() - began)
    return {name: median(times) for name, times in taken.items()}


def per_call(call: Callable[[], object], *, times: int) -> float:
    """Median seconds of one call, over five runs of `times` calls."""
    runs = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            call()
        runs.append((time.perf_counter() - began) / times)
    return median(runs)


def line(what: str, found: str, goal: str = "") -> None:
    """One row of the report."""
    print(f"{what:<58}{found:>26}   {goal}", flush=True)

"""Times calls side by side, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median


def time_side_by_side(
    calls: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, float]:
    """The median CPU seconds of each call, run in turns after one warm-up round."""
    times_by_name: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            started_at = time.process_time()
            call()
            if round_:
                times_by_name[name].append(time.process_time() - started_at)
    return {name: median(times) for name, times in times_by_name.items()}


def time_per_call(call: Callable[[], object], *, times: int) -> float:
    """The median seconds of one call, over five runs of `times` calls each."""
    runs = []
    for _ in range(5):
        started_at = time.perf_counter()
        for _ in range(times):
            call()
        runs.append((time.perf_counter() - started_at) / times)
    return median(runs)


def print_result(label: str, value: str, goal: str = "") -> None:
    """Print one row of the report."""
    print(f"{label:<58}{value:>26}   {goal}", flush=True)

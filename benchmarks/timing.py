"""Times calls side by side, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the report; `is_met` is None where there is no goal."""

    label: str
    value: str
    goal: str = ""
    is_met: bool | None = None


results: list[Result] = []


def print_result(label: str, value: str, goal: str = "", *, is_met: bool | None = None) -> None:
    """Print one row of the report and keep it; a goal that is missed stands out."""
    results.append(Result(label, value, goal, is_met))
    missed = "  MISSED" if is_met is False else ""
    print(f"{label:<58}{value:>26}   {goal}{missed}", flush=True)


def print_ratio(label: str, ratio: float, goal: float | None = None, *, unit: str = "x") -> None:
    """Print a measured number beside the one that it may reach at most."""
    text = f"{ratio:,.2f} {unit}" if ratio < 100 else f"{ratio:,.0f} {unit}"
    if goal is None:
        print_result(label, text)
    else:
        print_result(label, text, f"goal {goal:g} {unit}", is_met=ratio <= goal)

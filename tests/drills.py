"""How much of a drill is run: `make drills` runs the whole, every other run a tenth of it.

A drill is a test whose strength is a number: so many kills, widths, rows or hostile bodies.
"""

import os

DRILLS_IN_FULL = os.environ.get("DRILLS") == "full"


def drill_share(whole: int) -> int:
    """The number to run now of `whole`: all of it under `make drills`, else a tenth, at least 1."""
    return whole if DRILLS_IN_FULL else max(1, whole // 10)

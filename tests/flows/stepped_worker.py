"""`python -m tests.flows.stepped_worker FILE`: a worker whose clock stands where FILE says.

FILE holds seconds since 1970. The loop looks again at once, so that a test that moves the clock
waits for milliseconds; it ends when it is killed.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path


def main(file: Path) -> None:
    """Tick until killed."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "freddy_admin.settings"
    import django

    django.setup()
    from freddy_admin.core import clock
    from freddy_admin.sync.worker.loop import WorkerLoop

    def stepped() -> datetime:
        return datetime.fromtimestamp(float(file.read_text()), UTC)

    with clock.override_clock(stepped):
        engine = WorkerLoop()
        while True:
            engine.tick(wait=0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

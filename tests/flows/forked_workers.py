"""`python -m tests.flows.forked_workers`: forks a worker for each line on stdin, says its number.

What takes seconds, loading the panel, is done once: a worker that was killed is replaced in a
moment, so that hundreds of kills meet workers that are at work. `run_worker` itself is what runs.
"""

import os
import signal
import sys


def main() -> None:
    """Fork until stdin ends."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "freddy_admin.settings"
    import django

    django.setup()
    from django.core.management import call_command

    import freddy_admin.core.task_engine
    import freddy_admin.ops.management.commands.run_worker  # noqa: F401  loaded before the forks

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who was killed leaves no zombie
    for _line in sys.stdin:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin = open(os.devnull)  # noqa: SIM115  for as long as it lives
            try:
                call_command("run_worker")
            finally:
                os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()

"""`manage.py check_now --all` or `--organisation SLUG`: asks Aitronos now, in this process."""

import os
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.core.errors import NotFound
from freddy_admin.crypto.keyring import keyring
from freddy_admin.ops.command import INTERRUPTED, OperatorCommand, wrong_use
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisation_find
from freddy_admin.sync.check_now import Line, keys_check_now


class Command(OperatorCommand):
    """A line per key on stdout as results come; exit code 0 when every key was tried."""

    help = "Check keys now, whatever the schedule says."
    opens_keys = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organisation", metavar="SLUG", help="the keys of one organisation")
        parser.add_argument("--all", action="store_true", help="the keys of all organisations")

    def handle(self, *args: Any, organisation: str | None, **options: Any) -> None:
        place = _chosen(organisation, everything=options["all"])
        if not keyring().can_open:
            raise CommandError(_("ENCRYPTION_KEYS is not set: this process cannot open keys."))
        began, counts = time.monotonic(), Counter[bool]()
        missed = 0
        try:
            with closing(_checks(place)) as lines:
                for line in lines:
                    self.line(_worded(line))
                    counts[line.tried] += 1
                    missed += line.missed
        except KeyboardInterrupt:
            self._leave()
        self.hint(
            _("%(tried)d checked, %(left)d left alone, in %(seconds).1f s.")
            % {
                "tried": counts[True],
                "left": counts[False],
                "seconds": time.monotonic() - began,
            }
        )
        if missed:
            raise CommandError(
                _("%(count)d could not be tried: another process held them.") % {"count": missed}
            )

    def _leave(self) -> None:
        # Calls under way would hold the process for as long as they may last.
        self.hint(_("Stopped."))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)


def _chosen(slug: str | None, *, everything: bool) -> Organisation | None:
    if everything == (slug is not None):
        raise wrong_use(_("Say which keys to check: either --organisation SLUG or --all."))
    if slug is None:
        return None
    try:
        return organisation_find(slug=slug)
    except NotFound as error:
        raise wrong_use(error.message) from None


def _checks(place: Organisation | None) -> Generator[Line, None, None]:
    # A generator by name, so that it can be closed: closing gives back what it holds.
    yield from keys_check_now(organisation=place)


def _worded(line: Line) -> str:
    problem = f" — {line.problem}" if line.problem else ""
    return f"{line.state.value:<18} {line.organisation_name} / {line.key_label}{problem}"

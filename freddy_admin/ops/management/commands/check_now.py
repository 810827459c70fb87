"""`manage.py check_now --all` or `--organisation SLUG`: asks Aitronos now, in this process."""

import os
import sys
import time
from collections import Counter
from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core.errors import NotFound
from freddy_admin.crypto.keyring import keyring
from freddy_admin.ops.operator_command import EXIT_INTERRUPTED, OperatorCommand, usage_error
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisation_get_by_slug
from freddy_admin.sync.checks.check_now import KeyCheckReport, keys_check_now
from freddy_admin.sync.panel_copy import calls_validate_on
from freddy_admin.wording.next_steps import call_failure_text


class Command(OperatorCommand):
    """A line per key on stdout as results come; exit code 0 when every key was tried."""

    help = "Check keys now, whatever the schedule says."
    unwraps_master_keys = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organisation", metavar="SLUG", help="the keys of one organisation")
        parser.add_argument("--all", action="store_true", help="the keys of all organisations")

    def handle(self, *args: Any, organisation: str | None, **options: Any) -> None:
        chosen_organisation = _find_organisation(organisation, all_organisations=options["all"])
        if not keyring().has_private_keys:
            raise CommandError(_("ENCRYPTION_KEYS is not set: this process cannot open keys."))
        calls_validate_on()
        started_at, counts = time.monotonic(), Counter[bool]()
        missed_count = 0
        try:
            # Closing gives back the keys that it holds.
            with closing(keys_check_now(organisation=chosen_organisation)) as reports:
                for report in reports:
                    self.write_line(format_check_line(report))
                    counts[report.was_attempted] += 1
                    missed_count += report.was_leased_elsewhere
        except KeyboardInterrupt:
            self._exit_interrupted()
        self.write_hint(
            _("%(tried)d checked, %(left)d left alone, in %(seconds).1f s.")
            % {
                "tried": counts[True],
                "left": counts[False],
                "seconds": time.monotonic() - started_at,
            }
        )
        if missed_count:
            raise CommandError(
                _("%(count)d could not be tried: another process held them.")
                % {"count": missed_count}
            )

    def _exit_interrupted(self) -> None:
        # Calls under way would hold the process for as long as they may last.
        self.write_hint(_("Stopped."))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(EXIT_INTERRUPTED)


def _find_organisation(slug: str | None, *, all_organisations: bool) -> Organisation | None:
    if all_organisations == (slug is not None):
        raise usage_error(_("Say which keys to check: either --organisation SLUG or --all."))
    if slug is None:
        return None
    try:
        return organisation_get_by_slug(slug=slug)
    except NotFound as error:
        raise usage_error(error.message) from None


def format_check_line(report: KeyCheckReport) -> str:
    """The state of a key in a line, with what Aitronos said where its check failed."""
    failure = f" — {report.failure}" if report.failure else ""
    place = "" if report.environment == DEFAULT_ENVIRONMENT else f" [{report.environment}]"
    name = f"{report.organisation_name} / {report.key_label}{place}"
    said = call_failure_text(report.call_failure) if report.call_failure else ""
    return f"{report.state.value:<18} {name}{failure}{': ' if said else ''}{said}"

"""`manage.py doctor`: is everything as it should be, and if not, what to do?"""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from freddy_admin.accounts.people import email_clean
from freddy_admin.ops.doctor import doctor_checks_run
from freddy_admin.ops.operator_command import OperatorCommand


class Command(OperatorCommand):
    """A line per part on stdout; exit code 0 if all are well, 1 if there is a problem."""

    help = "Examine settings, database, cache, master key, worker and the API; say what to do."
    validates_database_version = False

    def add_arguments(self, parser: CommandParser) -> None:
        """`--send-mail`."""
        parser.add_argument(
            "--send-mail", metavar="ADDRESS", default="", help="Send a test mail to this address."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        problems = 0
        mail_to = email_clean(options["send_mail"]) if options["send_mail"] else ""
        for finding in doctor_checks_run(mail_to=mail_to):
            problems += not finding.ok
            verdict = "ok     " if finding.ok else "PROBLEM"
            self.write_line(f"{verdict}  {finding.part:<11} {finding.sentence}")
        if problems:
            raise CommandError(_("Problems: %(count)d, see above.") % {"count": problems})
        self.write_hint(_("All is well."))

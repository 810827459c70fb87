"""What the operator's commands share: failures are one sentence, passwords come from a pipe."""

import getpass
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFault
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.database_errors import database_error_message
from freddy_admin.core.database_version import database_version_validate
from freddy_admin.core.errors import PublicError
from freddy_admin.crypto.errors import InvalidMasterKey, KmsError
from freddy_admin.crypto.keyring import master_keys_unwrap

EXIT_USAGE_ERROR = 2


EXIT_INTERRUPTED = 130


class OperatorCommand(BaseCommand):
    """Results go to stdout, each line flushed at once; hints go to stderr."""

    # Django's checks examine the code, not the installation, and import every view for it: half of
    # the time of most commands. `make lint` runs them.
    requires_system_checks: list[str] = []
    # Whether master keys that a KMS wraps are unwrapped before the command begins.
    unwraps_master_keys = False
    # False for commands that use no database, or say themselves what is wrong with it.
    validates_database_version = True

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; raises CommandError with a sentence for whatever the operator can set right."""
        try:
            if self.validates_database_version:
                database_version_validate()
            if self.unwraps_master_keys:
                master_keys_unwrap()
            return super().execute(*args, **options)
        except PublicError as error:
            raise CommandError(error.message) from None
        except (KmsError, InvalidMasterKey) as error:
            raise CommandError(_("The master key cannot be used: %s") % error) from None
        except DatabaseFault as error:
            if options.get("traceback"):
                raise  # it may be a fault of ours, and the sentence does not say where
            raise CommandError(database_error_message(error)) from None
        except BrokenPipeError:
            # `… | head` has seen enough; a later flush of stdout must not complain either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except KeyboardInterrupt:
            raise CommandError(_("Stopped."), returncode=EXIT_INTERRUPTED) from None

    def write_line(self, text: str) -> None:
        """Write one line of the result to stdout, flushed so that a pipe gets it at once."""
        self.stdout.write(text)
        self.stdout.flush()

    def write_hint(self, text: str) -> None:
        """Write a sentence for the person at the terminal to stderr."""
        self.stderr.write(text, style_func=str)


def usage_error(sentence: str) -> CommandError:
    """The error that ends a command with code 2."""
    return CommandError(sentence, returncode=EXIT_USAGE_ERROR)


@sensitive_variables()
def password_read_from_stdin() -> str:
    """The first line of standard input without its newline; empty is wrong use."""
    try:
        password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise usage_error(_("The password on standard input is not UTF-8.")) from None
    if not password:
        raise usage_error(_("--password-stdin was given, but standard input holds no password."))
    return password


@sensitive_variables()
def password_prompt() -> str:
    """Typed twice at the terminal; wrong use where there is no terminal or the two differ."""
    if not is_at_terminal():
        raise usage_error(_("There is no terminal to ask at: pipe the password, --password-stdin."))
    password = getpass.getpass(_("Password: "))
    if password != getpass.getpass(_("The same once more: ")):
        raise usage_error(_("The two passwords differ. Run the command again."))
    return password


def is_at_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()

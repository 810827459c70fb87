"""What all commands of the operator share: every failure is one sentence, never a traceback."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFault
from django.utils.translation import gettext as _

from freddy_admin.core.database_faults import database_fault
from freddy_admin.core.errors import PublicError
from freddy_admin.crypto.errors import KmsRefused, UnusableMasterKey
from freddy_admin.crypto.unwrapping import master_keys_unwrap

WRONG_USE = 2
INTERRUPTED = 130


class OperatorCommand(BaseCommand):
    """Results go to stdout, one line at once; hints go to stderr."""

    opens_keys = False  # True unwraps master keys that a KMS wraps, before the command begins

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; raises CommandError with a sentence for whatever the operator can set right."""
        try:
            if self.opens_keys:
                master_keys_unwrap()
            return super().execute(*args, **options)
        except PublicError as error:
            raise CommandError(error.message) from None
        except (KmsRefused, UnusableMasterKey) as error:
            raise CommandError(_("The master key cannot be used: %s") % error) from None
        except DatabaseFault as error:
            if options.get("traceback"):
                raise  # it may be a fault of ours, and the sentence does not say where
            raise CommandError(database_fault(error)) from None
        except BrokenPipeError:
            # `… | head` has seen enough; a later flush of stdout must not complain either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except KeyboardInterrupt:
            raise CommandError(_("Stopped."), returncode=INTERRUPTED) from None

    def line(self, text: str) -> None:
        """One line of the result, there at once also where stdout is a pipe."""
        self.stdout.write(text)
        self.stdout.flush()

    def hint(self, text: str) -> None:
        """A sentence for the person at the terminal."""
        self.stderr.write(text, style_func=str)


def wrong_use(sentence: str) -> CommandError:
    """The error that ends a command with code 2."""
    return CommandError(sentence, returncode=WRONG_USE)

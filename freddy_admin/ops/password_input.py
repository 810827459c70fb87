"""Takes a password from a pipe or from a person, never from the command line."""

import getpass
import sys

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.ops.operator_command import usage_error


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

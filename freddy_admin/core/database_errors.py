"""What is wrong with the database, in a sentence for whoever runs the panel.

The driver's own text is never shown: only what it means, and the setting to correct.
"""

import re
from typing import Final

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# PostgreSQL's codes; words of libpq and SQLite, which have no codes; what they mean. The first
# that fits counts.
_ERROR_MESSAGES: Final[tuple[tuple[str, str, Promise], ...]] = (
    (
        r"28P01|28000",
        (
            r"password authentication failed|no password supplied|no pg_hba\.conf entry"
            r"|role \S+ does not exist"
        ),
        gettext_lazy(
            "The database server at %(place)s refuses the user %(user)s. Correct user and "
            "password in DATABASE_URL."
        ),
    ),
    (
        r"3D000",
        r"database \S+ does not exist",
        gettext_lazy(
            "The database server at %(place)s has no database %(name)s. Create it (for example "
            "with createdb), or correct the name in DATABASE_URL."
        ),
    ),
    (
        r"53300|57P0[1-3]",
        r"too many clients|too many connections|starting up|shutting down|remaining connection",
        gettext_lazy(
            "The database server at %(place)s is starting, stopping, or takes no more "
            "connections. Try again in a minute."
        ),
    ),
    (
        r"42P01|42703|42P07|42701",
        r"no such table|no such column",
        gettext_lazy(
            "The database %(name)s answers, but its tables are not those of this version. Run "
            "`manage.py migrate`."
        ),
    ),
    (
        r"25006",
        r"readonly database|read-only",
        gettext_lazy(
            "The database %(name)s can be read and not written. Give this user the right to "
            "write, or name another one in DATABASE_URL."
        ),
    ),
    (
        r"42501",
        r"permission denied",
        gettext_lazy(
            "The user %(user)s of DATABASE_URL lacks a right in the database %(name)s. Make it "
            "the owner of that database."
        ),
    ),
    (
        r"53100",
        r"disk is full|disk i/o error|no space left",
        gettext_lazy("The disk of the database %(name)s is full or broken. Make room on it."),
    ),
    (
        r"(?!)",
        r"unable to open database file",
        gettext_lazy(
            "The database file %(name)s cannot be opened. Is its folder there, and may this user "
            "write in it? DATABASE_URL says where it is."
        ),
    ),
    (
        r"(?!)",
        r"not a database|malformed",
        gettext_lazy(
            "The file %(name)s is no SQLite database, or a damaged one. Correct DATABASE_URL, or "
            "bring back a backup."
        ),
    ),
    (
        r"(?!)",
        r"database is locked",
        gettext_lazy(
            "Another program has held the database file %(name)s for too long. End it, or try "
            "again."
        ),
    ),
    (
        r"(?!)",
        r"could not translate host name|failed to resolve host|name or service not known",
        gettext_lazy(
            "The database server's name in DATABASE_URL, %(place)s, cannot be found. Correct it."
        ),
    ),
    (
        r"08\w{3}",
        (
            r"connection refused|timeout|no route to host|unreachable|connection failed"
            r"|is the server|server closed the connection"
        ),
        gettext_lazy(
            "No database server answers at %(place)s. Start it, or correct the address in "
            "DATABASE_URL."
        ),
    ),
)


def database_error_message(error: Exception) -> str:
    """The sentence that says what a database error means and what to do; never its own text."""
    cause = error.__cause__ or error
    state, text = str(getattr(cause, "sqlstate", None) or ""), str(cause).lower()
    for states, words, meaning in _ERROR_MESSAGES:
        # Where there is a code, the text may hold anything: what a person typed, for example.
        if re.fullmatch(states, state) if state else re.search(words, text):
            return str(meaning) % _connection_message_params()
    return _(
        "The database cannot be used (%(kind)s). Is DATABASE_URL right, and was `manage.py "
        "migrate` run? `manage.py doctor` says more, and --traceback where it came from."
    ) % {"kind": type(error).__name__}


def _connection_message_params() -> dict[str, str]:
    config = connection.settings_dict
    host, port = config.get("HOST") or "localhost", config.get("PORT") or "5432"
    return {
        "place": f"{host}:{port}",
        "name": str(config.get("NAME") or ""),
        "user": str(config.get("USER") or ""),
    }

"""What is wrong with the database, in a sentence for whoever runs the panel.

The driver's own text is never shown: only what it means, and the setting to correct.
"""

import re
from typing import Final

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# PostgreSQL's codes; words of libpq, PgBouncer and SQLite, which have no codes; what they mean. A
# server that refuses a connection gives libpq no code either. The first that fits counts, and a
# text may hold several attempts, so that what says most stands first.
_ERROR_MESSAGES: Final[tuple[tuple[str, str, Promise], ...]] = (
    (
        r"(?!)",
        (
            r"server login failed|server_login_retry|pgbouncer cannot connect|query_wait_timeout"
            r"|no more connections allowed \(max_client_conn\)"
        ),
        gettext_lazy(
            "The connection pooler at %(place)s answers, but gives no connection with a database "
            "server behind it. Its log says why; see its list of databases and users."
        ),
    ),
    (
        r"28P01",
        r"password authentication failed|no password supplied|no such user",
        gettext_lazy(
            "The database server at %(place)s refuses the user %(user)s. Correct user and "
            "password in DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        r"role \S+ (?:does not exist|is not permitted to log in)",
        gettext_lazy(
            "The database server at %(place)s refuses the user %(user)s: there is no such user, or "
            "it may not sign in (ALTER ROLE … LOGIN). Correct that, or the user in DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        (
            r"(?:no pg_hba\.conf entry|pg_hba\.conf rejects)[^\n]*(?:no encryption|ssl off)"
            r"|ssl required"
        ),
        gettext_lazy(
            "The database server at %(place)s answers, and lets the user %(user)s not into "
            "%(name)s from this machine without TLS. If it speaks TLS, let DATABASE_URL end with "
            "?sslmode=require; else add a line to its pg_hba.conf."
        ),
    ),
    (
        r"(?!)",
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        gettext_lazy(
            "The database server at %(place)s answers, and lets the user %(user)s not into "
            "%(name)s from this machine. Add a line to its pg_hba.conf."
        ),
    ),
    (
        r"(?!)",
        r"server does not support ssl",
        gettext_lazy(
            "The database server at %(place)s speaks no TLS, which sslmode in DATABASE_URL asks "
            "for. Switch TLS on there, or take sslmode out."
        ),
    ),
    (
        r"(?!)",
        (
            r"certificate verify failed|root certificate|server certificate|private key file"
            r"|ssl error|tls.* alert|certificate file"
        ),
        gettext_lazy(
            "TLS with the database server at %(place)s fails: its certificate, or ours, does not "
            "fit. See sslmode, sslrootcert, sslcert and sslkey in DATABASE_URL."
        ),
    ),
    (
        r"28000",
        r"authentication failed for user",
        gettext_lazy(
            "The database server at %(place)s refuses the user %(user)s in the way that its "
            "pg_hba.conf demands of this machine. Change the line there, or DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        (
            r"invalid \S*mode value|invalid connection option|unrecognized configuration parameter"
            r"|unsupported startup parameter|invalid channel_binding|invalid integer value"
        ),
        gettext_lazy(
            "DATABASE_URL has options behind its ? which the database server at %(place)s, or its "
            "driver, does not know. Correct them, or take them out."
        ),
    ),
    (
        r"3D000",
        r"database \S+ does not exist|no such database",
        gettext_lazy(
            "The database server at %(place)s has no database %(name)s. Create it (for example "
            "with createdb), or correct the name in DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        r"not currently accepting connections|database does not allow connections",
        gettext_lazy(
            "The database %(name)s at %(place)s is closed to connections. Open it (ALTER DATABASE "
            "… ALLOW_CONNECTIONS true), or name another one in DATABASE_URL."
        ),
    ),
    (
        r"53300",
        r"too many clients|too many connections|remaining connection|connection limit exceeded",
        gettext_lazy(
            "The database server at %(place)s takes no more connections, at least not of the user "
            "%(user)s. Try again in a minute; raise its max_connections, or the CONNECTION LIMIT "
            "of that user or database, if it stays so."
        ),
    ),
    (
        r"57P0[1-3]",
        r"starting up|shutting down|not yet accepting|in recovery mode|not accepting connections",
        gettext_lazy(
            "The database server at %(place)s is starting or stopping. Try again in a minute."
        ),
    ),
    (
        r"(?!)",
        r"session is (?:not )?read-only|hot standby mode",
        gettext_lazy(
            "None of the database servers at %(place)s is of the kind that target_session_attrs in "
            "DATABASE_URL asks for. Wait for the failover to end, or correct it."
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
        r"permission denied for",
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
        r"postgresql \d+ or later is required",
        gettext_lazy(
            "The database server at %(place)s is too old for this version. docs/operations.md "
            "says which one it needs."
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
        r"(?!)",
        r"received invalid response|expected authentication request",
        gettext_lazy(
            "What answers at %(place)s is no PostgreSQL server. Correct the address in "
            "DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        r"closed the connection|connection reset|eof detected|connection already closed",
        gettext_lazy(
            "The database server at %(place)s hung up. It may be restarting: try again in a "
            "minute. If it stays so, its log says why."
        ),
    ),
    (
        r"08\w{3}",
        (
            r"connection refused|timeout|timed out|no route to host|unreachable|host is down"
            r"|no such file or directory|is the server"
        ),
        gettext_lazy(
            "No database server answers at %(place)s. Start it, or correct the address in "
            "DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        r"socket \S+ failed: permission denied",
        gettext_lazy(
            "This user may not use the socket of the database server at %(place)s. Give it the "
            "right, or write the server's host into DATABASE_URL."
        ),
    ),
    (
        r"(?!)",
        r"connection (?:failed|is bad)|connection to server|fatal:",
        gettext_lazy(
            "The database server at %(place)s refuses the connection of the user %(user)s to "
            "%(name)s. Its log says why."
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

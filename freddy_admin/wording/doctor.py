"""What the command `doctor` says of each part of the panel; a problem says what to do."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.core.write_failures import WriteFailure
from freddy_admin.wording.sentences import Text

NOT_EXAMINED: Final = _(
    "cannot be examined ({kind}): set the database right first, see DATABASE_URL."
)

DEBUG_IS_ON: Final = _("DEBUG is on: set DEBUG=false wherever anybody else can reach the panel.")
TRIAL: Final = _("a trial on this machine, plain http.")
COMPLETE_WITHOUT_MFA: Final = _(
    "complete; REQUIRE_MFA=admins would ask administrators for a second factor."
)
COMPLETE: Final = _("complete.")

POSTGRESQL_ANSWERS: Final = _("PostgreSQL answers.")
SQLITE_ANSWERS: Final = _("SQLite answers, with WAL.")
SQLITE_WITHOUT_WAL: Final = _(
    "SQLite runs with journal_mode {mode} instead of WAL: put the database on a local disk, a "
    "network share cannot be used."
)
WRITE_FAILURES: Final[Mapping[WriteFailure, Text]] = {
    WriteFailure.READ_ONLY: _(
        "it can be read and not written: pages show what is known, nothing is saved and no key is "
        "checked. Is it a standby, or was default_transaction_read_only set?"
    ),
    WriteFailure.FULL: _(
        "its disk is full: pages show what is known, nothing is saved. Make room on it."
    ),
}

MIGRATIONS_MISSING: Final = _("{count} to be applied: run `manage.py migrate`.")
MIGRATIONS_APPLIED: Final = _("all applied.")
VIEW_CHANGE_TRIGGERS_MISSING: Final = _(
    "all applied, but {count} triggers are missing by which open pages learn of changes at once "
    "(now within a minute): run `manage.py migrate` again."
)

REDIS_ANSWERS: Final = _("Redis answers.")
REDIS_FAILS: Final = _("{problem} Pages work on without it, slower.")
CACHE_TABLE_ANSWERS: Final = _("the database's table answers.")
CACHE_TABLE_FAILS: Final = _("the database's table takes nothing: see the database above.")

LISTS_RIGHT: Final = _("names, search words and counts are what the keys say.")
LISTS_DIFFER: Final = _(
    "names, search words or counts differ from what the keys say in {n} places: something was "
    "written past the panel. A worker puts 500 keys a minute right; examine again later."
)

ADMIN_EXISTS: Final = _("there is a platform admin.")
NO_ADMIN: Final = _("nobody can look after the panel: run `manage.py create_admin EMAIL`.")

HASHING_IS_LIMITED: Final = _("at most {count} hashed at once on this machine.")
HASHING_SLOTS_FAIL: Final = _(
    "slots in {folder} cannot be used, so that each process hashes up to {count} at once: let its "
    "user make files there."
)

WORKER_ALIVE: Final = _("{count} alive.")
ENGINE_NOT_INSTALLED: Final = _("the worker looks for what people ask for, twice a second.")
ENGINE_HEARS: Final = _("workers hear at once of what people ask for.")
ENGINE_IS_DEAF: Final = _(
    "a NOTIFY does not arrive, so that workers look every second for what people ask for: set "
    "WORKER_DATABASE_URL to a direct connection with PostgreSQL, without a pooler."
)
ENGINE_UNREACHABLE: Final = _(
    "the database of WORKER_DATABASE_URL cannot be reached: workers do not hear of what people ask "
    "for, and look twice a second. Check that address."
)
ENGINE_JOBS_WAIT: Final = _(
    "{count} jobs wait, the oldest for {seconds} s, and no worker takes them: look into the "
    "worker's log, and restart it."
)
WORKER_NEVER_SEEN: Final = _("none was ever seen: start `manage.py run_worker`.")
WORKER_LOST: Final = _("none is alive, last seen {at} UTC: start `manage.py run_worker`.")

PANEL_IS_AT_WORK: Final = _("at {url}.")
PANEL_TO_CONFIRM: Final = _("To say so: `manage.py confirm_panel`.")

MAIL_IS_NOT_SENT: Final = _("mails are printed or kept here, not sent: set EMAIL_URL to send them.")
MAIL_SERVER_GREETS: Final = _("{server} answers and asks for no user.")
MAIL_SERVER_SIGNS_IN: Final = _("{server} answers and takes the user of EMAIL_URL.")
TEST_MAIL_SUBJECT: Final = _("Freddy Admin: a test of the mail server")
TEST_MAIL_TEXT: Final = _(
    "Somebody who runs the panel {url} asked for this mail with `manage.py doctor --send-mail`. "
    "That it reached you is all it has to say."
)
TEST_MAIL_SENT: Final = _("the mail server took a mail to {address}: see whether it arrives.")

OUTBOUND_IS_DIRECT: Final = _("calls go out without a proxy; the public authorities are trusted.")
CA_FILE_IS_TRUSTED: Final = _(
    "OUTBOUND_CA_FILE: certificates in {path}, trusted beside the public authorities: {count}."
)
CA_FILE_FAILS: Final = _(
    "OUTBOUND_CA_FILE: {path} cannot be read, or holds no certificate any more: put it back."
)
PROXY_CONNECTS: Final = _("OUTBOUND_PROXY: {proxy} connects us with {api}.")
PROXY_FAILS: Final = _(
    "OUTBOUND_PROXY: {proxy} does not connect us with {api} ({reason}): see whether it runs, takes "
    "this user and password, and lets that address through."
)
ALLOWED_HOSTS: Final = _("OUTBOUND_ALLOWED_HOSTS: {hosts} may be entered, wherever they are.")

API_ANSWERS: Final = _("{api} answers.")
API_FAILS: Final = _(
    "{api} does not answer as it should ({kind}): see {setting} and whether this machine may reach "
    "it."
)
ENVIRONMENTS: Final = _("{summary}.")
ENVIRONMENTS_MISSING: Final = _(
    "keys belong to environments that are not set up and are not called: {counts}. Name them in "
    "AITRONOS_ENVIRONMENTS again, or replace these keys. {summary}."
)

NO_KEYS_REFUSED_ALIKE: Final = _("no group of keys is refused in the same way.")

CLOCK_TO_CONFIRM: Final = _("To confirm it: `manage.py confirm_clock`.")
CLOCK_IS_SHARED: Final = _("the database shares this machine's clock.")
CLOCK_AGREES: Final = _("agrees with the database's.")
CLOCK_SKEWED: Final = _("{seconds} s apart from the database's: set up NTP on both machines.")

API_CLOCK_AGREES: Final = _("It agrees with that of Aitronos.")
API_CLOCK_SKEWED: Final = _(
    "It is {seconds} s apart from that of Aitronos: set up NTP on this machine, or ages and due "
    "times are wrong by as much."
)

FILES_READABLE: Final = _("others may read {paths}: run chmod go-rwx on it.")
FILES_PRIVATE: Final = _("secrets and data are this user's alone.")

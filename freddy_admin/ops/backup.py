"""A backup: the whole database in one file, which says what it is, and the way back.

The file is a compressed tar of `backup.json` and of the database's own copy. Stored API keys are in
it as in the database, sealed: whoever has the file and not ENCRYPTION_KEYS opens none. Of settings
it holds the names alone, so that a new machine can be told which ones are missing.
"""

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.database_version import migrations_validate_known
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.ops.database_copies import (
    CopyFailed,
    database_dump,
    database_folder,
    database_put_back,
    database_size,
)
from freddy_admin.vault.selectors import api_key_counts_by_environment

FORMAT: Final = 1
_FACTS_NAME: Final = "backup.json"
_MAX_FACTS_BYTES: Final = 1_000_000
_SETTING_LINE: Final = re.compile(r"^(?:# )?([A-Z][A-Z_]+)=", re.MULTILINE)
_SPARE_BYTES: Final = 16 * 1024 * 1024  # left for the log of a database on the same disk
_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BackupFacts:
    """What `backup.json` says of the database beside it."""

    format: int
    version: str  # of the panel
    created_at: str  # ISO 8601
    database: str  # as Django calls it: sqlite, postgresql
    size: int  # of the database's copy, in bytes
    sha256: str
    migrations: list[list[str]]  # app and name of each that was applied
    settings: list[str]  # names of those that were set; no value
    keys: int


def backup_create(*, path: Path) -> BackupFacts:
    """Write the file, readable by its owner alone; it appears whole or not at all.

    Raises Conflict where it exists already, CopyFailed where it cannot be written: before the
    first byte, where the disk has no room for it.
    """
    if path.exists():
        raise Conflict(_("%(path)s exists already. Name a new file.") % {"path": path})
    folder = path.absolute().parent
    if not folder.is_dir():
        raise NotFound(_("There is no folder %(path)s. Create it first.") % {"path": folder})
    # The copy, and the file that it is packed into.
    _validate_room(folder, 2 * database_size())
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=folder) as name:
            copy, draft = Path(name) / _copy_name(), Path(name) / "backup"
            database_dump(copy)
            facts = _facts_of(copy)
            _pack(facts, copy, draft)
            os.link(draft, path)  # unlike a rename, this refuses to replace a file
    except FileExistsError:
        raise Conflict(_("%(path)s exists already. Name a new file.") % {"path": path}) from None
    except OSError as error:
        raise _cannot_write(folder, error) from None
    return facts


def backup_restore(*, path: Path) -> tuple[BackupFacts, str]:
    """Put the database of the file in the place of the present one, then migrate it.

    Returns what the file says of it, and where the former database is kept ("" where there was
    none). Raises InvalidInput for a file that is no whole backup or of another kind of database,
    DatabaseTooNew, and CopyFailed, also while the panel runs; then nothing was changed.
    """
    facts = backup_read(path=path)
    with tempfile.TemporaryDirectory(prefix=".restore.", dir=database_folder()) as name:
        copy = Path(name) / _copy_name()
        _validate_room(copy.parent, 2 * facts.size)
        try:
            _unpack(path, copy)
        except OSError as error:
            raise _cannot_write(copy.parent, error) from None
        former = database_put_back(copy, now=clock.now())
    call_command("migrate", verbosity=0, interactive=False)
    return facts, former


def backup_read(*, path: Path) -> BackupFacts:
    """What a whole and undamaged backup for this panel's database says of itself.

    Raises NotFound, InvalidInput, and DatabaseTooNew for one of a newer version.
    """
    try:
        with tarfile.open(path) as archive:
            facts = _read_facts(archive)
            digest, size = hashlib.sha256(), 0
            for chunk in _read_chunks(_open_member(archive, _copy_name(facts.database))):
                digest.update(chunk)
                size += len(chunk)
    except FileNotFoundError:
        raise NotFound(_("There is no file %(path)s.") % {"path": path}) from None
    except (OSError, EOFError, tarfile.TarError, KeyError, ValueError, TypeError):
        raise _no_backup(path) from None
    if (digest.hexdigest(), size) != (facts.sha256, facts.size):
        raise _no_backup(path)
    if facts.database != connection.vendor:
        raise InvalidInput(
            _(
                "This is a backup of %(theirs)s, and DATABASE_URL leads to %(ours)s. Set "
                "DATABASE_URL to a database of that kind."
            )
            % {"theirs": facts.database, "ours": connection.vendor}
        )
    migrations_validate_known([(app, name) for app, name in facts.migrations])
    return facts


def settings_missing(facts: BackupFacts) -> list[str]:
    """The names of settings that were set where the backup was made, and are not set here."""
    return sorted(set(facts.settings) - set(_settings_set()))


def _facts_of(copy: Path) -> BackupFacts:
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackupFacts(
        format=FORMAT,
        version=settings.VERSION,
        created_at=clock.now().isoformat(),
        database=connection.vendor,
        size=copy.stat().st_size,
        sha256=digest,
        migrations=sorted(map(list, MigrationRecorder(connection).applied_migrations())),
        settings=_settings_set(),
        keys=sum(api_key_counts_by_environment().values()),
    )


def _settings_set() -> list[str]:
    example = (settings.BASE_DIR / ".env.example").read_text(encoding="utf-8")
    names = _SETTING_LINE.findall(example)
    return sorted(name for name in names if os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _copy_name(vendor: str = "") -> str:
    return "database.sql" if (vendor or connection.vendor) == "postgresql" else "database.sqlite3"


def _pack(facts: BackupFacts, copy: Path, draft: Path) -> None:
    head = json.dumps(asdict(facts), indent=1).encode()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
            member = _member(_FACTS_NAME, len(head))
            archive.addfile(member, BytesIO(head))
            with copy.open("rb") as content:
                archive.addfile(_member(copy.name, facts.size), content)
        file.flush()
        os.fsync(file.fileno())


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(clock.now().timestamp())
    return member


def _read_facts(archive: tarfile.TarFile) -> BackupFacts:
    content = _open_member(archive, _FACTS_NAME).read(_MAX_FACTS_BYTES)
    values: dict[str, Any] = json.loads(content)
    facts = BackupFacts(**values)
    if facts.format != FORMAT:
        raise ValueError(facts.format)
    datetime.fromisoformat(facts.created_at)
    return facts


def _open_member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    content = archive.extractfile(name)  # raises KeyError where there is none
    if content is None:
        raise ValueError(name)
    return content


def _read_chunks(content: IO[bytes]) -> Any:
    return iter(lambda: content.read(_CHUNK_BYTES), b"")


def _unpack(path: Path, copy: Path) -> None:
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with tarfile.open(path) as archive, os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(_open_member(archive, copy.name), file, _CHUNK_BYTES)


def _validate_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE_BYTES:
        raise CopyFailed(
            _(
                "The disk of %(folder)s is too full: %(needed)d MB are needed, %(free)d MB are "
                "free. Nothing was written."
            )
            % {
                "folder": folder,
                "needed": (needed + _SPARE_BYTES) // 1_000_000 + 1,
                "free": free // 1_000_000,
            }
        )


def _no_backup(path: Path) -> InvalidInput:
    return InvalidInput(
        _(
            "%(path)s is no whole backup of Freddy Admin: it is damaged, was cut short, or is "
            "something else. Nothing was changed."
        )
        % {"path": path}
    )


def _cannot_write(folder: Path, error: OSError) -> CopyFailed:
    return CopyFailed(
        _("Cannot write into %(folder)s: %(why)s.")
        % {"folder": folder, "why": error.strerror or type(error).__name__}
    )

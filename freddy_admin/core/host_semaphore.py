"""A semaphore over all processes of this machine, whichever user runs them.

A slot is a lock on a file of its own, held by an open file: the kernel releases it when its
process ends, however that ends. Nothing is read from the files or written into them.
"""

import fcntl
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

# Memory that all processes share, also under the shipped systemd units, which have a `/tmp` of
# their own, but no `/dev/shm`. TMPDIR names another folder.
_SHARED_MEMORY_FOLDER: Final = Path("/dev/shm")  # noqa: S108  # nosec B108
LOCK_FOLDER: Final = (
    _SHARED_MEMORY_FOLDER
    if _SHARED_MEMORY_FOLDER.is_dir() and not os.environ.get("TMPDIR")
    else Path(tempfile.gettempdir())
)
# Never through a link, and never waiting for the other end of a pipe that somebody put there.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE_FLAGS: Final = _OPEN_FLAGS | os.O_CREAT | os.O_EXCL


class HostSemaphore:
    """`count` slots of this name; who waits with priority gets one before the others."""

    def __init__(self, name: str, *, count: int, folder: Path = LOCK_FOLDER) -> None:
        self.folder = folder
        self._paths = [folder / f"{name}-{number}" for number in range(count)]
        self._priority_path = folder / f"{name}-first"

    def acquire(self, *, priority: bool) -> int | None:
        """A slot, an open file that the caller closes; None while all are taken.

        Without `priority` also None while somebody waits with priority. Never waits. Raises
        OSError where none of the files can be used.
        """
        if not priority and self._has_priority_waiter():
            return None
        taken_count, error = 0, OSError()
        for path in random.sample(self._paths, len(self._paths)):  # an order, not a secret
            try:
                slot = _open_locked_file(path, fcntl.LOCK_EX)
            except OSError as file_error:
                error = file_error
                continue
            if slot is not None:
                return slot
            taken_count += 1
        if not taken_count:
            raise error
        return None

    def validate_lock_files(self) -> None:
        """Raises OSError where a file cannot be used."""
        for path in (*self._paths, self._priority_path):
            os.close(_open_lock_file(path))

    @contextmanager
    def priority_waiter(self) -> Iterator["PriorityWaiter"]:
        """Holds back who has no priority, once `announce` is called and until the block ends."""
        waiter = PriorityWaiter(self._priority_path)
        try:
            yield waiter
        finally:
            waiter.close()

    def _has_priority_waiter(self) -> bool:
        with suppress(OSError):  # a file that cannot be used holds nobody back
            lock = _open_locked_file(self._priority_path, fcntl.LOCK_EX)
            if lock is None:
                return True
            os.close(lock)
        return False


class PriorityWaiter:
    """The sign that somebody waits with priority: a lock that any number may share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_file: int | None = None

    def announce(self) -> None:
        """Put the sign up; call it again, for it fails while a process looks for the sign."""
        if self._lock_file is None:
            with suppress(OSError):
                self._lock_file = _open_locked_file(self._path, fcntl.LOCK_SH)

    def close(self) -> None:
        """Take the sign down."""
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def _open_locked_file(path: Path, kind: int) -> int | None:
    """The open file with this lock on it, None where another holds one; raises OSError."""
    file = _open_lock_file(path)
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    return file


def _open_lock_file(path: Path) -> int:
    with suppress(FileNotFoundError):
        return os.open(path, _OPEN_FLAGS)
    try:
        file = os.open(path, _CREATE_FLAGS, 0o644)
    except FileExistsError:  # made by another in between
        return os.open(path, _OPEN_FLAGS)
    with suppress(OSError):
        os.fchmod(file, 0o644)  # whatever the umask: another user's processes only read it
    return file

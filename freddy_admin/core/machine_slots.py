"""So many of something at once, over all processes of this machine and whoever runs them.

A slot is a lock on a file of its own, held by an open file: the kernel gives it back when its
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

# Memory that all processes share, under the shipped systemd units, too: they have a `/tmp` of
# their own, but no `/dev/shm`. Who names a folder for such files (TMPDIR) means that one.
_SHARED: Final = Path("/dev/shm")  # noqa: S108  # nosec B108
FOLDER: Final = (
    _SHARED if _SHARED.is_dir() and not os.environ.get("TMPDIR") else Path(tempfile.gettempdir())
)
# Never through a link, and never waiting for the other end of a pipe that somebody put there.
_LOOK: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MAKE: Final = _LOOK | os.O_CREAT | os.O_EXCL


class MachineSlots:
    """`count` slots of this name; some who wait for one go before the others."""

    def __init__(self, name: str, *, count: int, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._paths = [folder / f"{name}-{number}" for number in range(count)]
        self._queue = folder / f"{name}-first"

    def take(self, *, first: bool) -> int | None:
        """A slot, to be closed by whoever has it; None while all are taken.

        Without `first` also None while somebody waits who goes first. Never waits. Raises OSError
        where none of the files can be used.
        """
        if not first and self._somebody_goes_first():
            return None
        taken, error = 0, OSError()
        for path in random.sample(self._paths, len(self._paths)):  # an order, not a secret
            try:
                slot = _lock(path, fcntl.LOCK_EX)
            except OSError as unusable:
                error = unusable
                continue
            if slot is not None:
                return slot
            taken += 1
        if not taken:
            raise error
        return None

    def examine(self) -> None:
        """Raises OSError where a file cannot be used."""
        for path in (*self._paths, self._queue):
            os.close(_opened(path))

    @contextmanager
    def going_first(self) -> Iterator["GoingFirst"]:
        """Holds back those who do not go first, once `ask` is called and until the block ends."""
        going = GoingFirst(self._queue)
        try:
            yield going
        finally:
            going.close()

    def _somebody_goes_first(self) -> bool:
        with suppress(OSError):  # a file that cannot be used holds nobody back
            lock = _lock(self._queue, fcntl.LOCK_EX)
            if lock is None:
                return True
            os.close(lock)
        return False


class GoingFirst:
    """The sign that somebody waits who goes first: a lock that any number may share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None

    def ask(self) -> None:
        """Put the sign up; to be tried again, for somebody may just be looking."""
        if self._lock is None:
            with suppress(OSError):
                self._lock = _lock(self._path, fcntl.LOCK_SH)

    def close(self) -> None:
        """Take the sign down."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path, kind: int) -> int | None:
    """The open file with this lock on it, None where another holds one; raises OSError."""
    file = _opened(path)
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except OSError:
        os.close(file)
        raise
    return file


def _opened(path: Path) -> int:
    with suppress(FileNotFoundError):
        return os.open(path, _LOOK)
    try:
        file = os.open(path, _MAKE, 0o644)
    except FileExistsError:  # made by another in between
        return os.open(path, _LOOK)
    with suppress(OSError):
        os.fchmod(file, 0o644)  # whatever the umask: another user's processes only read it
    return file

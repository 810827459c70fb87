"""Starts a few processes and stands by them: one ends, or one Ctrl-C, and all of them end.

Each child leads a process group of its own, so that a Ctrl-C reaches the supervisor alone and
everything a child has started ends with it.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.1
GRACE_SECONDS = 12.0


class ChildEnded(Exception):
    """One of the processes ended although nobody asked it to; `name` says which."""

    def __init__(self, name: str, code: int) -> None:
        reason = f"with signal {-code}" if code < 0 else f"with code {code}"
        super().__init__(f"{name} ended {reason}")
        self.name = name


class Stopped(Exception):
    """Somebody asked everything to stop."""


class PortTaken(Exception):
    """Another program listens on this port."""


@dataclass
class Supervisor:
    """Use `start` and `watch` inside `with supervisor.standing_by():`, which ends every child."""

    cwd: Path
    grace: float = GRACE_SECONDS
    _children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _asked: bool = False

    @contextmanager
    def standing_by(self) -> Iterator[None]:
        """Take signals as a wish to stop; whatever happens, no child outlives the block."""
        former = {number: signal.signal(number, self._note) for number in STOPPING}
        try:
            yield
        finally:
            self._end_all()
            for number, handler in former.items():
                signal.signal(number, handler)

    def start(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path | None = None
    ) -> None:
        """Start one process; its output goes where ours goes, or to a file."""
        if log is None:
            self._children[name] = self._spawn(command, env)
            return
        with log.open("wb") as output:
            self._children[name] = self._spawn(command, env, output)

    def run(self, name: str, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Run one step to its end; raises ChildEnded if it fails, Stopped if asked to stop."""
        step = self._children[name] = self._spawn(command, env)
        while step.poll() is None:
            self._pause()
        del self._children[name]
        if step.returncode:
            raise ChildEnded(name, step.returncode)

    def wait_for(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Whether `ready` came true in time; raises ChildEnded or Stopped meanwhile."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                return False
            self._look()
        return True

    def watch(self) -> None:
        """Stand by until somebody asks to stop (Stopped) or a child ends (ChildEnded)."""
        while True:
            self._look()

    def _look(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ChildEnded(name, child.returncode)
        self._pause()

    def _pause(self) -> None:
        if self._asked:
            raise Stopped
        time.sleep(POLL_SECONDS)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked = True

    def _spawn(
        self, command: Sequence[str], env: Mapping[str, str], output: IO[bytes] | None = None
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603  our own commands
            command,
            cwd=self.cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,  # databases hold sealed keys and people: nobody else's business
            preexec_fn=_end_with_parent if _LIBC else None,
        )

    def _end_all(self) -> None:
        for child in self._children.values():
            _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        for child in self._children.values():
            try:
                child.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            # Also where the leader ended in order: what it left behind goes too.
            _signal(child, signal.SIGKILL)
            child.wait()
        self._children.clear()


def port_check(port: int) -> None:
    """Raises PortTaken with a sentence if the panel could not listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "from 1 to 65535, please"
            raise PortTaken(f"Port {port} cannot be used: {reason}.") from None


def port_free() -> int:
    """A port that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal(child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


_LIBC = _libc()
_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    # Linux alone: a supervisor that is killed outright cannot end its children itself.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

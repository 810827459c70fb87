"""Starts a few processes and supervises them: if one ends, or at one Ctrl-C, all of them end.

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
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from freddy_admin.ops.stop_signals import STOP_SIGNALS, stop_on_signals

POLL_SECONDS = 0.1
GRACE_SECONDS = 12.0


class ChildEnded(Exception):
    """One of the processes ended although nobody asked it to; `name` says which."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} ended with code {code}")
        self.name, self.code = name, code


class StopRequested(Exception):
    """A signal asked everything to stop."""


class PortTaken(Exception):
    """Another program listens on this port."""


@dataclass
class Supervisor:
    """Use `start` and `watch` inside `with supervisor.supervising():`, which ends every child."""

    cwd: Path
    grace: float = GRACE_SECONDS
    _children: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _stop_requested: bool = False

    @contextmanager
    def supervising(self) -> Iterator[None]:
        """Stop at Ctrl-C, SIGTERM and SIGHUP; no child ever outlives the block."""
        with stop_on_signals(self._request_stop, (*STOP_SIGNALS, signal.SIGHUP)):
            try:
                yield
            finally:
                self._stop_children()

    def start(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path | None = None
    ) -> None:
        """Start one process; its output goes where ours goes, or to a file."""
        with log.open("wb") if log else nullcontext() as output:
            self._children[name] = self._spawn(command, env, output)

    def run(self, name: str, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Run a command to its end; raises ChildEnded if it fails, StopRequested at a signal."""
        process = self._children[name] = self._spawn(command, env)
        while process.poll() is None:
            self._sleep_unless_stopping()
        del self._children[name]
        if process.returncode:
            raise ChildEnded(name, process.returncode)

    def wait_for(self, is_ready: Callable[[], bool], *, seconds: float) -> bool:
        """Whether `is_ready` came true in time; raises ChildEnded or StopRequested meanwhile."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if time.monotonic() > deadline:
                return False
            self._poll_children()
        return True

    def watch(self) -> None:
        """Wait until a signal asks to stop (StopRequested) or a child ends (ChildEnded)."""
        while True:
            self._poll_children()

    def _poll_children(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ChildEnded(name, child.returncode)
        self._sleep_unless_stopping()

    def _sleep_unless_stopping(self) -> None:
        if self._stop_requested:
            raise StopRequested
        time.sleep(POLL_SECONDS)

    def _request_stop(self) -> None:
        self._stop_requested = True

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
            preexec_fn=_die_with_parent if _LIBC else None,
        )

    def _stop_children(self) -> None:
        for child in self._children.values():
            _signal_process_group(child, signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=max(0.0, deadline - time.monotonic()))
            # Also where the leader ended in order: what it left behind goes too.
            _signal_process_group(child, signal.SIGKILL)
            child.wait()
        self._children.clear()


def port_require_free(port: int) -> None:
    """Raises PortTaken with a sentence if the panel could not listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "from 1 to 65535, please"
            raise PortTaken(f"Port {port} cannot be used: {reason}.") from None


def find_free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal_process_group(child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


_LIBC: ctypes.CDLL | None = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    # Linux alone: a supervisor that is killed outright cannot end its children itself.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

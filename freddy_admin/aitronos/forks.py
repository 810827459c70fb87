"""What a forked child must not share with its parent: locks, threads, connections."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewed(Protocol):
    """Has a state that belongs to one process."""

    def start_afresh(self) -> None:
        """Take on the state of a new process."""


_RENEWED: WeakSet[Renewed] = WeakSet()


def renew_in_children(one: Renewed) -> None:
    """Have `one` start afresh in every child forked from now on; held weakly."""
    _RENEWED.add(one)


def _renew() -> None:
    for one in list(_RENEWED):
        one.start_afresh()


os.register_at_fork(after_in_child=_renew)

"""What a forked child must not share with its parent: locks, threads, connections."""

import os
from typing import Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """Has a state that belongs to one process."""

    def reset_after_fork(self) -> None:
        """Set the state of a new process."""


_FORK_AWARE_OBJECTS: WeakSet[ForkAware] = WeakSet()


def reset_in_forked_children(instance: ForkAware) -> None:
    """Reset `instance` in every child forked from now on; held weakly."""
    _FORK_AWARE_OBJECTS.add(instance)


def _reset_fork_aware_objects() -> None:
    for instance in list(_FORK_AWARE_OBJECTS):
        instance.reset_after_fork()


os.register_at_fork(after_in_child=_reset_fork_aware_objects)

"""One option of a list to choose from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelectOption:
    """What it is called in the address, what people read, and whether it is the chosen one."""

    value: str
    label: str
    selected: bool

"""What a run of sealing everything anew has done, and what it had to leave."""

from dataclasses import dataclass

from freddy_admin.vault.master_keys import MasterKeyUse


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that stays as it is: its key has to be pasted again, or its master key brought back.

    `key_id` is the key's, or the row's own for one of an import.
    """

    organisation: str
    label: str
    key_id: int
    candidate: bool
    import_row: bool
    master_key_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResealReport:
    """How a run ended: `usage` counts rows per master key after it."""

    keys: int
    candidates: int
    import_rows: int
    unreadable: tuple[UnreadableRow, ...]
    usage: tuple[MasterKeyUse, ...]

    @property
    def left(self) -> int:
        """Rows under former master keys, for whatever reason; 0 proves that those can go."""
        return sum(use.rows for use in self.usage if not use.seals)

    @property
    def removable(self) -> tuple[str, ...]:
        """Former master keys of this ring that seal nothing any more and can be taken away."""
        return tuple(
            use.master_key_id
            for use in self.usage
            if use.in_ring and not use.seals and use.rows == 0
        )

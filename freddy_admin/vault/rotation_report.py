"""The report of a rotation: rows sealed anew, and rows it could not open."""

from dataclasses import dataclass

from freddy_admin.vault.master_key_state import MasterKeyUsage


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row left as it was: its key has to be pasted again, or its master key restored.

    `key_id` is the key's id, or for an import row the row's own.
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
    """What a run did: counts of rows sealed anew; `usage` counts rows per master key after it."""

    keys: int
    candidates: int
    import_rows: int
    unreadable: tuple[UnreadableRow, ...]
    usage: tuple[MasterKeyUsage, ...]

    @property
    def remaining(self) -> int:
        """Rows still sealed with former master keys; at 0 those keys can be removed."""
        return sum(use.rows for use in self.usage if not use.is_sealing_key)

    @property
    def removable_master_key_ids(self) -> tuple[str, ...]:
        """Former master keys of this ring that seal no row any more and can be removed."""
        return tuple(
            use.master_key_id
            for use in self.usage
            if use.is_in_keyring and not use.is_sealing_key and use.rows == 0
        )

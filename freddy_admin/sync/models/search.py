"""The words by which lists are searched."""

from django.db import models

from freddy_admin.core.models import TenantOwned
from freddy_admin.core.search_words import WORD_MAX_LENGTH
from freddy_admin.sync.models.status import SyncStatus


class SearchWord(TenantOwned):
    """A folded word of an organisation's name or, with `status`, of one key's label or id.

    On PostgreSQL the column is compared by bytes ("C"), as on SQLite, so that all words with the
    same beginning are one range of the index.
    """

    # With an index of its own: one that held the words of names, too, would be read for them.
    status = models.ForeignKey(
        SyncStatus,
        on_delete=models.CASCADE,
        null=True,
        db_index=False,
        related_name="search_words",
    )
    word = models.CharField(max_length=WORD_MAX_LENGTH)

    class Meta:
        indexes = [
            models.Index(fields=["word", "status", "organisation"], name="search_by_word"),
            models.Index(
                fields=["status"], name="search_of_key", condition=models.Q(status__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.word

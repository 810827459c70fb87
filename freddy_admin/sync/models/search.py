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

    status = models.ForeignKey(
        SyncStatus, on_delete=models.CASCADE, null=True, related_name="search_words"
    )
    word = models.CharField(max_length=WORD_MAX_LENGTH)

    class Meta:
        indexes = [models.Index(fields=["word", "status", "organisation"], name="search_by_word")]

    def __str__(self) -> str:
        return self.word

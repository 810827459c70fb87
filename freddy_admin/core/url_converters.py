"""Path converters of URLs."""

from django.urls.converters import IntConverter


class PrimaryKeyConverter(IntConverter):
    """The number of a row. A longer one, which no database could hold, is no address: 404."""

    regex = "[0-9]{1,18}"

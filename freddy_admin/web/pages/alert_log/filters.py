"""The log's filters in the address: a link is the same view for whoever may open it."""

from dataclasses import dataclass

from freddy_admin.alerts.deliveries.ledger import LogFilters
from freddy_admin.alerts.models import ChannelKind, DeliveryState
from freddy_admin.web.query_params import QueryParams, choice_param, number_param, parsed_param

_LARGEST_ID_LENGTH, _LONGEST_SLUG = 18, 140


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The filters; empty or None where the address holds nothing or nothing valid."""

    channel: str = ""  # a kind, or the id of one channel
    state: str = ""
    organisation: str = ""
    before: int | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is filtered."""
        return LOG_PARAMS.is_narrowed(self)

    @property
    def filters(self) -> LogFilters:
        """They as the selector takes them."""
        is_kind = self.channel in ChannelKind.values
        return LogFilters(
            channel_id=int(self.channel) if self.channel and not is_kind else None,
            channel_kind=self.channel if is_kind else "",
            state=self.state,
            organisation_slug=self.organisation,
            before=self.before,
        )


def _parse_channel(text: str) -> str | None:
    is_id = text.isascii() and text.isdigit() and len(text) <= _LARGEST_ID_LENGTH
    return text if text in ChannelKind.values or is_id else None


def _parse_slug(text: str) -> str | None:
    is_slug = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return text if is_slug and len(text) <= _LONGEST_SLUG else None


LOG_PARAMS = QueryParams(
    LogQuery,
    channel=parsed_param("channel", _parse_channel, default=""),
    state=choice_param("state", DeliveryState),
    organisation=parsed_param("organisation", _parse_slug, default=""),
    before=number_param("before", default=None, is_filter=False, is_place=True),
)

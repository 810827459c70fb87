"""The mail channel of a person, made when they are first told of something."""

from collections.abc import Collection

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Channel, ChannelKind
from freddy_admin.core import clock

_BATCH_SIZE = 500


def person_channel_get(user: User) -> Channel:
    """The channel of this person, who has one at most, however many workers ask at once."""
    channel, _is_new = Channel.objects.get_or_create(
        user=user, defaults={"kind": ChannelKind.MAIL, "created_at": clock.now()}
    )
    return channel


def person_channels_get(*, user_ids: Collection[int]) -> dict[int, Channel]:
    """The channel of each of these persons, by the person's id; one that is off is among them.

    Two queries for each 500 persons, and one more where channels are missing. Persons who were
    deleted are left out.
    """
    channels: dict[int, Channel] = {}
    ids = sorted(set(user_ids))
    for start in range(0, len(ids), _BATCH_SIZE):
        channels |= _channels_of(ids[start : start + _BATCH_SIZE])
    return channels


def _channels_of(user_ids: list[int]) -> dict[int, Channel]:
    channels = _channels_by_user(user_ids)
    missing_ids = [user_id for user_id in user_ids if user_id not in channels]
    if not missing_ids:
        return channels
    now = clock.now()
    # Locked, so that nobody among them is deleted before their channel is there.
    users = User.objects.select_for_update(no_key=True).order_by("pk").filter(pk__in=missing_ids)
    Channel.objects.bulk_create(
        [Channel(user=user, kind=ChannelKind.MAIL, created_at=now) for user in users],
        ignore_conflicts=True,
    )
    return channels | _channels_by_user(missing_ids)


def _channels_by_user(user_ids: list[int]) -> dict[int, Channel]:
    rows = Channel.objects.filter(user__in=user_ids, deleted_at=None).select_related("user")
    return {channel.user_id: channel for channel in rows if channel.user_id is not None}

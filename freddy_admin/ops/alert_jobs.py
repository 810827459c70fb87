"""What the worker does for the alerts beside sending: it makes messages, and looks after them."""

from typing import Final

from freddy_admin.alerts.channels.services import channel_former_secrets_expire
from freddy_admin.alerts.deliveries.absence import LOOK_SECONDS, sender_heartbeat_record
from freddy_admin.alerts.deliveries.grouping import deliveries_due, deliveries_group
from freddy_admin.alerts.deliveries.planning import causes_link_and_plan
from freddy_admin.alerts.digest.services import digests_plan
from freddy_admin.alerts.incidents.history_import import history_incidents_create
from freddy_admin.alerts.incidents.retention import incidents_prune
from freddy_admin.core import clock
from freddy_admin.core.tasks import EmbeddedTasks, Queue, QueueName

DIGEST_SECONDS: Final = 60.0
MINUTE_SECONDS: Final = 60.0
FORMER_SECRETS_SECONDS: Final = 600.0
CAUSES_SECONDS = 15.0  # several times within the minute that a first message waits


def alert_jobs_add(tasks: EmbeddedTasks) -> None:
    """Have the alerts looked after by this worker; call it before the outbox's queue is added."""
    # A periodic task runs before the queues: after an absence no message goes out before it.
    tasks.every(LOOK_SECONDS, lambda: sender_heartbeat_record(now=clock.now()), in_each_worker=True)
    tasks.every(DIGEST_SECONDS, lambda: digests_plan(now=clock.now()))
    tasks.every(CAUSES_SECONDS, lambda: causes_link_and_plan(now=clock.now()))
    tasks.every(MINUTE_SECONDS, history_incidents_create)
    tasks.every(MINUTE_SECONDS, incidents_prune)
    tasks.every(FORMER_SECRETS_SECONDS, channel_former_secrets_expire)
    tasks.add(
        Queue(
            QueueName.ALERT_DELIVERIES,
            deliveries_due,
            lambda: deliveries_group(now=clock.now()),
        )
    )

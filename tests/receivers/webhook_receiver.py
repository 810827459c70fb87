"""A receiver of Standard Webhooks: takes what is signed, and each id once."""

from collections import Counter

from standardwebhooks import Webhook, WebhookVerificationError

from tests.receivers.http_receiver import HttpReceiver, ReceivedRequest, Reply


class WebhookReceiver(HttpReceiver):
    """Verifies by the standard's own library with its one secret; drops doubles by their id."""

    def __init__(self, secret: str = "") -> None:
        super().__init__(self._judge)
        self.secret = secret
        self.ids = Counter[str]()

    @property
    def events(self) -> list[dict[str, object]]:
        """What it took, each id once."""
        events = {request.headers["webhook-id"]: request.json for request in self.taken}
        return list(events.values())

    def _judge(self, request: ReceivedRequest) -> Reply:
        try:
            Webhook(self.secret).verify(request.body, request.headers)
        except WebhookVerificationError as error:
            return Reply(401, str(error).encode())
        self.ids[request.headers["webhook-id"]] += 1
        return Reply(204)

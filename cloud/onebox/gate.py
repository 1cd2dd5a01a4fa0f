"""What the embedded broker adds to amqtt: a message is stored before amqtt acknowledges it, and rules are kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import ApplicationMessage, Session
from paho.mqtt.client import topic_matches_sub

from cloud.devices.changes import FILTERS as CHANGES
from cloud.domain.access import may_hear, may_publish
from cloud.ingest.intake import FILTERS, Delivery

log = logging.getLogger(__name__)

Receive = Callable[[Delivery], None]

MOST_UNSTORED = 200
"""At this many messages waiting for the store, no more are read from a client."""


class Client:
    """One connection that has logged in; ``user`` is None if the broker has no users."""

    def __init__(self, user: str | None, address: str, transport: asyncio.WriteTransport) -> None:
        self.user = user
        self.gone = asyncio.Event()
        self._name = f"{user or 'a client'} at {address}"
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._unstored = 0
        self._stored = asyncio.Event()

    def hand_over(self, receive: Receive, item: ApplicationMessage) -> asyncio.Future[None]:
        """Give one message to the intake; the future completes once it is stored."""
        stored: asyncio.Future[None] = self._loop.create_future()
        self._unstored += 1

        def settled() -> None:
            self._unstored -= 1
            self._stored.set()
            if not stored.done():
                stored.set_result(None)

        def acknowledge() -> None:
            self._loop.call_soon_threadsafe(settled)

        receive(Delivery(item.topic, bytes(item.data), acknowledge))
        return stored

    async def room(self) -> None:
        """Wait while too many messages of this client are not stored yet."""
        await asyncio.sleep(0)  # lets messages that were already read be handed over first
        while self._unstored >= MOST_UNSTORED:
            self._stored.clear()
            await self._stored.wait()

    def hang_up(self, why: str) -> None:
        if not self._transport.is_closing():
            log.warning("broker: closed the connection of %s: %s", self._name, why)
            self._transport.abort()


class _StoredFirst(asyncio.Queue[ApplicationMessage]):
    """The queue between amqtt's reader and its delivery. amqtt sends PUBACK when ``put`` returns."""

    def __init__(self, client: Client, receive: Receive) -> None:
        super().__init__()
        self._client = client
        self._receive = receive

    async def put(self, item: ApplicationMessage) -> None:
        if not self._allowed(item.topic):
            # Never acknowledge: MQTT 3.1.1 has no other way to refuse. A device with a wrong name keeps its counts,
            # and its full outbox is reported.
            await asyncio.Event().wait()
        if _is_ours(item.topic):
            await self._client.hand_over(self._receive, item)
        super().put_nowait(item)

    def put_nowait(self, item: ApplicationMessage) -> None:
        """Take a message with QoS 0, which has no acknowledgement."""
        if self._allowed(item.topic):
            if _is_ours(item.topic):
                self._client.hand_over(self._receive, item)
            super().put_nowait(item)

    def _allowed(self, topic: str) -> bool:
        if may_publish(self._client.user, topic):
            return True
        self._client.hang_up(f"it is not allowed to publish to {topic[:200]!r}")
        return False


class Gate(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]
    """The amqtt plugin that stores what a client publishes and decides what it may receive."""

    @dataclass
    class Config:
        receive: object
        client_called: object

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        config: Any = context.config
        self._receive: Receive = config.receive
        self._client_called: Callable[[str], Client | None] = config.client_called

    async def authenticate(self, *, session: Session) -> bool:
        """Accept a client that has already logged in at :class:`EmbeddedBroker`; amqtt calls this first."""
        client = self._client_called(session.client_id)
        if client is None:
            return False
        session.delivered_message_queue = _StoredFirst(client, self._receive)
        return True

    async def topic_filtering(self, *, session: Session, topic: str, action: Action) -> bool:
        if action is Action.PUBLISH:  # checked before it was stored
            return True
        client = self._client_called(session.client_id)
        return client is not None and may_hear(client.user, topic)

    async def on_broker_retained_message(
        self, *, client_id: str | None, retained_message: RetainedApplicationMessage
    ) -> None:
        """Store a last will: the broker publishes it itself, past the queue; devices set it as retained."""
        if client_id is None and _is_ours(retained_message.topic) and retained_message.data:
            self._receive(Delivery(retained_message.topic, bytes(retained_message.data), _nobody_waits))


class OwnRetained(Broker):  # type: ignore[misc]
    """Sends a new client the retained messages of its own subscriptions; amqtt would send those of all clients."""

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribed = self._subscriptions.get(subscription[0], ())
        if any(subscriber is session for subscriber, _ in subscribed):
            await super()._publish_retained_messages_for_subscription(subscription, session)


def _is_ours(topic: str) -> bool:
    """Whether the intake stores what comes on this topic, or is heard as a change or an answer to one."""
    return any(topic_matches_sub(name, topic) for name in (*FILTERS, *CHANGES))


def _nobody_waits() -> None:
    pass

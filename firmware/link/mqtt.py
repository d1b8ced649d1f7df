"""MQTT over paho, with its traps closed.

paho's network thread dies of an exception in a callback while `is_connected()` stays true: every callback here only
puts a signal into a queue, is wrapped all the same, and the thread is watched. Its own queue is in RAM and grows
without limit: nothing is published unless connected, and little at a time. MQTT 5 comes first, because 3.1.1 says
"taken" for what a broker refuses; 3.1.1 is for brokers that know nothing else.
"""

import logging
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from firmware.errors import ConfigError
from firmware.link import payloads, tls, topics
from firmware.link.client import Connected, Delivered, Disconnected, Message, Received, Signal
from firmware.link.config import MqttConfig
from firmware.link.inbound import MAX_BYTES
from firmware.link.limits import Limits
from firmware.link.protocol import Choice

PROTOCOLS = {"5": paho.MQTTv5, "3.1.1": paho.MQTTv311}
RECONNECT_S = (1, 4)  # paho's own would grow to two minutes
UNDER_WAY_MAX = 60  # more than the outbox's and the states of the time in which they go unanswered
PUBACK_TIMEOUT_S = 10.0
PUBACK_PATIENCE_S = 15.0  # a broker that answers nothing for so long is left for a new connection
RESTART_S = 2.0  # a network thread that dies at once is not replaced twenty times a second
SESSION_S = 3600  # the broker keeps acknowledgements for the device so long
INBOX_MAX = 500  # of each command: a flood of one keeps no other out
OTHERS = "others"
FAREWELL_S = 1.0
NO_SUBSCRIBERS = 0x10
WRONG_VERSION = "Unsupported protocol version"

log = logging.getLogger("rearguard.mqtt")


class Connection:
    """A connection that is kept up. For one thread; only the callbacks run on paho's.

    `session_s` > 0 asks the broker to keep subscriptions and messages for so long while we are away.

    Raises:
        ConfigError: a password or certificate file cannot be used, or others could read along.
    """

    def __init__(
        self,
        config: MqttConfig,
        client_id: str,
        *,
        will: Message | None = None,
        session_s: int = 0,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._config, self._client_id, self._will = config, client_id, will
        self._session_s, self._max_bytes = session_s, max_bytes
        self._password = _password(config)
        self._tls = tls.context(config)
        self._inbox: deque[Signal | tuple[int, ReasonCode]] = deque()
        self._waiting: Counter[str] = Counter()  # in it, by command; counted on two threads
        self._counting = threading.Lock()
        self._limits = Limits()
        self._choice = Choice(config.protocol, secure=self._tls is not None)
        self._news = threading.Event()
        self._tokens: dict[int, tuple[str, float]] = {}  # what awaits an answer, and since when
        self._unanswered_s: float | None = None  # since when nothing at all was answered
        self._connected = self._let_in = self._answered = False
        self._protocol = self._choice.wanted
        self._started_s = 0.0
        self._opened_s: float | None = None
        self._retired: list[threading.Thread] = []
        self._told_absent = ""
        self.dropped = 0  # messages to us that were too large or too many
        self._paho: paho.Client | None = None
        if config.host:
            self._start(self._protocol)

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def warning(self) -> str:
        """Which certificate ends soon, and what to do; empty when none does."""
        return self._tls.warning() if self._tls is not None else ""

    def wait(self, timeout_s: float) -> bool:
        """Wait until `poll` has something to tell."""
        return self._news.wait(timeout_s)

    def poll(self) -> list[Signal]:
        """What has happened since the last call, in order."""
        self._supervise()
        self._news.clear()
        signals: list[Signal] = []
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, tuple):
                answer = self._answer(*item)
                signals += [answer] if answer else []
                continue
            if isinstance(item, Connected | Disconnected):
                self._connected = isinstance(item, Connected)
                # paho sends them again by itself: they count, but their senders do not wait for them any more
                self._tokens = {mid: ("", time.monotonic()) for mid in self._tokens}
                self._unanswered_s = None
            elif isinstance(item, Received):
                with self._counting:
                    self._waiting[_kind(item.topic)] -= 1
            signals.append(item)
        return signals

    def subscribe(self, topic: str, qos: int = 1) -> None:
        if self._paho is not None:
            self._paho.subscribe(topic, qos)

    def publish(self, message: Message) -> bool:
        if self._connected and not self._limits.takes(message):
            if message.token:
                self._put(Delivered(message.token, False, "larger than the broker takes", too_large=True))
            return True
        if self._paho is None or not self._connected or (message.qos and not self._has_room()):
            return False
        info = self._paho.publish(
            message.topic, message.payload, message.qos, message.retain, properties=self._publish_properties(message)
        )
        if info.rc != paho.MQTT_ERR_SUCCESS:
            return False
        if message.qos:
            now_s = time.monotonic()
            self._tokens[info.mid] = (message.token, now_s)
            self._unanswered_s = self._unanswered_s or now_s
        return True

    def _has_room(self) -> bool:
        """What was not answered in time is taken for lost; its sender sends it again."""
        latest_s = time.monotonic() - PUBACK_TIMEOUT_S
        self._tokens = {mid: token for mid, token in self._tokens.items() if token[1] > latest_s}
        return len(self._tokens) < self._limits.room(UNDER_WAY_MAX)

    def close(self, farewell: Message | None = None) -> None:
        """Say the last word, wait at most a second for the broker to have it, and end."""
        client, self._paho = self._paho, None
        if client is None:
            return
        if farewell is not None and self._connected:
            info = client.publish(farewell.topic, farewell.payload, farewell.qos, farewell.retain)
            try:
                info.wait_for_publish(FAREWELL_S)
            except (RuntimeError, ValueError) as error:
                log.info("MQTT: no farewell: %s", error)
        self._connected = False
        self._retire(client)
        for thread in self._retired:
            thread.join(2 * FAREWELL_S)

    # Building, watching and replacing paho's client

    def _start(self, protocol: str) -> None:
        self._protocol, self._limits = protocol, Limits()
        self._answered = self._let_in = False
        self._started_s, self._opened_s = time.monotonic(), None
        self._choice.started(protocol, self._started_s)
        self._tokens.clear()
        client = self._build(protocol)
        self._paho = client
        client.loop_start()

    def _build(self, protocol: str) -> paho.Client:
        modern = protocol == "5"
        clean = None if modern else not self._session_s
        client = paho.Client(CallbackAPIVersion.VERSION2, self._client_id, clean, protocol=PROTOCOLS[protocol])
        client.max_inflight_messages_set(2 * UNDER_WAY_MAX)  # paho's window must not close before ours
        client.max_queued_messages_set(2 * UNDER_WAY_MAX)
        client.reconnect_delay_set(*RECONNECT_S)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, self._will.qos, self._will.retain)
        if self._config.username:
            client.username_pw_set(self._config.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        self._hook(client)
        session: dict[str, Any] = {}
        if modern:
            session["clean_start"] = not self._session_s
            session["properties"] = _properties(PacketTypes.CONNECT, SessionExpiryInterval=self._session_s)
        client.connect_async(self._config.host, self._config.port, self._config.keepalive_s, **session)
        return client

    def _hook(self, client: paho.Client) -> None:
        client.on_socket_open = self._guarded(self._on_open)
        client.on_connect = self._guarded(self._on_connect)
        client.on_connect_fail = self._guarded(self._on_connect_fail)
        client.on_disconnect = self._guarded(self._on_disconnect)
        client.on_publish = self._guarded(self._on_publish)
        client.on_subscribe = self._guarded(self._on_subscribe)
        client.on_message = self._guarded(self._on_message)

    def _guarded(self, handle: Callable[..., None]) -> Callable[..., None]:
        """A callback that nothing escapes from, and that a retired client cannot reach."""

        def callback(client: paho.Client, userdata: object, *details: object) -> None:
            if client is not self._paho:
                return
            try:
                handle(*details)
            except Exception:
                log.exception("MQTT: a callback failed; the connection goes on")

        return callback

    def _supervise(self) -> None:
        if self._paho is None:
            return
        # paho has no public word for whether its thread lives
        thread: threading.Thread | None = getattr(self._paho, "_thread", None)
        if thread is None or not thread.is_alive():
            self._lose("the network thread died")
            if time.monotonic() - self._started_s >= RESTART_S:
                log.error("MQTT: the network thread has died; starting a new one")
                self._replace(self._protocol)
            return
        if self._unanswered_s is not None and time.monotonic() - self._unanswered_s >= PUBACK_PATIENCE_S:
            log.warning("MQTT: the broker has answered nothing for %g s; connecting anew", PUBACK_PATIENCE_S)
            self._lose("the broker answers nothing")
            self._replace(self._protocol)
            return
        now_s, opened_s = time.monotonic(), self._opened_s
        if opened_s is not None and not self._answered:
            self._choice.silent(self._protocol, now_s - opened_s)
        if self._choice.wanted != self._protocol and self._choice.may_switch(now_s):
            self._replace(self._choice.wanted)

    def _replace(self, protocol: str) -> None:
        if self._paho is not None:
            self._retire(self._paho)
        self._lose("the connection was replaced")
        self._start(protocol)

    def _lose(self, reason: str) -> None:
        """What paho does not notice. What it did notice is in the inbox already, and counts as well."""
        if self._connected:
            self._connected = False
            self._inbox.append(Disconnected(reason))

    def _retire(self, client: paho.Client) -> None:
        """End it in the background: paho may sleep a second before it notices."""
        client.disconnect()
        thread = threading.Thread(target=client.loop_stop, name="mqtt-retired", daemon=True)
        thread.start()
        self._retired = [*(old for old in self._retired if old.is_alive()), thread]

    # On paho's thread

    def _on_open(self, opened: socket.socket) -> None:
        self._opened_s = time.monotonic()
        # else a fall waits up to 40 ms for the answer to what was said before (Nagle, and delayed acknowledgements)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect_fail(self) -> None:
        self._tell_absent(f"no answer from {self._config.host}:{self._config.port}")

    def _tell_absent(self, otherwise: str) -> None:
        """Once for as long as it lasts: paho tries again every few seconds."""
        why = otherwise
        if self._tls is not None and self._tls.trouble:
            why, self._tls.trouble = self._tls.trouble, ""
        if self._told_absent != why:
            self._told_absent = why
            log.error("MQTT: %s; trying on", why)

    def _on_connect(self, flags: paho.ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        self._answered = True
        if reason.is_failure:
            log.warning("MQTT %s: the broker refuses the connection: %s", self._protocol, reason)
            if str(reason) == WRONG_VERSION:
                self._choice.refused(self._protocol)
            return
        if self._protocol != "5":
            log.warning("MQTT %s: what the broker refuses cannot be seen", self._protocol)
        self._choice.let_in(self._protocol)
        self._limits = Limits.told(properties)
        self._let_in, self._told_absent = True, ""
        self._put(Connected(self._protocol))

    def _on_disconnect(self, flags: paho.DisconnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        if self._let_in:
            self._put(Disconnected(str(reason)))
            self._choice.lost()
        elif self._tls is not None and self._tls.trouble:
            self._tell_absent("")
        elif not self._answered:
            self._choice.hung_up(self._protocol)
        self._let_in = self._answered = False
        self._opened_s = None

    def _on_publish(self, mid: int, reason: ReasonCode, properties: Properties | None) -> None:
        self._put((mid, reason))

    def _on_subscribe(self, mid: int, reasons: list[ReasonCode], properties: Properties | None) -> None:
        for reason in reasons:
            if reason.is_failure:
                log.error("MQTT: the broker refuses a subscription: %s; check its access rules", reason)

    def _on_message(self, message: paho.MQTTMessage) -> None:
        kind = _kind(message.topic)
        with self._counting:
            if len(message.payload) > self._max_bytes or self._waiting[kind] >= INBOX_MAX:
                self.dropped += 1
                return
            self._waiting[kind] += 1
        self._put(Received(message.topic, bytes(message.payload), message.retain))

    def _put(self, item: Signal | tuple[int, ReasonCode]) -> None:
        self._inbox.append(item)
        self._news.set()

    # Small things

    def _answer(self, mid: int, reason: ReasonCode) -> Delivered | None:
        token = self._tokens.pop(mid, ("", 0.0))[0]
        self._unanswered_s = time.monotonic() if self._tokens else None
        if not token:
            return None  # nobody asked, or it belongs to an earlier connection
        heard = reason.value != NO_SUBSCRIBERS if self._protocol == "5" else None
        return Delivered(token, not reason.is_failure, str(reason), heard)

    def _publish_properties(self, message: Message) -> Properties | None:
        if self._protocol != "5":
            return None
        expiry = {} if message.expiry_s is None else {"MessageExpiryInterval": message.expiry_s}
        return _properties(PacketTypes.PUBLISH, ContentType="application/json", **expiry)


class MqttClient(Connection):
    """The link's connection: it speaks for one device, and the broker says `lost` when it goes without a word."""

    def __init__(self, config: MqttConfig, device: str) -> None:
        self.device = device
        will = Message(topics.status(device), payloads.lost(device), qos=1, retain=True)
        super().__init__(config, device, will=will, session_s=SESSION_S)


def _kind(topic: str) -> str:
    """A topic's command; whatever else there is shares one."""
    last = topic.rpartition("/")[2]
    return last if last in topics.COMMANDS else OTHERS


def _properties(packet: int, **values: str | int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def check_files(config: MqttConfig) -> None:
    """Raises ConfigError, in the link's own words, for a password or a certificate that cannot be used."""
    _password(config)
    tls.context(config)


def _password(config: MqttConfig) -> str | None:
    if not config.password_file:
        return None
    try:
        return Path(config.password_file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"mqtt: password_file {config.password_file} cannot be read: {error}") from error

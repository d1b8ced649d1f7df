"""What reaches the guard from its neighbours: broken outputs from the sounder, acknowledgements from the link.

Both sockets are read on the loop, a few datagrams a turn and never waiting; neither can carry anything that weakens
the guard (`firmware.ipc` says what is understood).
"""

import queue
from collections.abc import Callable
from typing import Protocol

from firmware.core.messages import Acknowledgement, Command, Input
from firmware.ipc import Malformed, RemoteAck, RemoteSettings, SounderReport, decode_remote, decode_report
from hal.samples import SensorFault

SOUNDER_SILENT_NS = 1_000_000_000
WORKER_STUCK_NS = 3_000_000_000  # an SD card can hold up one write for a second or two
SILENT = "sounder: no word for over 1 s, so neither buzzer nor motor can be trusted; restart rearguard-sounder"
PER_TURN = 4  # a flood costs the loop four short reads per 50 ms, no more


class Inbox(Protocol):
    """Hears one neighbour."""

    def take(self, now_ns: int) -> list[Input]: ...


Receive = Callable[[], dict[str, object] | None]


class SounderInbox:
    """Turns the sounder's reports into faults, and its silence too."""

    def __init__(self, receive: Receive, now_ns: int) -> None:
        self._receive, self._heard_ns = receive, now_ns
        self.rejected = 0

    def take(self, now_ns: int) -> list[Input]:
        faults: list[Input] = []
        for _ in range(PER_TURN):
            body = self._receive()
            if body is None:
                break
            try:
                report = decode_report(body)
            except Malformed:
                self.rejected += 1
                continue
            self._heard_ns = now_ns
            if report.part:
                faults.append(_fault(report, now_ns))
        if now_ns - self._heard_ns > SOUNDER_SILENT_NS:
            faults.append(SensorFault(now_ns, "buzzer", "SounderSilent", SILENT))
        return faults


class Handover:
    """What another thread of the guard has for the core: the journal's left-over, once it could be opened."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Input] = queue.SimpleQueue()

    def put(self, item: Input) -> None:
        self._waiting.put(item)

    def take(self, now_ns: int) -> list[Input]:
        inputs: list[Input] = []
        while not self._waiting.empty():
            inputs.append(self._waiting.get())
        return inputs


class Worker(Protocol):
    """Work beside the loop that counts its turns; `firmware.guard.background.Background` does."""

    turns: int


class WorkInbox:
    """Makes a fault of a journal whose writer does not come back: nobody might be told of a fall."""

    def __init__(self, worker: Worker, now_ns: int) -> None:
        self._worker, self._turns, self._seen_ns = worker, worker.turns, now_ns

    def take(self, now_ns: int) -> list[Input]:
        if self._worker.turns != self._turns:
            self._turns, self._seen_ns = self._worker.turns, now_ns
        if now_ns - self._seen_ns <= WORKER_STUCK_NS:
            return []
        hung = "journal: the disk does not answer, so nobody may be told of a fall; restart the device"
        return [SensorFault(now_ns, "journal", "Hung", hung)]


class RemoteInbox:
    """Turns the link's words into acknowledgements and commands; settings are no matter of the core's."""

    def __init__(
        self, receive: Receive, number_of: Callable[[str], int | None], settings: Callable[[RemoteSettings], object]
    ) -> None:
        self._receive, self._number_of, self._settings = receive, number_of, settings
        self.rejected = 0

    def take(self, now_ns: int) -> list[Input]:
        inputs: list[Input] = []
        for _ in range(PER_TURN):
            body = self._receive()
            if body is None:
                break
            try:
                word = decode_remote(body)
            except Malformed:
                self.rejected += 1
                continue
            if isinstance(word, RemoteSettings):
                self._settings(word)
                continue
            if not isinstance(word, RemoteAck):
                inputs.append(Command(now_ns, word.name))
                continue
            number = self._number_of(word.alarm)
            if number is not None:
                inputs.append(Acknowledgement(now_ns, number, word.state, word.by, word.phase))
        return inputs


def _fault(report: SounderReport, now_ns: int) -> SensorFault:
    return SensorFault(now_ns, report.part, report.kind, report.detail)

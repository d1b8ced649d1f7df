"""The sounder as a process: the smallest of them, so that it is the last to die."""

import contextlib
import sys
import threading
from collections.abc import Callable

from firmware.config import Config
from firmware.guard.watchdog import systemd_notifier
from firmware.ipc import (
    SOUNDER_REPORTS_SOCKET,
    SOUNDER_SOCKET,
    Malformed,
    Receiver,
    Sender,
    SounderReport,
    decode_play,
    encode_report,
)
from firmware.realtime import ask_for_real_time
from firmware.sounder.airbag import AirbagPin
from firmware.sounder.outputs import Outputs
from firmware.sounder.sounder import TURN_S, Sounder
from firmware.sounder.voice import Voice, VoiceConfig
from hal.board import Board
from hal.clock import Clock, MonotonicClock

WATCHED_S = 2.0  # from the first turn on; until then the unit's own WatchdogSec gives Python time to start
FEED_NS = 500_000_000


def run_sounder(config: Config, board: Board, stop: threading.Event) -> None:
    """Silence the outputs, then play what the guard asks until `stop` is set, then silence them again."""
    clock, run_dir = MonotonicClock(), config.paths.run_dir
    open_led = None if config.board.led.pin is None else board.open_led
    outputs = Outputs(board.open_buzzer, board.open_motor, open_led)
    airbag = AirbagPin(config.board.airbag, board.open_airbag)
    with contextlib.ExitStack() as stack:
        stack.callback(outputs.close)
        stack.callback(airbag.close)
        ask_for_real_time()
        airbag.rest(clock.now_ns())
        outputs.rest(clock.now_ns())  # before all else: a sounder that was killed may have left them on
        inbox, to_guard = Receiver(run_dir / SOUNDER_SOCKET), Sender(run_dir / SOUNDER_REPORTS_SOCKET)
        stack.callback(inbox.close)
        stack.callback(to_guard.close)

        def report(word: SounderReport) -> None:
            to_guard.send(encode_report(word))

        voice = _voice(config.sounder.voice, stack)
        countdown_s = config.core.fall.countdown_s
        sounder = Sounder(config.sounder, outputs, report, airbag, countdown_s=countdown_s, voice=voice)
        _play(sounder, inbox, clock, stop, _feeder(systemd_notifier()))


def _voice(config: VoiceConfig, stack: contextlib.ExitStack) -> Voice | None:
    """None where none is wanted, or none can be had."""
    if not config.language:
        return None
    from firmware.sounder.player import PlayerProcess  # a sounder without a voice starts no processes

    try:
        player = PlayerProcess(config)
    except OSError as error:
        print(f"rearguard: voice: no process can be started ({error.strerror}); no prompts", file=sys.stderr)
        return None
    stack.callback(player.close)
    return Voice(player)


def _play(sounder: Sounder, inbox: Receiver, clock: Clock, stop: threading.Event, feed: Callable[[int], None]) -> None:
    due_ns = clock.now_ns()
    while not stop.is_set():
        body = inbox.receive(timeout_s=max((due_ns - clock.now_ns()) / 1e9, 0.0))
        if body is not None:
            try:
                sounder.receive(decode_play(body), clock.now_ns())
            except Malformed:
                inbox.rejected += 1
        now_ns = clock.now_ns()
        if body is not None or now_ns >= due_ns:
            sounder.tick(now_ns)
            feed(now_ns)
        if now_ns >= due_ns:  # at an even beat, so that a datagram in between moves no pause
            due_ns = max(due_ns + round(TURN_S * 1e9), now_ns)


def _feeder(notify: Callable[[str], None]) -> Callable[[int], None]:
    """Tell systemd now and then that turns come to their end: one that hangs for `WATCHED_S` is killed."""
    fed_ns: int | None = None

    def feed(now_ns: int) -> None:
        nonlocal fed_ns
        if fed_ns is None or now_ns - fed_ns >= FEED_NS:
            fed_ns = now_ns
            notify(f"WATCHDOG_USEC={round(WATCHED_S * 1e6)}\nWATCHDOG=1")

    return feed

"""The sounder as a process: the smallest of them, so that it is the last to die."""

import threading

from firmware.config import Config
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
from firmware.sounder.outputs import Outputs
from firmware.sounder.sounder import TURN_S, Sounder
from hal.board import Board
from hal.clock import MonotonicClock


def run_sounder(config: Config, board: Board, stop: threading.Event) -> None:
    """Play what the guard asks until `stop` is set, then silence the outputs."""
    clock, run_dir = MonotonicClock(), config.paths.run_dir
    inbox = Receiver(run_dir / SOUNDER_SOCKET)
    to_guard = Sender(run_dir / SOUNDER_REPORTS_SOCKET)

    def report(word: SounderReport) -> None:
        to_guard.send(encode_report(word))

    sounder = Sounder(config.sounder, Outputs(board.open_buzzer, board.open_motor), report)
    ask_for_real_time()
    due_ns = clock.now_ns()
    try:
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
                due_ns = now_ns + round(TURN_S * 1e9)
    finally:
        sounder.close()
        inbox.close()

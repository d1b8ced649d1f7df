"""A guard without sensors, as a process: what decides is a script, what keeps the decision is the guard's own."""

import os
import sys
import threading
import time
from pathlib import Path

from firmware.core.messages import Alert, Hazard, Severity, Tick
from firmware.guard.events import EventMaker, Wall
from firmware.guard.journal_writer import JournalWriter
from firmware.guard.pocket import Pocket
from firmware.ipc import NEWS_SOCKET, Sender
from firmware.journal import JOURNAL, Journal

CODE = "import sys; from bench._alerts_guard import main; main(*sys.argv[1:])"


def main(state_dir: str, run_dir: str) -> None:
    """Decide on a fall for each line of standard input, which is its number, and say so once the loop is done with it.

    A line "written?" is answered when everything decided is in the journal, also what an earlier run has left.
    """
    wall = Wall(lambda: time.time_ns() // 1_000_000, lambda: True, os.urandom, "bench")
    events = EventMaker("rg-0a1b2c3d", wall)
    journal = Path(state_dir) / JOURNAL
    pocket = Pocket(Path(run_dir), complain)
    news = Sender(Path(run_dir) / NEWS_SOCKET)
    writer = JournalWriter(
        *(lambda: Journal(journal), events, time.monotonic_ns, lambda _: None, complain),
        pocket=pocket,
        written=lambda: news.send({"v": 1}),
    )
    threading.Thread(target=writer.background.run, daemon=True).start()
    print("up", flush=True)
    for line in sys.stdin:
        if line == "written?\n":
            wait(writer)
            print("written", flush=True)
            continue
        t_ns, number = time.monotonic_ns(), int(line)
        fall = Alert(t_ns, Hazard.FALL, Severity.SUSPECTED, number, {"number": number, "deadline_s": 30.0})
        writer.take([Tick(t_ns)], [fall])
        print(number, flush=True)


def wait(writer: JournalWriter) -> None:
    """Two whole turns of the writer from now: the first may have been under way."""
    turns, pause = writer.background.turns, threading.Event()
    while writer.background.turns < turns + 2 or writer.unwritten_count:
        pause.wait(0.002)


def complain(text: str) -> None:
    print(f"guard: {text}", file=sys.stderr, flush=True)

"""What happens while the processes are started."""

import signal
import threading
from collections.abc import Iterator

import pytest

from firmware.evaluation.runner import _interrupts_wait


@pytest.fixture
def interruptible() -> Iterator[None]:
    """As a program that somebody started; one in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_the_start(finished: list[bool]) -> None:
    starting, taken = threading.Event(), threading.Event()

    def take() -> None:  # as a thread of a library, which blocks no signal
        starting.wait()
        signal.raise_signal(signal.SIGINT)
        taken.set()

    threading.Thread(target=take).start()
    with _interrupts_wait():
        starting.set()
        taken.wait()
        finished.append(True)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_waits_until_the_processes_have_their_tasks_even_if_another_thread_takes_it() -> None:
    finished: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        interrupt_the_start(finished)
    assert finished
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

"""What happens while the processes are started."""

import os
import signal
import threading

import pytest

from firmware.evaluation.runner import _interrupts_wait


def interrupt_the_start(finished: list[bool]) -> None:
    with _interrupts_wait():
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100_000):  # a signal that another thread took would interrupt here
            pass
        finished.append(True)


def test_ctrl_c_waits_until_the_processes_have_their_tasks_even_if_another_thread_takes_it() -> None:
    over, finished = threading.Event(), list[bool]()
    other = threading.Thread(target=over.wait)  # as of a library: it was there before, and takes every signal
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt_the_start(finished)
    finally:
        over.set()
        other.join()
    assert finished
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

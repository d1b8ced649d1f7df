"""A line of the kernel, requested by our own driver alone: who gets it, who is refused, and which edges are lost."""

import errno
import socket
import struct

import pytest
from virtual_pi.conftest import Run

from hal.gpiochip import BUFFERED
from hal.sim.virtual_pi.server import OPEN as OPEN_REQUEST
from hal.sim.virtual_pi.server import VirtualPi

OPEN = """
from hal.clock import MonotonicClock
from hal.errors import HalError, PinsUnavailable
from hal.gpiochip import KernelPulse, open_line

"""
PULSE = OPEN + "pulse = KernelPulse(open_line(24))\n"


def refusal(run: Run, number: int = 24) -> str:
    """What is said when the line cannot be had."""
    said: str = run(
        f"{OPEN}try:\n    open_line({number})\nexcept PinsUnavailable as error:\n    say(str(error))\n"
    ).says()
    return said


def test_edges_that_the_kernel_could_not_keep_are_an_error_and_no_distance(pi: VirtualPi, run: Run) -> None:
    """A loose wire: more edges than the buffer holds while the process is stopped between two instructions."""
    program = run(
        PULSE
        + """
pulse.arm()
say("armed")
wait_for_the_test()
try:
    say(pulse.wait(MonotonicClock(), 1.0))
except HalError as error:
    say([type(error).__name__, str(error)])
pulse.arm()
say("armed")
say([pulse.wait(MonotonicClock(), 60.0), pulse.fall - pulse.rise])
"""
    )
    assert program.says() == "armed"
    echo = pi.pins.sim_pin(24)
    with pi.held():
        for i in range(BUFFERED + 24):
            echo.drive(i % 2 == 0, pi.clock.now_ns())
    program.proceed()
    kind, message = program.says()
    assert kind == "ImplausibleEcho"
    assert "echo on pin 24: 24 edges lost" in message
    assert program.says() == "armed"
    with pi.held():
        echo.drive(True, 1_000_000_000)
        echo.drive(False, 1_006_000_000)
    assert program.says() == [True, pytest.approx(0.006)]
    program.end()


def test_line_that_another_program_holds_is_given_once_that_has_ended(pi: VirtualPi, run: Run) -> None:
    first = run(PULSE + "say(pulse.level)\nwait_for_the_test()\n")
    assert first.says() is False
    assert pi.chip.holder(24) == "rearguard"
    assert '"rearguard" holds it' in refusal(run)
    first.kill()
    second = run(PULSE + "say(pulse.level)\n")
    assert second.says() is False


def test_program_that_dies_in_the_middle_of_a_request_takes_nobody_along(pi: VirtualPi, run: Run) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as program:
        program.connect(pi.environment["VIRTUAL_PI"])
        with pi.held():
            program.send(struct.pack("=II", OPEN_REQUEST, 0) + b"/dev/gpiochip0")
            program.close()
    assert run(PULSE + "say(pulse.level)\n").says() is False


def test_line_that_the_chip_does_not_have_is_refused(run: Run) -> None:
    assert "pin 57: the kernel does not give the line (Invalid argument); there is no such line" in refusal(run, 57)


def test_closed_pulse_gives_its_line_back_at_once(run: Run) -> None:
    program = run(OPEN + "for _ in range(20):\n    open_line(24).close()\nsay('closed')\n")
    assert program.says() == "closed"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EACCES, "Permission denied: '/dev/gpiochip0'); add this user to the group gpio"),
        (errno.ENOENT, "no /dev/gpiochip* is one of pinctrl-bcm2835, pinctrl-bcm2711, pinctrl-rp1"),
    ],
)
def test_chip_that_cannot_be_opened_is_told_with_what_to_do(pi: VirtualPi, run: Run, code: int, advice: str) -> None:
    pi.refused["/dev/gpiochip0"] = code
    assert advice in refusal(run)

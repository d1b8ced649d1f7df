"""The HC-SR04's driver on a kernel's line, in a process of its own: exact beside busy threads, honest about faults."""

import errno

import pytest
from virtual_pi.conftest import Run
from virtual_pi.wiring import Plug, connect_rangefinder

from hal.sim.faults import Fault
from hal.sim.virtual_pi.server import VirtualPi

pytestmark = pytest.mark.usefixtures("needs_lgpio")

OPEN = """
from hal.clock import MonotonicClock
from hal.errors import HalError
from hal.hcsr04 import HcSr04
from hal.pins import open_factory

def answer(sensor):
    try:
        samples = sensor.read()
    except HalError as error:
        return [type(error).__name__, str(error)]
    return samples[0].distance_m if samples else "nothing new"

pins = open_factory("lgpio")
"""
SENSOR = OPEN + "sensor = HcSr04(pins, MonotonicClock(), trigger=23, echo=24)\n"

READ_TEN = SENSOR + "say([answer(sensor) for _ in range(10)])\n"

BUSY = """
import threading
running = True

def count():
    i = 0
    while running:
        i += 1

threading.Thread(target=count, daemon=True).start()
"""


def test_distance_stays_exact_while_the_process_is_busy(pi: VirtualPi, run: Run) -> None:
    connect_rangefinder(pi, 1.5)
    program = run(BUSY + SENSOR + "say([answer(sensor) for _ in range(15)])\nrunning = False\n")
    distances_m = [found for found in program.says() if isinstance(found, float)]
    assert len(distances_m) >= 5, "a machine with no time for the virtual sensor makes late echoes, which are refused"
    assert distances_m == [pytest.approx(1.5, abs=0.001)] * len(distances_m)
    program.end()


def test_free_way_is_free(pi: VirtualPi, run: Run) -> None:
    connect_rangefinder(pi, None)
    answers = run(READ_TEN).says()
    assert None in answers
    assert not any(isinstance(found, float) for found in answers)


def test_stuck_echo_line_is_an_error(pi: VirtualPi, run: Run) -> None:
    connect_rangefinder(pi, 1.5, Fault("stuck", "rangefinder", start_s=0.0))
    answers = run(READ_TEN).says()
    assert {kind for kind, _ in answers} == {"EchoStuck"}


def test_edges_that_the_kernel_could_not_keep_are_an_error_and_no_distance(pi: VirtualPi, run: Run) -> None:
    """A loose wire: more edges than the buffer holds while the process is stopped between two instructions."""
    program = run(
        OPEN
        + """
pulse = pins.pulse_input(24)
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
        for i in range(40):
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


UNPLUGGED = {
    "ours": SENSOR
    + """
found = None
while not isinstance(found, float):
    found = answer(sensor)
say(found)
wait_for_the_test()
for _ in range(5):
    found = answer(sensor)
say(found)
""",
    "gpiozero": """
import threading, warnings
from gpiozero import DistanceSensor
from gpiozero.pins.lgpio import LGPIOFactory

lost = threading.Semaphore(0)
warnings.simplefilter("always")
warnings.showwarning = lambda *about: lost.release()
sensor = DistanceSensor(echo=24, trigger=23, max_distance=4, pin_factory=LGPIOFactory())
say(sensor.distance)
wait_for_the_test()
for _ in range(5):
    lost.acquire()
say(sensor.distance)
""",
}


def after_unplugging(pi: VirtualPi, run: Run, reader: str) -> object:
    """What a reader says of the way behind, five pings after the sensor was unplugged in front of a wall at 1.5 m."""
    plug = Plug()
    connect_rangefinder(pi, 1.5, plug)
    program = run(UNPLUGGED[reader])
    assert program.says() == pytest.approx(1.5, abs=0.1)
    with pi.held():
        plug.pulled = True
    program.proceed()
    return program.says()


def test_unplugged_rangefinder_is_an_error_not_an_old_distance(pi: VirtualPi, run: Run) -> None:
    said = after_unplugging(pi, run, "ours")
    assert isinstance(said, list)
    assert said[0] == "NoEcho"
    assert "check its wiring (trigger on pin 23, echo on pin 24)" in said[1]


def test_reader_built_on_gpiozero_goes_on_giving_the_old_distance(pi: VirtualPi, run: Run) -> None:
    assert after_unplugging(pi, run, "gpiozero") == pytest.approx(1.5, abs=0.1)


def test_stamps_of_both_libraries_and_ticks_are_one_time(pi: VirtualPi, run: Run) -> None:
    program = run(
        OPEN
        + """
import threading
ours, theirs, seen = pins.pulse_input(24), pins.pin(22), threading.Event()
stamps = []

def changed(ticks, level):
    stamps.append(ticks)
    seen.set()

theirs.input_with_pull("floating")
theirs.edges = "both"
theirs.when_changed = changed
say(pins.ticks())
ours.wait(MonotonicClock(), 60.0)
seen.wait()
say([ours.rise, ours.fall, stamps[0], pins.ticks()])
pins.close()
"""
    )
    before_s = program.says()
    with pi.held():
        t_ns = pi.clock.now_ns()
        for pin in (22, 24):
            pi.pins.sim_pin(pin).drive(True, t_ns)
        pi.pins.sim_pin(24).drive(False, t_ns + 1_000)
    rise_s, fall_s, lgpio_s, after_s = program.says()
    assert before_s < rise_s < after_s
    assert rise_s == pytest.approx(t_ns / 1e9, abs=2e-9)
    assert lgpio_s == pytest.approx(rise_s, abs=2e-9)
    assert fall_s - rise_s == pytest.approx(1e-6, abs=1e-8)


def refusal(run: Run, code: str = "pins.pulse_input(24)") -> str:
    """What is said when the line cannot be had."""
    said: str = run(
        f"{OPEN}from hal.errors import PinsUnavailable\ntry:\n    {code}\nexcept PinsUnavailable as error:\n"
        "    say(str(error))\n"
    ).says()
    return said


def test_line_that_a_kernel_driver_holds_is_refused_with_its_holders_name(pi: VirtualPi, run: Run) -> None:
    with pi.held():
        pi.chip.reserve(24, "onewire@0")
    said = refusal(run, "HcSr04(pins, MonotonicClock(), trigger=23, echo=24)")
    assert said.startswith("rangefinder (trigger on pin 23, echo on pin 24): pin 24: the kernel does not give the line")
    assert 'Device or resource busy); "onewire@0" holds it: end that program, or remove its dtoverlay' in said


def test_line_that_another_program_holds_is_given_once_that_has_ended(pi: VirtualPi, run: Run) -> None:
    first = run(OPEN + "pulse = pins.pulse_input(24)\nsay(pulse.level)\nwait_for_the_test()\n")
    assert first.says() is False
    assert pi.chip.holder(24) == "rearguard"
    assert '"rearguard" holds it' in refusal(run)
    first.kill()
    second = run(OPEN + "pulse = pins.pulse_input(24)\nsay(pulse.level)\n")
    assert second.says() is False


def test_line_that_the_chip_does_not_have_is_refused(run: Run) -> None:
    assert "pin 57: the kernel does not give the line (Invalid argument); there is no such line" in refusal(
        run, "pins.pulse_input(57)"
    )


def test_closed_pulse_gives_its_line_back_at_once(run: Run) -> None:
    program = run(OPEN + "for _ in range(20):\n    pins.pulse_input(24).close()\nsay('closed')\n")
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
    program = run(
        "from hal.errors import PinsUnavailable\nfrom hal.gpiochip import open_line\ntry:\n    open_line(24)\n"
        "except PinsUnavailable as error:\n    say(str(error))\n"
    )
    assert advice in program.says()

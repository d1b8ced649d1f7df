"""The HC-SR04's driver on a kernel's line, in a process of its own: exact beside busy threads, honest about faults."""

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


def test_line_that_a_kernel_driver_holds_is_refused_with_its_holders_name(pi: VirtualPi, run: Run) -> None:
    with pi.held():
        pi.chip.reserve(24, "onewire@0")
    said = run(
        OPEN
        + """
try:
    HcSr04(pins, MonotonicClock(), trigger=23, echo=24)
except HalError as error:
    say(str(error))
"""
    ).says()
    assert said.startswith("rangefinder (trigger on pin 23, echo on pin 24): pin 24: the kernel does not give the line")
    assert 'Device or resource busy); "onewire@0" holds it: end that program, or remove its dtoverlay' in said

"""Outputs that nobody renews go off by themselves, to the nanosecond in simulated time, and while a thread hangs."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from output_rig import KINDS, OutputRig

from hal.errors import OutputFault
from hal.expiry import LIMIT_S, RETRY_S, Expiring, TimerThread
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory
from hal.sim.timer import SimTimer

LIMIT_NS = round(LIMIT_S * 1e9)
WAIT_S = 30.0  # for another thread, which takes no time at all unless something is broken

steps = st.lists(
    st.tuples(st.sampled_from(["on", "on", "on", "other", "off"]), st.integers(0, 1_200_000_000)), max_size=30
)


def expected(events: list[tuple[int, str]], end_ns: int) -> list[tuple[int, int]]:
    """From when to when it must be on: from each asking for half a second, or until it is told to be off."""
    spells: list[tuple[int, int]] = []
    for i, (t_ns, what) in enumerate(events):
        if what == "off":
            continue
        next_ns = events[i + 1][0] if i + 1 < len(events) else end_ns
        until_ns = min(t_ns + LIMIT_NS, next_ns)
        if spells and spells[-1][1] == t_ns:
            spells[-1] = (spells[-1][0], until_ns)
        else:
            spells.append((t_ns, until_ns))
    return [(start, end) for start, end in spells if end > start]


@pytest.mark.parametrize("kind", KINDS)
@given(steps=steps)
def test_output_is_on_while_it_is_renewed_and_not_a_moment_longer(kind: str, steps: list[tuple[str, int]]) -> None:
    rig = OutputRig(SimPinFactory(SimClock(10**12)), kind)
    switches: dict[str, Callable[[], None]] = {"on": rig.on, "other": rig.other, "off": rig.output.off}
    events: list[tuple[int, str]] = []
    for what, pause_ns in steps:
        events.append((rig.clock.now_ns(), what))
        switches[what]()
        rig.clock.advance_to(rig.clock.now_ns() + pause_ns)
    rig.clock.sleep(2.0)
    assert rig.spells() == expected(events, rig.clock.now_ns())


@pytest.mark.parametrize("kind", KINDS)
def test_renewing_writes_nothing_so_that_a_tone_goes_on_without_a_click(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    changes, writes = list(rig.pin.history), list(rig.chip.writes)
    for _ in range(300):
        rig.clock.sleep(0.01)
        rig.on()
    assert rig.pin.history == changes
    assert rig.chip.writes == writes
    rig.clock.sleep(LIMIT_S)
    assert rig.pin.pad.level == 0
    rig.on()
    assert rig.pin.pad.level > 0, "a renewal that comes too late switches it on again"


@pytest.mark.parametrize("kind", KINDS)
def test_change_of_tone_renews_it_too(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    for _ in range(5):
        rig.on()
        rig.clock.sleep(0.4)
        rig.other()
        rig.clock.sleep(0.4)
        assert rig.pin.pad.level > 0


@pytest.mark.parametrize("kind", KINDS)
def test_output_whose_pin_cannot_be_written_when_it_expires_goes_off_as_soon_as_it_can(
    pins: SimPinFactory, kind: str
) -> None:
    rig = OutputRig(pins, kind, Fault("off", KINDS[kind], start_s=0.3, end_s=2.0))
    rig.on()
    rig.until(1.95)
    assert rig.pin.pad.level > 0
    rig.until(2.0 + RETRY_S)
    assert rig.pin.pad.level == 0
    rig.until(2.5)
    rig.on()
    assert rig.pin.pad.level > 0


@pytest.mark.parametrize("kind", KINDS)
def test_write_that_takes_longer_than_half_a_second_leaves_nothing_on(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    pad = rig.pin.pad_model
    write = pad.write

    def hang(pin: object, level: float, frequency_hz: float | None) -> None:
        if level:
            rig.clock.sleep(0.8)
        write(pin, level, frequency_hz)  # type: ignore[arg-type]

    pad.write = hang  # type: ignore[method-assign,assignment]
    assert "a write took 800 ms" in rig.report(rig.on)
    assert rig.pin.pad.level == 0


@pytest.mark.parametrize("kind", KINDS)
def test_closed_output_is_left_alone_by_the_time_that_is_left_over(pins: SimPinFactory, kind: str) -> None:
    rig = OutputRig(pins, kind)
    rig.on()
    rig.output.close()
    changes = len(rig.pin.history)
    rig.clock.sleep(2.0)
    assert len(rig.pin.history) == changes


class HandClock:
    """Real threads, and a time that passes only when the test says so."""

    def __init__(self) -> None:
        self._now_ns = 0
        self._passed = threading.Condition()

    def now_ns(self) -> int:
        return self._now_ns

    def sleep(self, seconds: float) -> None:
        due_ns = self._now_ns + round(seconds * 1e9)
        with self._passed:
            assert self._passed.wait_for(lambda: self._now_ns >= due_ns, WAIT_S)

    def wait(self, event: object, timeout_s: float) -> bool:
        raise NotImplementedError("nobody waits for events here")

    def advance(self, seconds: float) -> None:
        with self._passed:
            self._now_ns += round(seconds * 1e9)
            self._passed.notify_all()


class Wire:
    """An output that can be made to hang in the middle of a write."""

    def __init__(self) -> None:
        self.went_low, self.writing, self.let_go = threading.Event(), threading.Event(), threading.Event()
        self.done: list[str] = []

    def high(self) -> None:
        self.done.append("high")

    def high_but_hanging(self) -> None:
        self.writing.set()
        assert self.let_go.wait(WAIT_S)
        self.done.append("high")

    def low(self) -> None:
        self.done.append("low")
        self.went_low.set()


def test_output_goes_off_while_its_user_hangs_somewhere_else() -> None:
    clock, wire = HandClock(), Wire()
    expiring = Expiring(clock, TimerThread(clock), wire.low)
    expiring.show("on", wire.high)
    clock.advance(0.4)
    expiring.show("on", wire.high)
    clock.advance(0.4)
    assert wire.done == ["high"]
    clock.advance(0.1)  # and this thread does nothing more
    assert wire.went_low.wait(WAIT_S)
    assert wire.done == ["high", "low"]
    expiring.close()


def test_output_goes_off_while_its_user_hangs_in_a_write_to_it_and_again_when_that_comes_back() -> None:
    clock, wire = HandClock(), Wire()
    expiring = Expiring(clock, TimerThread(clock), wire.low)
    user = threading.Thread(target=lambda: expiring.show("on", wire.high_but_hanging), daemon=True)
    user.start()
    assert wire.writing.wait(WAIT_S)
    clock.advance(LIMIT_S)
    assert wire.went_low.wait(WAIT_S), "the timer does not wait for the write to come back"
    wire.let_go.set()
    user.join(WAIT_S)
    assert wire.done == ["low", "high", "low"]
    expiring.close()


def test_output_that_hangs_does_not_hold_up_another() -> None:
    clock, stuck, sound = HandClock(), Wire(), Wire()
    first = Expiring(clock, TimerThread(clock), stuck.high_but_hanging)  # hangs when it is to be switched off
    second = Expiring(clock, TimerThread(clock), sound.low)
    first.show("on", stuck.high)
    second.show("on", sound.high)
    clock.advance(LIMIT_S)
    assert stuck.writing.wait(WAIT_S)
    assert sound.went_low.wait(WAIT_S)
    stuck.let_go.set()
    for expiring in (first, second):
        expiring.close()


def test_timer_ends_with_its_output_and_never_starts_without_one() -> None:
    clock, wire = HandClock(), Wire()
    before = set(threading.enumerate())
    expiring = Expiring(clock, TimerThread(clock), wire.low)
    assert set(threading.enumerate()) <= before
    expiring.show("on", wire.high)
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon, "it must not keep a process that ends from ending"
    expiring.close()
    clock.advance(LIMIT_S)
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert wire.done == ["high"], "whoever opened it closes it"


def test_failure_to_switch_off_is_the_users_to_hear(clock: SimClock) -> None:
    def low() -> None:
        raise OutputFault("motor (pin 25): reads high after low was written")

    expiring = Expiring(clock, SimTimer(clock), low)
    expiring.show("on", lambda: None)
    with pytest.raises(OutputFault, match="reads high"):
        expiring.off()
    clock.sleep(5.0)  # the timer's own tries are nobody's to hear


@pytest.mark.parametrize("kind", KINDS)
def test_output_that_was_renewed_and_refused_to_go_off_is_tried_again_before_it_would_have_expired(
    pins: SimPinFactory, kind: str
) -> None:
    rig = OutputRig(pins, kind, Fault("off", KINDS[kind], 0.44, 0.46))
    rig.on()
    rig.until(0.4)
    rig.on()
    rig.until(0.45)
    with pytest.raises(OutputFault):
        rig.output.off()
    rig.until(LIMIT_S + 0.01)
    assert rig.pin.pad.level == 0

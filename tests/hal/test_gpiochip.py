"""Pulses timed by the kernel's edges, however late they are fetched, and never taken for longer than they were."""

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.clock import MonotonicClock
from hal.errors import ImplausibleEcho, PinsUnavailable
from hal.gpiochip import BUFFERED, LINE_EVENT, KernelPulse, Line, open_line
from hal.sim.clock import SimClock

RISE, FALL = True, False


class FakeLine:
    """The kernel's end of a line request: what is written here is read there, as far as its buffer reaches."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._ours = ours
        self._theirs = theirs.dup()
        self.pulse = KernelPulse(Line(theirs.detach(), 24))
        self._number = 0
        self._waiting = 0

    def edge(self, at_ns: int, rising: bool) -> None:
        self._number += 1
        self._ours.send(LINE_EVENT.pack(at_ns, 1 if rising else 2, 24, self._number, self._number))

    def edges(self, *edges: tuple[int, bool]) -> None:
        """Many at once: the kernel keeps the last ones."""
        for _ in edges[:-BUFFERED]:
            self._number += 1
        for at_ns, rising in edges[-BUFFERED:]:
            self.edge(at_ns, rising)

    def vanish(self) -> None:
        self._ours.close()

    def close(self) -> None:
        self.pulse.close()
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def line() -> Iterator[FakeLine]:
    fake = FakeLine()
    yield fake
    fake.close()


def test_pulse_is_timed_by_its_stamps_however_late_they_are_read(line: FakeLine) -> None:
    clock = SimClock(9_000_000_000)
    line.edges((1_000_000_000, RISE), (1_005_828_440, FALL))
    assert line.pulse.wait(clock, 0.0)
    assert (line.pulse.rise, line.pulse.fall) == (1.0, 1.00582844)
    assert line.pulse.uncertain_s == 0


def test_wait_ends_with_the_time_that_it_was_given(line: FakeLine) -> None:
    clock = SimClock()
    line.edge(1_000, RISE)
    assert not line.pulse.wait(clock, 0.03)
    assert clock.now_ns() == 30_000_000
    assert line.pulse.rise == 1e-6
    assert line.pulse.fall is None


def test_wait_ends_with_the_pulse_on_the_machines_clock_too(line: FakeLine) -> None:
    line.edge(1_000, RISE)
    assert not line.pulse.wait(MonotonicClock(), 0.001)
    line.edge(2_000, FALL)
    assert line.pulse.wait(MonotonicClock(), 60.0)


def test_armed_pulse_has_forgotten_the_last_one_and_what_straggles(line: FakeLine) -> None:
    line.edges((1_000, RISE), (2_000, FALL), (3_000, RISE), (4_000, FALL))
    line.pulse.arm()
    assert (line.pulse.rise, line.pulse.fall) == (None, None)
    line.edges((5_000, FALL), (6_000, RISE), (7_000, FALL), (8_000, RISE), (9_000, FALL))
    assert line.pulse.wait(SimClock(), 0.0)
    assert (line.pulse.rise, line.pulse.fall) == (6e-6, 7e-6)


def test_end_of_a_pulse_is_known_without_waiting_for_it(line: FakeLine) -> None:
    line.edge(1_000, RISE)
    assert not line.pulse.wait(SimClock(), 0.001)
    line.edge(2_000, FALL)
    assert line.pulse.fall == 2e-6


def test_noise_that_overflows_the_kernels_buffer_is_refused_once_and_with_what_to_do(line: FakeLine) -> None:
    line.edges(*((t, t % 2 == 0) for t in range(BUFFERED + 5)))
    with pytest.raises(ImplausibleEcho, match=r"echo on pin 24: 5 edges lost, .*; check the wire"):
        line.pulse.wait(SimClock(), 0.06)
    assert (line.pulse.rise, line.pulse.fall) == (None, None)
    assert not line.pulse.wait(SimClock(), 0.06)
    line.pulse.arm()
    line.edges((5_000, RISE), (6_000, FALL))
    assert line.pulse.wait(SimClock(), 0.0)


def test_noise_before_a_ping_costs_nothing(line: FakeLine) -> None:
    line.edges(*((t, t % 2 == 0) for t in range(100)))
    line.pulse.arm()
    line.edges((5_000, RISE), (6_000, FALL))
    assert line.pulse.wait(SimClock(), 0.0)


def test_two_rises_in_a_row_are_no_long_pulse(line: FakeLine) -> None:
    """The kernel looks which way an edge went only after the interrupt: a short dip leaves two edges that go up."""
    line.edges((1_000, RISE), (5_000, RISE), (6_000, FALL))
    with pytest.raises(ImplausibleEcho, match="1 edge lost"):
        line.pulse.wait(SimClock(), 0.0)


@given(kept=st.lists(st.booleans(), min_size=4, max_size=12), arm_after=st.integers(0, 6))
def test_whatever_is_lost_no_pulse_is_longer_than_the_longest_that_there_was(kept: list[bool], arm_after: int) -> None:
    """Pulses of 1 µs, 10 µs apart; some edges never arrive, though they are counted."""
    line = FakeLine()
    for i, keep in enumerate(kept):
        if i == arm_after:
            line.pulse.arm()
        at_ns = i // 2 * 10_000 + i % 2 * 1_000
        if keep:
            line.edge(at_ns, i % 2 == 0)
        else:
            line._number += 1
    try:
        over = line.pulse.wait(SimClock(), 0.0)
    except ImplausibleEcho:
        assert not all(kept)
    else:
        assert not over or line.pulse.fall - line.pulse.rise == pytest.approx(1e-6)  # type: ignore[operator]
    line.close()


def test_chip_that_vanishes_is_an_error_and_no_endless_wait(line: FakeLine) -> None:
    line.vanish()
    with pytest.raises(OSError, match="the GPIO chip is gone"):
        line.pulse.wait(MonotonicClock(), 60.0)


@pytest.mark.skipif(os.path.exists("/dev/gpiochip0"), reason="this machine has GPIO chips")
def test_machine_without_gpio_is_told_what_it_takes() -> None:
    with pytest.raises(PinsUnavailable, match=r"pin 24: no /dev/gpiochip\* is one of pinctrl-bcm2835, .* Raspberry Pi"):
        open_line(24)

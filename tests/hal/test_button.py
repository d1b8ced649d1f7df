"""The button's driver on a simulated change-over switch, polled every 20 ms as the guard does."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.button import Button
from hal.errors import ContactFault, PinsUnavailable
from hal.sim.chips.button import SimButton
from hal.sim.clock import SimClock
from hal.sim.faults import Fault
from hal.sim.pins import SimPinFactory

POLL_S = 0.02


class Hand:
    """Presses the button between the given times."""

    def __init__(self, *presses: tuple[float, float]) -> None:
        self.presses = presses

    def __call__(self, t_s: float) -> bool:
        return any(from_s <= t_s < to_s for from_s, to_s in self.presses)


class Rig:
    """A button, polled; the world began with the clock."""

    def __init__(
        self, pins: SimPinFactory, hand: Hand | None = None, fault: Fault | None = None, *, nc_pin: int | None = 27
    ) -> None:
        self.clock = pins.clock
        self.epoch_ns = self.clock.now_ns()
        SimButton(pins, pin=17, nc_pin=nc_pin, pressed=hand or Hand(), fault=fault, epoch_ns=self.epoch_ns)
        self.button = Button(pins, self.clock, pin=17, nc_pin=nc_pin)

    def t_s(self) -> float:
        return (self.clock.now_ns() - self.epoch_ns) / 1e9

    def poll(self, until_s: float) -> list[tuple[float, bool | str]]:
        """The changes of what is read: when, and whether pressed, or the error's text."""
        changes: list[tuple[float, bool | str]] = []
        while self.t_s() < until_s:
            answer: bool | str
            try:
                answer = self.button.read().pressed
            except ContactFault as error:
                answer = str(error)
            if not changes or changes[-1][1] != answer:
                changes.append((self.t_s(), answer))
            self.clock.sleep(POLL_S)
        return changes


def faults(changes: list[tuple[float, bool | str]]) -> list[float]:
    return [t_s for t_s, answer in changes if isinstance(answer, str)]


@pytest.mark.parametrize("nc_pin", [27, None])
def test_press_is_read_within_two_polls(pins: SimPinFactory, nc_pin: int | None) -> None:
    changes = Rig(pins, Hand((2.0, 2.3)), nc_pin=nc_pin).poll(4.0)
    assert [pressed for _, pressed in changes] == [False, True, False]
    assert 2.0 <= changes[1][0] <= 2.05
    assert 2.3 <= changes[2][0] <= 2.35


def test_button_held_while_the_device_starts_is_read_as_pressed_at_once(pins: SimPinFactory) -> None:
    assert Rig(pins, Hand((0.0, 9.0))).button.read().pressed


@pytest.mark.parametrize("nc_pin", [27, None])
def test_contact_that_bounces_for_15_ms_is_one_press(pins: SimPinFactory, nc_pin: int | None) -> None:
    bounces = Hand((1.0, 1.003), (1.007, 1.009), (1.015, 1.5), (1.503, 1.506), (1.511, 1.513))
    changes = Rig(pins, bounces, nc_pin=nc_pin).poll(3.0)
    assert [pressed for _, pressed in changes] == [False, True, False]


@pytest.mark.parametrize("gap_s", [0.15, 0.25, 0.5])
def test_quick_presses_for_help_are_all_read_and_are_no_fault(pins: SimPinFactory, gap_s: float) -> None:
    hand = Hand(*[(1 + i * gap_s, 1 + (i + 0.5) * gap_s) for i in range(10)])
    changes = Rig(pins, hand).poll(8.0)
    assert faults(changes) == []
    assert [pressed for _, pressed in changes].count(True) == 10


def test_touch_that_only_one_poll_sees_is_no_press(pins: SimPinFactory) -> None:
    rig = Rig(pins, Hand((0.994, 1.012)))
    assert rig.poll(0.99) == [(0.0, False)]
    assert not pins.pin(17).state  # the contact is closed as this poll begins
    assert [pressed for _, pressed in rig.poll(2.0)] == [False]


def test_late_poll_that_meets_the_lever_on_its_way_is_no_fault(pins: SimPinFactory) -> None:
    rig = Rig(pins, Hand((3.0, 4.0)))
    rig.poll(1.0)
    rig.clock.advance_to(rig.epoch_ns + 3_002_000_000)
    assert pins.pin(17).state
    assert pins.pin(27).state
    assert not rig.button.read().pressed
    assert [pressed for _, pressed in rig.poll(5.0)] == [False, True, False]


@settings(max_examples=200)
@given(gaps_s=st.lists(st.floats(0.001, 0.5), min_size=20, max_size=20), travel_s=st.floats(0.004, 0.085))
def test_lever_on_its_way_is_no_fault_however_late_the_polls_come(gaps_s: list[float], travel_s: float) -> None:
    pins = SimPinFactory(SimClock(0))
    for pin, from_s, to_s in ((17, 1.0 + travel_s, 99.0), (27, -1.0, 1.0)):
        pins.sim_pin(pin).follow(lambda a=from_s, b=to_s: not a <= pins.clock.now_ns() / 1e9 < b)
    button = Button(pins, pins.clock, pin=17, nc_pin=27)
    answers = []
    for gap_s in gaps_s:
        answers.append(button.read().pressed)
        pins.clock.sleep(gap_s)
    assert answers == sorted(answers)


@pytest.mark.parametrize("poll_s", [0.02, 0.05, 0.2])
def test_cut_wire_takes_three_readings_and_a_tenth_of_a_second(pins: SimPinFactory, poll_s: float) -> None:
    rig = Rig(pins, fault=Fault("off", "button", start_s=1.0))
    readings: list[float] = []
    found = False
    while not found:
        readings += [rig.t_s()] if rig.t_s() >= 1.0 else []
        try:
            rig.button.read()
        except ContactFault:
            found = True
        rig.clock.sleep(poll_s)
    assert 3 <= len(readings) <= 7
    assert 0.09 <= readings[-1] - readings[0] <= max(0.14, 3 * poll_s + 0.001)


def test_plug_that_loses_contact_at_every_other_reading_is_a_fault(pins: SimPinFactory) -> None:
    rig = Rig(pins)
    readings = iter(range(1000))
    pins.sim_pin(27).follow(lambda: next(readings) % 2 == 1)
    assert faults(rig.poll(1.5))


def test_unplugged_button_says_what_was_found_and_what_to_do(pins: SimPinFactory) -> None:
    changes = Rig(pins, fault=Fault("off", "button", start_s=1.0)).poll(3.0)
    t_s, text = changes[1]
    assert 1.06 <= t_s <= 1.14
    assert text == (
        "button (pin 17, normally closed on pin 27): both contacts open, "
        "expected one open and one closed; check its plug and both wires"
    )


def test_button_unplugged_from_the_start_is_a_fault_at_once(pins: SimPinFactory) -> None:
    rig = Rig(pins, fault=Fault("off", "button", start_s=0.0))
    with pytest.raises(ContactFault, match="both contacts open"):
        rig.button.read()


def test_unplugged_button_never_presses_itself(pins: SimPinFactory) -> None:
    for word in ("off", "stuck", "wrong", "intermittent", "garbage"):
        answers = [answer for _, answer in Rig(SimPinFactory(SimClock(0)), fault=Fault(word, "button", 1.0)).poll(9.0)]
        if word != "garbage":  # random levels may look like a press until they are seen through
            assert True not in answers, word
        else:
            assert answers.count(True) <= 2, word


def begins_within(limit_s: float, text: str) -> Callable[[list[tuple[float, bool | str]]], bool]:
    def check(changes: list[tuple[float, bool | str]]) -> bool:
        first = next((t_s, answer) for t_s, answer in changes if isinstance(answer, str))
        return 3.0 <= first[0] <= 3.0 + limit_s and text in str(first[1])

    return check


def lasts_from_then_on(limit_s: float, text: str) -> Callable[[list[tuple[float, bool | str]]], bool]:
    def check(changes: list[tuple[float, bool | str]]) -> bool:
        later = [answer for t_s, answer in changes if t_s > 3.0 + limit_s]
        return begins_within(limit_s, text)(changes) and all(isinstance(answer, str) for answer in later)

    return check


REPORTS: dict[str, Callable[[list[tuple[float, bool | str]]], bool]] = {
    "ok": lambda changes: [answer for _, answer in changes] == [False, True, False],
    "off": lasts_from_then_on(0.15, "both contacts open"),
    "stuck": lasts_from_then_on(0.15, "both contacts closed"),
    "garbage": lasts_from_then_on(1.0, "expected one open and one closed"),
    "wrong": lasts_from_then_on(0.15, "both contacts closed"),
    "slow": begins_within(1.2, "both contacts open"),  # pressed at 4 s
    "delayed": begins_within(1.2, "both contacts open"),
    "intermittent": begins_within(1.2, "both contacts open"),
}


@pytest.mark.parametrize("word", REPORTS)
def test_each_failure_bites_when_it_starts_and_is_over_when_it_ends(pins: SimPinFactory, word: str) -> None:
    presses = ((4.0, 4.6),) if word in ("ok", "slow", "delayed") else ()
    rig = Rig(pins, Hand(*presses, (9.0, 9.5)), Fault(word, "button", start_s=3.0, end_s=7.0))
    assert rig.poll(2.99) == [(0.0, False)]
    changes = rig.poll(6.99)
    assert REPORTS[word](changes), changes
    rig.poll(7.6)
    assert [answer for _, answer in rig.poll(11.0)] == [False, True, False]


def test_intermittent_plug_is_reported_in_several_spells(pins: SimPinFactory) -> None:
    changes = Rig(pins, fault=Fault("intermittent", "button", start_s=1.0)).poll(11.0)
    assert len(faults(changes)) >= 3


def test_fault_is_not_over_before_the_contacts_were_sound_for_a_while(pins: SimPinFactory) -> None:
    changes = Rig(pins, fault=Fault("off", "button", start_s=1.0, end_s=2.0)).poll(4.0)
    assert 2.3 <= changes[-1][0] <= 2.6
    assert changes[-1][1] is False


def test_pins_that_fail_while_reading_ask_to_be_opened_anew(pins: SimPinFactory) -> None:
    rig = Rig(pins)

    def broken() -> bool:
        raise OSError(5, "Input/output error")

    pins.sim_pin(27).follow(broken)
    with pytest.raises(PinsUnavailable, match=r"button \(pin 17.*: its pins cannot be read .*gpioinfo"):
        rig.button.read()


def test_closed_button_can_be_opened_again(pins: SimPinFactory, clock: SimClock) -> None:
    rig = Rig(pins, Hand((0.0, 9.0)))
    rig.button.close()
    assert Button(pins, clock, pin=17, nc_pin=27).read().pressed


def test_press_from_before_a_fault_is_forgotten_when_the_fault_is_over(pins: SimPinFactory) -> None:
    """She let go while the plug was out: nothing of the old press may be read afterwards."""
    rig = Rig(pins, Hand((1.0, 2.0)), Fault("off", "button", 1.5, 3.0))
    changes = rig.poll(5.0)
    assert [answer for _, answer in changes if isinstance(answer, bool)] == [False, True, False]
    assert changes[-1][1] is False
    assert faults(changes)

"""How often somebody may speak to the device, and that nothing old is said anew."""

import pytest

from firmware.link.gate import AHEAD_MS, MOST_SENDERS, Gate
from firmware.link.inbound import LARGEST_NUMBER, NAME_MAX, THIS_ALARM, Accept, Ack, Refused, Settings, Wish

S = 1_000_000_000


TODAY_MS = 1_767_225_600_000


def admitted(
    gate: Gate, words: list[Accept | Ack | Wish | Settings], t_s: float = 0.0, today_ms: int | None = None
) -> int:
    count = 0
    for word in words:
        try:
            gate.admit(word, round(t_s * S), today_ms)
        except Refused:
            continue
        count += 1
    return count


def test_a_day_of_waiting_events_is_accepted_at_once() -> None:
    assert admitted(Gate(), [Accept(str(number), "hub") for number in range(3000)]) == 3000


@pytest.mark.parametrize(
    ("word", "burst", "in_a_minute"), [(Ack("a", "Ann", "seen", None), 50, 300), (Wish("test"), 5, 12)]
)
def test_a_flood_comes_through_at_the_rate_of_its_kind(word: Ack | Wish, burst: int, in_a_minute: int) -> None:
    gate = Gate()
    assert admitted(gate, [word] * 10_000) == burst
    later = sum(admitted(gate, [word] * 100, t_s) for t_s in range(1, 61))
    assert later == pytest.approx(in_a_minute, abs=1)


def test_one_kind_of_flood_does_not_hold_up_another_kind() -> None:
    gate = Gate()
    admitted(gate, [Wish("test")] * 100)
    assert admitted(gate, [Ack("a", "Ann", "seen", None), Accept("e", "hub")]) == 2


def test_the_numbers_of_a_sender_rise_and_those_of_another_are_their_own() -> None:
    gate = Gate()
    said = [
        Ack(THIS_ALARM, by, "seen", number)
        for by, number in (("Ann", 5), ("Ann", 5), ("Ann", 4), ("Bob", 1), ("Ann", 6))
    ]
    assert [admitted(gate, [word]) for word in said] == [1, 0, 0, 1, 1]


def test_a_word_that_names_its_alarm_may_be_said_again() -> None:
    assert admitted(Gate(), [Ack("an id", "Ann", "seen", 5)] * 3) == 3


def test_numbers_outlive_a_restart_and_rotten_ones_are_left_out() -> None:
    gate, other = Gate(), Gate()
    admitted(gate, [Ack(THIS_ALARM, "Ann", "seen", 9)])
    other.restore({**gate.numbers, "Bob": "7", "Eve": -1, "x" * 99: 3, "Huge": 2**60, "Yes": True})
    assert other.numbers == {"Ann": 9}
    assert admitted(other, [Ack(THIS_ALARM, "Ann", "seen", 9)]) == 0


def test_the_memory_of_senders_is_bounded() -> None:
    gate = Gate()
    for number in range(1, 1000):
        admitted(gate, [Ack(THIS_ALARM, f"sender {number}", "seen", 1)], number)
    assert len(gate.numbers) == MOST_SENDERS


def _now(number: int) -> Ack:
    return Ack(THIS_ALARM, "Ann", "seen", number)


def test_who_speaks_in_her_name_takes_her_voice_for_a_day_at_most_where_the_clock_is_set() -> None:
    gate = Gate()
    assert admitted(gate, [_now(LARGEST_NUMBER - 1), _now(TODAY_MS + AHEAD_MS + 1)], 0, TODAY_MS) == 0
    assert admitted(gate, [_now(TODAY_MS)], 0, TODAY_MS) == 1
    assert admitted(gate, [_now(TODAY_MS + AHEAD_MS), _now(TODAY_MS + 1)], 0, TODAY_MS) == 1
    assert admitted(gate, [_now(TODAY_MS + AHEAD_MS + 1)], 0, TODAY_MS + 1) == 1


def test_what_was_said_from_too_far_ahead_before_the_clock_was_set_is_forgotten_once_it_is() -> None:
    gate = Gate()
    assert admitted(gate, [_now(LARGEST_NUMBER - 1), _now(TODAY_MS)]) == 1
    assert admitted(gate, [_now(TODAY_MS), _now(TODAY_MS)], 0, TODAY_MS) == 1


def test_who_counts_from_one_is_heard_with_any_clock() -> None:
    assert admitted(Gate(), [_now(1), _now(2), _now(2)], 0, TODAY_MS) == 2


def test_no_answer_in_the_therapists_name_keeps_her_settings_out() -> None:
    gate, ruth = Gate(), "r" * NAME_MAX
    assert admitted(gate, [Ack(THIS_ALARM, ruth, "seen", TODAY_MS), Wish("locate", ruth, TODAY_MS + 1)]) == 2
    said = [Settings(ruth, number, {"lean.enabled": False}) for number in (5, 5, 6)]
    assert [admitted(gate, [word]) for word in said] == [1, 0, 1]
    other = Gate()
    other.restore(gate.numbers)
    assert admitted(other, [said[-1], Wish("locate", ruth, TODAY_MS + 1)]) == 0

"""The failure words: how they are read and when they bite."""

import math

import pytest

from hal.samples import PARTS
from hal.sim.faults import DEFAULT_START_S, Fault, fault_of, parse_fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("stuck:imu", Fault("stuck", "imu", DEFAULT_START_S)),
        ("ok:motor", Fault("ok", "motor")),
        ("off:rangefinder@8", Fault("off", "rangefinder", 8.0)),
        ("slow:buzzer@0.5-12", Fault("slow", "buzzer", 0.5, 12.0)),
    ],
)
def test_fault_is_read_from_its_words(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        ("stuck", ["'stuck'", "WORD:PART", "intermittent", "rangefinder"]),
        ("", ["WORD:PART"]),
        ("jammed:imu", ["'jammed'", "ok, off, stuck, garbage, wrong, slow, delayed, intermittent"]),
        ("stuck:sonar", ["'sonar'", "imu, rangefinder, button, buzzer, motor"]),
        ("stuck:imu@soon", ["'soon'", "number of seconds"]),
        ("stuck:imu@nan", ["'nan'", "number of seconds"]),
        ("stuck:imu@", ["''", "number of seconds"]),
        ("stuck:imu@8-", ["''", "number of seconds"]),
        ("stuck:imu@8-4", ["starts at 8 s and ends at 4 s"]),
    ],
)
def test_what_is_not_understood_is_named_with_what_would_be(text: str, hints: list[str]) -> None:
    with pytest.raises(ValueError, match="fault") as raised:
        parse_fault(text)
    for hint in hints:
        assert hint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_fault_bites_from_its_start_to_its_end() -> None:
    fault = Fault("off", "imu", 6.0, 9.0)
    assert [fault.active(t_s) for t_s in (0.0, 5.999, 6.0, 8.999, 9.0)] == [False, False, True, True, False]
    assert Fault("off", "imu", 6.0).active(1e6)


def test_ok_never_bites() -> None:
    assert not any(Fault("ok", "imu", 0.0).active(t_s) for t_s in range(100))


@pytest.mark.parametrize("part", PARTS)
def test_intermittent_fault_comes_in_spells_of_0_2_to_0_6_s(part: str) -> None:
    fault = Fault("intermittent", part, 6.0)
    active = [fault.active(t_ms / 1e3) for t_ms in range(126_000)]
    assert not any(active[:6000])
    starts = [i for i in range(1, len(active)) if active[i] and not active[i - 1]]
    ends = [i for i in range(1, len(active)) if active[i - 1] and not active[i]]
    lengths_s = [(end - start) / 1e3 for start, end in zip(starts, ends, strict=False)]
    assert len(lengths_s) >= 100
    assert all(0.19 <= length_s <= 0.61 or 0.4 <= length_s <= 1.21 for length_s in lengths_s)  # two may touch
    assert len(set(lengths_s)) > 50


def test_parts_fail_in_their_own_spells_and_the_same_ones_each_time() -> None:
    def pattern(part: str) -> list[bool]:
        return [Fault("intermittent", part, 0.0).active(t / 100) for t in range(2000)]

    assert pattern("imu") == pattern("imu")
    assert pattern("imu") != pattern("rangefinder")
    assert Fault("garbage", "imu").random().random() == Fault("garbage", "imu").random().random()


def test_each_part_finds_its_own_fault() -> None:
    faults = (Fault("off", "imu"), Fault("slow", "motor"))
    assert fault_of("motor", faults) is faults[1]
    assert fault_of("button", faults).word == "ok"
    with pytest.raises(ValueError, match="imu is named 2 times"):
        fault_of("imu", (Fault("off", "imu"), Fault("slow", "imu")))


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, 5.0), (5.0, 5.0), (math.nan, 5.0)])
def test_fault_that_ends_before_it_starts_is_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(ValueError, match="it must start at 0 s or later and before it ends"):
        Fault("off", "imu", start_s, end_s)

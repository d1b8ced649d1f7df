"""A guard that is started anew in the middle of a walk, or of an alarm."""

import pytest
from core_scenes import Wearer, walking_wearer

from firmware.core.messages import Hazard, Health, Pattern, Resume, Severity, Tick, WalkState

NONE, SUSPECTED, CONFIRMED = Severity.NONE, Severity.SUSPECTED, Severity.CONFIRMED
NOT_RECOVERED, LONG_LIE = Severity.NOT_RECOVERED, Severity.LONG_LIE


def resumed(
    severity: Severity, age_s: float = 0.0, *, hazard: Hazard = Hazard.FALL, walking: bool = True, **how: float
) -> Wearer:
    wearer = Wearer(**how)  # type: ignore[arg-type]
    wearer.send(Resume(0, walking, hazard, severity, age_s))
    return wearer


def pass_time(wearer: Wearer, seconds: float) -> None:
    start_ns = wearer.t_ns
    for tick in range(round(seconds * 4) + 1):
        wearer.send(Tick(start_ns + tick * 250_000_000))


def test_a_walk_that_goes_on_needs_no_self_test_and_warns_at_once() -> None:
    wearer = resumed(NONE)
    assert wearer.walk_states() == ["paused"] or wearer.walk_states() == ["before", "paused"]
    wearer.distance_m, wearer.speed_mps = 2.2, 0.6
    wearer.walk(1.9)
    assert Severity.WARNING in wearer.severities(Hazard.OBSTACLE)
    assert wearer.alerts(Hazard.FALL) == []


def test_without_a_walk_or_an_alarm_everything_begins_as_ever() -> None:
    wearer = resumed(NONE, walking=False).stand(3.5)
    assert wearer.walk_states() == ["before", "ready"]
    assert wearer.alerts() == []


def test_a_countdown_goes_on_where_it_was() -> None:
    wearer = resumed(SUSPECTED, 12.0)
    first = wearer.alerts(Hazard.FALL)[0]
    assert (first.severity, first.t_ns, first.alarm) == (SUSPECTED, 0, 1)
    assert first.data == {"resumed": True, "age_s": 12.0, "deadline_s": 18.0}
    assert wearer.patterns() == [Pattern.FALL_COUNTDOWN]
    wearer.lie(20)
    _, confirmed = wearer.alerts(Hazard.FALL)
    assert (confirmed.severity, confirmed.alarm) == (CONFIRMED, 1)
    assert confirmed.t_ns / 1e9 == pytest.approx(18.0, abs=0.06)
    assert wearer.patterns()[-1] is Pattern.FALL_NOBODY_YET


def test_a_countdown_that_ran_out_while_nobody_counted_is_told_and_confirmed_at_once() -> None:
    wearer = resumed(SUSPECTED, 45.0)
    assert [a.data.get("deadline_s") for a in wearer.alerts(Hazard.FALL)] == [0.0, None]
    assert wearer.severities(Hazard.FALL) == [SUSPECTED, CONFIRMED]


@pytest.mark.parametrize(
    ("severity", "age_s", "later_s"),
    [
        (CONFIRMED, 60.0, [(NOT_RECOVERED, 240), (NOT_RECOVERED, 840), (LONG_LIE, 3540)]),
        (NOT_RECOVERED, 400.0, [(NOT_RECOVERED, 500), (LONG_LIE, 3200)]),
        (NOT_RECOVERED, 1000.0, [(LONG_LIE, 2600)]),
        (LONG_LIE, 3700.0, []),
    ],
)
def test_later_phases_come_when_they_are_due(
    severity: Severity, age_s: float, later_s: list[tuple[Severity, int]]
) -> None:
    wearer = resumed(severity, age_s)
    pass_time(wearer, 3600)
    first, *later = wearer.alerts(Hazard.FALL)
    assert (first.severity, first.t_ns, first.data["resumed"]) == (severity, 0, True)
    assert "deadline_s" not in first.data
    assert [(a.severity, round(a.t_ns / 1e9)) for a in later] == later_s


@pytest.mark.parametrize("age_s", [float("nan"), float("inf"), -5.0, 1e300])
def test_an_age_that_makes_no_sense_counts_from_now(age_s: float) -> None:
    assert resumed(SUSPECTED, age_s).alerts()[0].data["deadline_s"] == 30.0


@pytest.mark.parametrize("hazard", [Hazard.FALL, Hazard.SOS])
def test_the_wearer_can_cancel_a_resumed_alarm_at_once(hazard: Hazard) -> None:
    wearer = resumed(CONFIRMED, 40.0, hazard=hazard).lie(0.2)
    wearer.press(True)
    wearer.lie(2.2)
    wearer.press(False)
    assert wearer.severities(hazard) == [CONFIRMED, Severity.CANCELLED]
    assert wearer.alerts(hazard)[0].data["resumed"] is True
    assert wearer.patterns()[0] is Pattern.FALL_NOBODY_YET


def test_a_resumed_alarm_is_answered_by_its_new_number() -> None:
    wearer = resumed(CONFIRMED, 40.0)
    wearer.acknowledge(1, "acknowledged")
    assert wearer.patterns()[-1] is Pattern.FALL_HEARD


def test_lying_still_after_a_restart_teaches_no_upright_and_ends_no_alarm() -> None:
    wearer = resumed(CONFIRMED, 40.0).live(40, pitch_deg=lambda _: -50.0)  # propped up against a wall
    assert wearer.severities(Hazard.FALL) == [CONFIRMED]
    assert [a for a in wearer.alerts(Hazard.FAULT) if a.severity is Severity.FAULT] == [], "a fall is not 'not ready'"


def test_who_gets_up_and_walks_after_a_restart_has_recovered() -> None:
    wearer = resumed(CONFIRMED, 40.0).lie(5).get_up().walk(10)
    assert wearer.severities(Hazard.FALL) == [CONFIRMED, Severity.RECOVERED]


@pytest.mark.parametrize(
    ("hazard", "severity"),
    [
        (Hazard.FALL, NONE),
        (Hazard.FALL, Severity.CANCELLED),
        (Hazard.FALL, Severity.WARNING),
        (Hazard.SOS, NONE),
        (Hazard.SOS, Severity.CANCELLED),
        (Hazard.OBSTACLE, Severity.IMMINENT),
        (Hazard.FAULT, Severity.FAULT),
    ],
)
def test_nothing_else_is_resumed(hazard: Hazard, severity: Severity) -> None:
    assert resumed(severity, hazard=hazard).alerts() == []


def test_a_late_word_about_an_earlier_run_changes_no_alarm_that_is_open() -> None:
    wearer = walking_wearer().fall(lies_s=5)
    wearer.send(Resume(wearer.t_ns, True, Hazard.FALL, CONFIRMED, 50.0))
    wearer.lie(1)
    assert wearer.severities(Hazard.FALL) == [SUSPECTED]
    wearer.send(Resume(wearer.t_ns, True, Hazard.SOS, CONFIRMED, 50.0))
    assert wearer.severities(Hazard.SOS) == [CONFIRMED]


def test_a_late_word_takes_a_walk_out_of_its_self_test_and_no_further() -> None:
    early, walking, ended = Wearer().live(0.5), walking_wearer(), walking_wearer()
    ended.command("end")
    for wearer in (early, walking, ended):
        before = len(wearer.walk_states())
        wearer.send(Resume(wearer.t_ns, True, Hazard.FALL, NONE, 0.0))
        assert wearer.walk_states()[before:] == (["paused"] if wearer is early else [])
    assert early.stand(1.5).pipeline.step(Tick(early.t_ns)) == []
    assert ended.walk_states()[-1] == WalkState.ENDED


def test_a_resumed_walk_without_a_known_upright_still_sees_a_fall() -> None:
    wearer = resumed(NONE).walk(2.0).fall(lies_s=2)
    assert wearer.severities(Hazard.FALL) == [SUSPECTED]


def test_a_resumed_walk_learns_the_upright_and_says_until_then_that_it_is_not_ready() -> None:
    wearer = resumed(NONE).walk(8)
    fault, over = wearer.alerts(Hazard.FAULT)
    assert (fault.severity, over.severity, over.data["part"]) == (Severity.FAULT, NONE, "imu")
    assert "not ready" in str(fault.data["reason"])
    assert over.t_ns - fault.t_ns < 3e9
    assert wearer.walk_states()[-1] == "walking"


def test_who_walks_off_without_standing_still_is_told_and_then_guarded() -> None:
    wearer = Wearer().walk(10)
    assert [a.severity for a in wearer.alerts()] == [Severity.FAULT, NONE]
    assert Pattern.FAULT in wearer.patterns()
    assert wearer.walk_states() == ["before", "ready", "walking"]
    health = [o.parts["imu"].ok for o in wearer.outputs if isinstance(o, Health)]
    assert False in health
    assert health[-1]
    wearer.fall(lies_s=2)
    assert wearer.severities(Hazard.FALL) == [SUSPECTED]


def test_a_device_that_never_learns_the_upright_says_so_after_20_s() -> None:
    wearer = Wearer().lie(19.5)
    assert wearer.alerts(Hazard.FAULT) == []
    wearer.lie(2.5)
    (fault,) = wearer.alerts(Hazard.FAULT)
    assert "stand still and upright" in str(fault.data["reason"])
    wearer.get_up().stand(2)
    assert [a.severity for a in wearer.alerts(Hazard.FAULT)] == [Severity.FAULT, NONE]


def test_a_fault_while_it_is_not_ready_is_a_fault_and_the_other_one_stays() -> None:
    wearer = Wearer().lie(22)
    wearer.imu = False
    wearer.live(1)
    health = [o for o in wearer.outputs if isinstance(o, Health)][-1]
    assert "silent" in health.parts["imu"].reason
    wearer.imu = True
    wearer.lie(4)
    health = [o for o in wearer.outputs if isinstance(o, Health)][-1]
    assert "not ready" in health.parts["imu"].reason

"""How far simulated walkers are said to have come, and how well the 3-m test times them."""

from bench import way


def test_after_five_approaches_the_length_of_the_steps_is_known_within_5_percent_towards_a_wall() -> None:
    for speed_mps in (0.45, 0.8):
        row = way.lengths("wall", speed_mps, seeds=2, approaches=5)
        assert row["runs"] == 5
        assert abs(row["length_percent"]["mean"]) <= 5.0
        assert row["within"] == 1.0


def test_what_is_never_learned_from_leaves_the_way_as_unsure_as_it_is() -> None:
    row = way.lengths("pole", 0.8, seeds=2, approaches=1)
    assert row["within"] == 1.0


def test_a_test_of_three_metres_is_timed_within_a_twentieth_and_half_a_second() -> None:
    for wall_m in (None, 5.0):
        row = way.tested(wall_m, "stops", 0.6, seeds=4)
        assert row["valid"] == 4
        assert row["worst_s"] <= 0.5
    assert row["ranged"] == 4


def test_too_little_room_behind_the_mark_is_a_warning_and_no_test() -> None:
    assert way.tested(4.0, "stops", 0.8, seeds=2)["void"] == {"warned of an obstacle": 2}


def test_how_long_she_takes_to_stop_is_told_within_a_third_of_a_second() -> None:
    row = way.responses(0.6, seeds=9)
    assert row["told"] >= 8
    assert abs(row["error_s"]["mean"]) + row["error_s"]["sd"] <= 0.33

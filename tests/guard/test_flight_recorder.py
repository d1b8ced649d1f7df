"""The moments around a fall are kept, a limited number of times, and nothing that goes wrong with it is felt."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from firmware.core.messages import Alert, Hazard, Input, Output, PreImpact, Severity, Tick
from firmware.errors import MissingExtra
from firmware.guard import flight_recorder
from firmware.guard.flight_recorder import FlightRecorder, FlightRecorderConfig

TURN_NS = 50_000_000


class Film:
    """Stands for a recording: a file that holds the times of what it was given."""

    full = False

    def __init__(self, path: Path) -> None:
        self._path, self.times_s = path, list[float]()
        path.touch(exist_ok=False)

    def transfer(self, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.times_s += [item.t_ns / 1e9 for item in inputs]

    def close(self) -> None:
        pass


class Studio:
    """A flight recorder, what it made, and what it complained of; 50 ms pass with each turn."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.films: list[Film] = []
        self.complaints: list[str] = []
        config = FlightRecorderConfig(str(folder), **settings)  # type: ignore[arg-type]
        self.recorder = FlightRecorder(config, self.new, self.complaints.append)
        self.t_ns, self.folder = 0, folder

    def new(self, path: Path) -> Film:
        self.films.append(Film(path))
        return self.films[-1]

    def live(self, seconds: float, *outputs: Output) -> "Studio":
        said: Iterator[Sequence[Output]] = iter([outputs])
        for _ in range(round(seconds * 1e9) // TURN_NS):
            self.t_ns += TURN_NS
            self.recorder.take([Tick(self.t_ns)], next(said, ()))
            self.recorder.background.turn()
        return self

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.mcap"))


ARMED, LET_GO = PreImpact(0, True, 0.97), PreImpact(0, False, 0.1)
FELL = Alert(0, Hazard.FALL, Severity.SUSPECTED, 1, {})
POSSIBLE = Alert(0, Hazard.FALL, Severity.POSSIBLE, 1, {})


def test_fall_is_kept_from_twenty_seconds_before_to_forty_after(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "falls").live(60.0).live(60.0, FELL)
    (film,) = studio.films
    assert film.times_s[0] == pytest.approx(40.05, abs=0.1)
    assert film.times_s[-1] == pytest.approx(100.05, abs=0.1)
    assert film.times_s == sorted(set(film.times_s))  # each moment once, and in order
    assert studio.names() == ["fall-0001.mcap"]


def test_arming_that_turns_out_to_be_a_fall_is_one_file_and_kept_as_a_fall(tmp_path: Path) -> None:
    studio = Studio(tmp_path).live(30.0).live(1.2, ARMED).live(3.0, POSSIBLE).live(50.0, FELL, LET_GO)
    assert studio.names() == ["fall-0001.mcap"]
    assert studio.films[0].times_s[-1] == pytest.approx(30.0 + 1.2 + 3.0 + 40.0, abs=0.2)


def test_without_a_fall_nothing_is_written(tmp_path: Path) -> None:
    studio = Studio(tmp_path / "falls").live(30.0, LET_GO, POSSIBLE)
    studio.recorder.close()
    assert not studio.folder.exists()


def test_armings_never_take_the_place_of_falls(tmp_path: Path) -> None:
    studio = Studio(tmp_path, falls=2, armings=3, after_s=1.0).live(1.0)
    for word in (FELL, FELL, FELL, *[ARMED] * 6):
        studio.live(5.0, word)
    falls, armings = ["fall-0002.mcap", "fall-0003.mcap"], ["arming-0007.mcap", "arming-0008.mcap", "arming-0009.mcap"]
    assert studio.names() == armings + falls


def test_armings_can_be_left_out(tmp_path: Path) -> None:
    assert Studio(tmp_path, armings=0).live(1.0, ARMED).live(5.0, FELL).names() == ["fall-0001.mcap"]


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "fall-0041.mcap").touch()
    (tmp_path / "holiday.mcap").touch()
    assert "fall-0042.mcap" in Studio(tmp_path).live(1.0, FELL).names()


def test_file_has_an_end_however_often_it_is_triggered(tmp_path: Path) -> None:
    studio = Studio(tmp_path, after_s=10.0)
    for _ in range(12):
        studio.live(5.0, ARMED)
    assert max(film.times_s[-1] - film.times_s[0] for film in studio.films) < 20.0 + 30.0 + 0.1


def test_fall_at_the_end_of_a_long_arming_is_kept_to_its_end(tmp_path: Path) -> None:
    studio = Studio(tmp_path, after_s=10.0)
    for _ in range(4):
        studio.live(7.25, ARMED)
    fell_s = studio.t_ns / 1e9
    studio.live(20.0, FELL)
    assert studio.names() == ["fall-0001.mcap"]
    assert studio.films[0].times_s[-1] == pytest.approx(fell_s + 10.0, abs=0.2)


def test_what_waits_for_a_disk_that_hangs_is_bounded(tmp_path: Path) -> None:
    studio = Studio(tmp_path, before_s=1.0, after_s=1.0)
    for turn in range(20_000):
        studio.recorder.take([Tick(turn * TURN_NS)], [ARMED])
    most = studio.recorder.background.waiting
    assert most < 3 * flight_recorder.MOST_PER_S * (1 + flight_recorder.LONGEST)
    studio.t_ns = 20_000 * TURN_NS
    studio.recorder.background.turn()  # it is back
    studio.live(5.0).live(5.0, FELL)
    assert any(name.startswith("fall") for name in studio.names())
    assert studio.films[-1].times_s[-1] > studio.films[-1].times_s[0] + 1.9


def test_what_cannot_be_removed_does_not_keep_the_others(tmp_path: Path) -> None:
    (tmp_path / "fall-0001.mcap").mkdir()
    studio = Studio(tmp_path, falls=2, after_s=1.0)
    for _ in range(5):
        studio.live(3.0, FELL)
    assert studio.names() == ["fall-0001.mcap", "fall-0005.mcap", "fall-0006.mcap"]
    assert all("fall-0001.mcap" in line for line in studio.complaints)


def test_memory_is_bounded_even_where_time_stands_still(tmp_path: Path) -> None:
    studio = Studio(tmp_path, before_s=1.0)
    for _ in range(5000):
        studio.recorder.take([Tick(5)], ())
    assert len(studio.recorder._memory) == flight_recorder.MOST_PER_S


def test_full_disk_costs_the_file_and_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Film, "full", True)
    studio = Studio(tmp_path).live(30.0).live(50.0, FELL)
    assert len(studio.complaints) == 1
    assert "fall-0001.mcap ends early" in studio.complaints[0]
    monkeypatch.setattr(Film, "full", False)
    assert len(studio.live(50.0, FELL).complaints) == 1  # the next one is tried again
    assert studio.films[1].times_s


def test_disk_that_is_nearly_full_is_left_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fall-0001.mcap").touch()
    monkeypatch.setattr(flight_recorder, "LEAST_FREE", 1 << 62)
    studio = Studio(tmp_path, falls=1).live(50.0, FELL)
    assert studio.names() == ["fall-0001.mcap"]  # and nothing is thrown away for what cannot be kept
    assert "are free" in studio.complaints[0]


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    studio = Studio(tmp_path / "file" / "falls").live(50.0, FELL)
    assert len(studio.complaints) == 1


def test_missing_package_is_told_once(tmp_path: Path) -> None:
    studio = Studio(tmp_path)

    def missing(path: Path) -> Film:
        raise MissingExtra("recordings need the package mcap")

    studio.recorder = FlightRecorder(FlightRecorderConfig(str(tmp_path)), missing, studio.complaints.append)
    studio.live(50.0, FELL).live(50.0, FELL)
    assert len(studio.complaints) == 1


def test_writing_leaves_the_loop_its_turns(tmp_path: Path) -> None:
    rests: list[float] = []
    studio = Studio(tmp_path)
    recorder = FlightRecorder(FlightRecorderConfig(str(tmp_path)), studio.new, studio.complaints.append, rests.append)
    for turn in range(400):
        recorder.take([Tick(turn * TURN_NS)], ())
    recorder.take([Tick(400 * TURN_NS)], [FELL])
    recorder.background.turn()
    assert len(rests) == 402 // flight_recorder.PACE


def test_end_of_the_walk_closes_the_file(tmp_path: Path) -> None:
    studio = Studio(tmp_path).live(5.0, FELL)
    closed: list[bool] = []
    studio.films[0].close = lambda: closed.append(True)  # type: ignore[method-assign]
    studio.recorder.close()
    assert closed == [True]


@pytest.mark.parametrize("wrong", [{"folder": "falls"}, {"folder": "/a\0b"}, {"after_s": 1e9}, {"falls": 0}])
def test_settings_out_of_their_limits_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="recorder: "):
        FlightRecorderConfig(**wrong)  # type: ignore[arg-type]

"""Files of recordings: what is read from them, what may be missing, and how a damaged one is refused."""

import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
from support.made_people import FS_HZ, Made, a_fall, standing, write_person

from firmware.evaluation.dataset import DataError, Source, read, sources


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(Source(path, "set"))
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


def test_a_trial_has_its_samples_in_si_units_and_its_labels_in_seconds(tmp_path: Path) -> None:
    fall = a_fall("forward", before_s=2.0)
    path = write_person(tmp_path / "set" / "P01.npz", [Made(standing(3.0), "stand"), fall])
    stand, trial = read(Source(path, "set")).trials
    assert (stand.label.kind, stand.label.is_fall, stand.label.impact_s, stand.duration_s) == (
        "stand",
        False,
        None,
        3.0,
    )
    assert trial.label.onset_s == pytest.approx(2.0)
    assert trial.label.impact_s == pytest.approx(2.6)
    assert (trial.label.subject, trial.label.trial, trial.label.direction) == ("P01", "P01_01", "forward")
    assert (trial.label.age, trial.fs_hz) == (25.0, FS_HZ)
    assert np.abs(trial.accel_mps2 - fall.motion[0]).max() <= 0.0011
    assert trial.gyro_radps is not None
    assert trial.gyro_radps.shape == trial.accel_mps2.shape


def test_a_file_with_only_what_is_needed_is_read(tmp_path: Path) -> None:
    without = (
        "gyr",
        "gyr_lsb",
        "trial",
        "activity",
        "kind",
        "direction",
        "onset",
        "impact",
        "dataset",
        "subject",
        "age",
    )
    path = write_person(tmp_path / "set" / "P01.npz", [a_fall(), Made(standing(2.0), "sit")], without=without)
    fall, other = (trial.label for trial in read(Source(path, "")).trials)
    assert (fall.set_name, fall.subject, fall.trial) == ("set", "P01", "0")
    assert (fall.kind, fall.direction, fall.onset_s, fall.impact_s, fall.age) == ("fall", "unknown", None, None, None)
    assert (other.kind, other.direction) == ("unknown", "")


def test_a_key_nobody_knows_is_never_looked_at_even_when_it_is_pickled(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [a_fall()], remarks=np.array([{"a": 1}], dtype=object))
    assert len(read(Source(path, "set")).trials) == 1


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a recording ran code",)


def test_pickled_names_are_left_out_and_said_because_a_recording_must_not_run_code(tmp_path: Path) -> None:
    trap = np.array([_Trap()], dtype=object)
    path = write_person(tmp_path / "P01.npz", [a_fall()], trial=trap, onset=trap, age=trap)
    person = read(Source(path, "set"))
    label = person.trials[0].label
    assert (label.trial, label.onset_s, label.age) == ("0", None, None)
    assert person.notes == (f"{path}: trial, onset, age not read, because pickled; save it as numbers or text",)


def test_pickled_samples_are_refused_by_name(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [a_fall()], is_fall=np.array([_Trap()], dtype=object))
    assert "no readable .npz file: is_fall: " in refused(path)


def test_accelerations_in_g_are_said(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], acc_lsb=0.002 / 9.80665)
    assert read(Source(path, "")).notes == (f"{path}: acc * acc_lsb is mostly 1, expected about 9.8 m/s²",)


def test_names_in_bytes_are_names(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], kind=np.array([b"sit"]), subject=b"P01")
    label = read(Source(path, "set")).trials[0].label
    assert (label.kind, label.subject) == ("sit", "P01")


def test_no_gyroscope_is_no_rates_whether_the_array_is_empty_all_zero_or_no_numbers(tmp_path: Path) -> None:
    nan = write_person(tmp_path / "P03.npz", [Made(standing(2.0), "sit")], gyr=np.full((3, 100), math.nan))
    assert read(Source(nan, "")).trials[0].gyro_radps is None
    empty = write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], gyroscope=False)
    zero = write_person(tmp_path / "P02.npz", [Made(standing(2.0), "sit")], gyr=np.zeros((3, 100), np.int16))
    assert read(Source(empty, "")).trials[0].gyro_radps is None
    assert read(Source(zero, "")).trials[0].gyro_radps is None


def test_empty_trials_are_left_out_and_said(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [Made(standing(0.0), "sit"), Made(standing(2.0), "sit")])
    person = read(Source(path, "set"))
    assert [trial.label.trial for trial in person.trials] == ["P01_01"]
    assert "1 trials without a sample" in person.notes[0]


def test_labels_beyond_the_end_are_not_known_and_said(tmp_path: Path) -> None:
    fall = a_fall()
    fall.impact = 100_000
    person = read(Source(write_person(tmp_path / "P01.npz", [fall]), "set"))
    assert person.trials[0].label.impact_s is None
    assert "1 labels lie outside" in person.notes[0]


def test_numbers_that_are_no_numbers_are_unknown(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], age="old", subject="")
    label = read(Source(path, "set")).trials[0].label
    assert (label.age, label.subject) == (None, "P01")


@pytest.mark.parametrize(
    ("age", "known"),
    [
        *(("71", 71.0), (np.array([71]), 71.0), (np.array([71.0, 71.0]), 71.0), (b"71", 71.0)),
        *(("60+", None), (-1, None), (0, None), (np.array([20.0, 71.0]), None), (math.nan, None), (np.zeros(0), None)),
    ],
)
def test_an_age_is_a_number_however_it_was_saved_or_it_is_unknown(
    tmp_path: Path, age: object, known: float | None
) -> None:
    path = write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], age=age, sex=np.nan)
    assert read(Source(path, "set")).trials[0].label.age == known


def test_a_fall_is_of_kind_fall_and_an_activity_never(tmp_path: Path) -> None:
    trials = [a_fall(), Made(standing(2.0), "sit"), Made(standing(2.0), "sit")]
    path = write_person(tmp_path / "P01.npz", trials, kind=np.array(["slip", "fall", " "]))
    assert [trial.label.kind for trial in read(Source(path, "set")).trials] == ["fall", "unknown", "unknown"]


def test_numbers_where_names_should_be_are_names(tmp_path: Path) -> None:
    how = {"trial": np.array([7]), "subject": 12, "kind": np.array([math.nan])}
    label = read(Source(write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], **how), "set")).trials[0].label
    assert (label.trial, label.subject, label.kind) == ("7", "12", "unknown")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"is_fall": np.array([math.nan])}, "is_fall holds values that are no numbers, expected 0 or 1"),
        ({"is_fall": np.array(["yes"])}, "is_fall holds <U3, expected numbers"),
        ({"acc": np.zeros((100, 3), np.int16)}, "acc has shape (100, 3), expected (3, n)"),
        ({"acc": np.array(["a", "b"])}, "acc holds"),
        ({"gyr": np.ones((3, 7), np.int16)}, "gyr has shape (3, 7), expected (3, 100) or (3, 0)"),
        ({"fs": 0.0}, "fs is no single number above 0"),
        ({"fs": 9000.0}, "expected 5 to 5000 Hz"),
        ({"fs": math.nan}, "fs is no single number"),
        ({"acc_lsb": np.array([1.0, 2.0, 3.0])}, "acc_lsb is no single number"),
        ({"start": [0, 1000]}, "number of samples (100)"),
        ({"start": [50, 20]}, "start does not rise"),
        ({"start": [-5, 100]}, "start does not rise"),
        ({"kind": np.array(["sit", "sit"])}, "kind has 2 values for 1 trials"),
        ({"is_fall": np.zeros(9, bool)}, "is_fall has 9 values for 1 trials"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_in_one_line(
    tmp_path: Path, more: dict[str, object], said: str
) -> None:
    assert said in refused(write_person(tmp_path / "P01.npz", [Made(standing(2.0), "sit")], **more))


@pytest.mark.parametrize("key", ["acc", "acc_lsb", "fs", "start", "is_fall"])
def test_a_file_without_what_is_needed_is_refused(tmp_path: Path, key: str) -> None:
    path = write_person(tmp_path / "P01.npz", [a_fall()], without=(key,))
    assert f"has no {key};" in refused(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    path = write_person(tmp_path / "P01.npz", [a_fall()])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "no readable .npz file" in refused(path)


def test_a_file_with_a_flipped_byte_is_refused_or_read_but_never_a_crash(tmp_path: Path) -> None:
    path = write_person(tmp_path / "P01.npz", [a_fall()])
    whole = bytearray(path.read_bytes())
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        with contextlib.suppress(DataError):
            read(Source(path, "set"))


def test_a_folder_of_sets_one_set_and_one_person_are_all_found(tmp_path: Path) -> None:
    person = write_person(tmp_path / "alpha" / "P01.npz", [a_fall()])
    write_person(tmp_path / "beta" / "Q01.npz", [a_fall()])
    (tmp_path / "beta" / "._Q01.npz").write_bytes(b"what a Mac leaves beside it")
    (tmp_path / "beta" / "README").write_text("people")
    (tmp_path / "readings").mkdir()
    (tmp_path / "readings" / "readings.csv").write_text("a,b\n")
    found, notes = sources(tmp_path)
    assert [(source.path.name, source.set_name) for source in found] == [("P01.npz", "alpha"), ("Q01.npz", "beta")]
    assert notes == ["readings: no .npz files of people, skipped"]
    assert sources(tmp_path / "alpha")[0] == [Source(person, "")] == sources(person)[0]
    assert read(Source(person, "")).trials[0].label.set_name == "alpha"


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_nothing_to_evaluate_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"expected a folder|no \.npz recordings"):
        sources(tmp_path / name)

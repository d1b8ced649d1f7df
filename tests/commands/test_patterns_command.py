"""`rearguard patterns` plays, prints and draws what is in the samples; the document shows the same."""

import argparse
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from firmware.commands.patterns import AUDIBLE, described, lines, patterns, played_s, time_line
from firmware.commands.sound_picture import COLOURS, picture
from firmware.commands.speaker import LONGEST_S
from firmware.core.messages import Pattern
from firmware.errors import ConfigError
from firmware.sounder.patterns import SOUNDS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "SOUNDS.md").read_text()
SVG = "{http://www.w3.org/2000/svg}"


def asked(*names: str, **options: object) -> argparse.Namespace:
    return argparse.Namespace(
        **{"names": list(names), "draw": None, "json": False, "no_sound": True, "plain": True, **options}
    )


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sounds_picture", ROOT / "docs" / "sounds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_the_one_that_the_script_draws(script: ModuleType) -> None:
    assert (ROOT / "docs" / "sounds.svg").read_text() == script.drawing()


def test_the_document_has_the_table_of_the_patterns_as_they_are(script: ModuleType) -> None:
    assert script.table() in DOCUMENT


def test_what_the_document_points_to_exists() -> None:
    linked = [ROOT / "docs" / link for link in re.findall(r"\]\(([^)#:]+)\)", DOCUMENT)]
    named = [ROOT / path for path in re.findall(r"`((?:tests|docs|firmware)/[\w./-]+)`", DOCUMENT)]
    assert linked
    assert [str(path) for path in (*linked, *named) if not path.exists()] == []


def test_every_pattern_is_drawn_with_as_many_pulses_as_sound_in_the_time_shown() -> None:
    for pattern in (Pattern.FAULT, Pattern.OBSTACLE_WARNING, Pattern.READY_3, Pattern.METRONOME):
        drawing = ElementTree.fromstring(picture([pattern]))
        colours = [colour for colour, _ in COLOURS.values()]
        bars = [bar for bar in drawing.iter(f"{SVG}rect") if bar.get("fill") in colours]
        sound = SOUNDS[pattern]
        levels = [sound.at(i / 1000) is not None for i in range(3200)]
        assert len(bars) == sum(on and not before for before, on in zip([False, *levels], levels, strict=False))


def test_softer_is_thinner_and_higher_is_higher() -> None:
    def bars(pattern: Pattern) -> list[tuple[float, float]]:
        drawing = ElementTree.fromstring(picture([pattern]))
        found = [bar for bar in drawing.iter(f"{SVG}rect") if bar.get("rx")]
        return [(float(bar.get("y", "0")), float(bar.get("height", "0"))) for bar in found]

    assert bars(Pattern.LEAN)[0][1] < bars(Pattern.FAULT)[0][1]
    tops = [top for top, _ in bars(Pattern.READY)]
    assert tops == sorted(tops, reverse=True)


def test_a_time_line_shows_pulses_pauses_and_pitch() -> None:
    assert time_line(Pattern.READY, plain=True) == "11   444  6666666"
    assert time_line(Pattern.FAULT, plain=False).startswith("▆▆▆▆▆▆▆   ▄▄▄▄▄▄▄   ▁▁▁▁▁▁▁")


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_no_line_is_longer_than_a_terminal_is_wide(pattern: Pattern) -> None:
    name, drawn, means = lines(pattern, plain=True)
    assert name.startswith(f"{pattern}: ")
    assert len(drawn) <= 78
    assert len(means) <= 100
    assert ": " in means, "how it sounds, and what it means"


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (Pattern.FAULT, "3 pulses, falling, every 1.6 s; medium"),
        (Pattern.READY_2, "3 + 2 pulses, rising, once; information"),
        (Pattern.OBSTACLE_IMMINENT, "8 pulses a second, level, until it is over; high"),
        (Pattern.FALL_NOBODY_YET, "5 + 5 pulses, up and down, every 3 s; high"),
        (Pattern.METRONOME, "1 pulse, level, once; information"),
    ],
)
def test_a_pattern_is_described_by_its_attributes(pattern: Pattern, said: str) -> None:
    assert described(pattern) == said


def test_without_names_all_are_told_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert patterns(asked()) == 0
    said = capsys.readouterr().out
    assert [line.partition(":")[0] for line in said.splitlines() if line and line[0] != " "] == AUDIBLE
    assert said.isascii()


def test_as_json_each_pulse_that_is_heard_has_its_time_and_pitch(capsys: pytest.CaptureFixture[str]) -> None:
    patterns(asked("cancelled", json=True))
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["pattern"], found["direction"], found["counts"]) == ("cancelled", "falling", [4])
    starts = [pulse["start_s"] for pulse in found["pulses"]]
    assert starts == pytest.approx([0.0, 0.45, 0.65, 0.85], abs=0.003)
    assert found["pulses"][0]["frequency_hz"] == pytest.approx(784, rel=0.01)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no pattern READY; did you mean ready"):
        patterns(asked("READY"))
    with pytest.raises(ConfigError, match="no pattern swya; did you mean sway"):
        patterns(asked("swya"))


def test_silence_is_nothing_to_play() -> None:
    with pytest.raises(ConfigError, match="no pattern silent"):
        patterns(asked("silent"))


def test_a_folder_gets_the_picture_of_what_was_asked_for(tmp_path: Path) -> None:
    assert patterns(asked("sway", "fault", draw=tmp_path / "new" / "folder")) == 0
    drawn = (tmp_path / "new" / "folder" / "sounds.svg").read_text()
    assert drawn == picture([Pattern.SWAY, Pattern.FAULT])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"sounds\.svg cannot be written"):
        patterns(asked("sway", draw=tmp_path / "file"))


def test_each_pattern_is_played_for_as_long_as_it_takes_to_know_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = tmp_path / "aplay"
    player.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    slept_s: list[float] = []
    patterns(asked("ready", "fault", "fall_sent", no_sound=False), slept_s.append)
    assert slept_s == pytest.approx([0.7 + 0.6, 2.7 + 0.6, 0.7 + 0.6])


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_no_pattern_is_played_for_longer_than_it_is_rendered(pattern: Pattern) -> None:
    assert SOUNDS[pattern].burst_s - 1e-9 <= played_s(pattern) <= LONGEST_S


def test_a_machine_without_a_player_says_so_and_prints_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert patterns(asked("sway", no_sound=False), lambda seconds: pytest.fail("nothing to wait for")) == 0
    said = capsys.readouterr()
    assert "no sound: this machine has none of aplay, paplay, afplay" in said.err
    assert said.out.startswith("sway: ")

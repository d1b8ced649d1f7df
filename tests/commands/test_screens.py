"""The live view, the plain lines, the JSON lines and the speaker."""

import argparse
import io
import itertools
import json
import sys
import wave
from pathlib import Path

import pytest
from rich.console import Console
from support.walks import Walk, take_walk

from firmware.commands.live import LINES, OTHERS, view
from firmware.commands.screen import JsonScreen, PlainScreen, open_screen
from firmware.commands.speaker import LONGEST_S, Speaker
from firmware.commands.story import PATTERNS, Story
from firmware.commands.waveform import RATE_HZ, as_wave, render
from firmware.core.messages import Hazard, Pattern, SetPattern, Severity
from firmware.outputs import as_json


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return take_walk("wall", tmp_path_factory.mktemp("wall"), seconds=9.2)


def shown(story: Story, width: int, lines: int = LINES) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(view(story, lines))
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_live_view_shows_what_matters_at_any_width(walk: Walk, width: int) -> None:
    story = Story(0)
    for output in walk.outputs:
        if output.t_ns <= 9.1e9:  # a moment before its end
            story.output(as_json(output))
    text = shown(story, width)
    assert all(len(line) <= width for line in text.splitlines())
    for word in ("walking", "m/s", "4 pulses a second", "rangefinder", "not connected yet", "warning"):
        assert word in text


def test_live_view_never_calls_the_way_free_while_the_rangefinder_is_silent() -> None:
    story = Story(0)
    assert "not known yet: the device is starting" in shown(story, 100)
    story.parts = {"imu": {"ok": True}}
    assert "cannot see" in shown(story, 100)
    story.parts = {"rangefinder": {"ok": True}}
    assert "nothing within 4 m" in shown(story, 100)
    story.parts = {"rangefinder": {"ok": False}}
    assert "cannot see" in shown(story, 100)


def test_live_view_tells_no_contact_to_come_when_the_walk_is_over() -> None:
    story = Story(0)
    story.parts = {"rangefinder": {"ok": True}}
    story.telemetry = {"distance_m": 0.8, "closing_speed_mps": 0.6, "time_to_collision_s": 1.4}
    assert "contact in 1.4 s" in shown(story, 100)
    story.state = "ended"
    assert "contact" not in shown(story, 100)
    assert "not watched any more, the walk is over" in shown(story, 100)


def test_live_view_says_why_no_walk_begins_and_what_keeps_its_distance() -> None:
    story = Story(0)
    why = "0.8 m clear behind, expected at least 1.5 m: turn or step forward"
    story.telemetry = {"no_start": why}
    assert f"no start: {why}" in shown(story, 100)
    narrow = " ".join(shown(story, 60).replace("│", " ").split())
    assert f"no start: {why}" in narrow, "what to do about it comes last, and is not cut off"
    story.telemetry = {"no_start": "", "mode": "treadmill"}
    assert "treadmill behind" in shown(story, 100)


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("pattern", Pattern)
def test_no_word_of_what_sounds_is_cut_in_the_live_view(pattern: Pattern, width: int) -> None:
    story = Story(0)
    story.output(as_json(SetPattern(0, pattern)))
    text = shown(story, width)
    above, below = (" ".join(part.replace("│", " ").split()) for part in text.split("What happened"))
    sound, _, meaning = PATTERNS[pattern].partition(": ")
    assert f"sounds {sound} meaning {meaning or '-'} parts" in above
    assert f"sounds {PATTERNS[pattern]}" in below


def test_what_happened_goes_on_below_its_own_sentence_and_the_newest_stays_in_sight() -> None:
    story = Story(0)
    for second in range(20):
        story.output(as_json(SetPattern(second * 10**9, Pattern.FALL_NOBODY_SPARING)))
    rows = [line.strip("│ ") for line in shown(story, 80).splitlines()]
    assert rows[-3].startswith("19.00 s  sounds     ten fast pulses")
    assert rows[-2].endswith("the battery is low")
    assert not any("…" in row for row in rows)


def test_live_view_fits_a_terminal_of_24_lines(walk: Walk) -> None:
    story = Story(0)
    for output in walk.outputs:
        story.output(as_json(output))
    story.parts = {f"part {number}": {"ok": True} for number in range(12)}  # goes on in a second line
    assert len(shown(story, 80, lines=24 - OTHERS).splitlines()) <= 24


def test_bar_is_the_whole_range_at_any_width() -> None:
    story = Story(0)
    story.parts, story.telemetry = {"rangefinder": {"ok": True}}, {"distance_m": 2.0}
    for width in (70, 80, 100):
        bar = next(line for line in shown(story, width).splitlines() if "behind" in line)
        assert bar.count("█") == pytest.approx(bar.count("·"), abs=1)


def test_a_broken_part_is_told_by_a_word_not_by_its_colour_alone() -> None:
    story = Story(0)
    story.parts = {"imu": {"ok": True}, "rangefinder": {"ok": False}}
    assert "imu rangefinder: broken" in shown(story, 80)


def test_before_the_first_step_no_steps_and_no_cadence_are_shown() -> None:
    story = Story(0, state="self_test")
    story.telemetry = {"steps": 3, "cadence_spm": 102.0}
    assert "steps" not in shown(story, 80)
    story.state = "walking"
    assert "3 steps, 102 a minute" in shown(story, 80)


def options(*, as_lines_of_json: bool = False, plain: bool = False) -> argparse.Namespace:
    return argparse.Namespace(json=as_lines_of_json, plain=plain)


def test_pipe_gets_plain_lines_and_a_program_gets_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert type(open_screen(options(), Story(0))) is PlainScreen
    assert type(open_screen(options(as_lines_of_json=True), Story(0))) is JsonScreen


def test_every_json_line_is_one_object(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    screen = JsonScreen()
    for output in walk.outputs:
        screen.output({"v": 1, **as_json(output)}, None)
    screen.word({"kind": "event"}, None)
    screen.say("link ended by itself; started again")
    screen.summary({"kind": "summary"})
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(said) == len(walk.outputs) + 3
    warnings = [line for line in said if line.get("hazard") == Hazard.OBSTACLE and line["severity"] == Severity.WARNING]
    assert warnings[0]["data"]["distance_m"] >= 1.16


def test_speaker_plays_what_the_buzzer_plays() -> None:
    samples = render(Pattern.OBSTACLE_WARNING, 1.0)
    assert len(samples) == RATE_HZ
    pulse = samples[: round(0.12 * RATE_HZ)]
    rises = sum(before <= 0 < after for before, after in itertools.pairwise(pulse))
    assert rises / 0.12 == pytest.approx(698.0, rel=0.02)
    assert not any(samples[round(0.13 * RATE_HZ) : round(0.24 * RATE_HZ)])


def test_wave_file_is_one() -> None:
    with wave.open(io.BytesIO(as_wave(render(Pattern.READY, 1.0)))) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (RATE_HZ, RATE_HZ, 1)


def test_machine_without_a_player_is_silent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    speaker = Speaker()
    assert not speaker.available
    speaker.play(Pattern.SWAY)
    speaker.close()


def test_player_gets_the_pattern_and_is_stopped_by_the_next(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    player = tmp_path / "aplay"
    player.write_text('#!/bin/sh\necho "$2" >> "$(dirname "$0")/played"\n')
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    speaker = Speaker()
    speaker.play(Pattern.SWAY)
    assert speaker.playing is not None
    speaker.playing.wait()
    speaker.play(Pattern.SILENT)
    assert speaker.playing is None
    speaker.close()
    assert (tmp_path / "played").read_text().strip().endswith("sway.wav")
    assert LONGEST_S > 10.0, "longer than the longest repetition"

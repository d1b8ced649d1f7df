"""The sound itself: the buzzer's pin, and the samples of it, have the pulses, pauses and pitches of the table."""

import itertools
import math

import numpy as np
import pytest

from firmware.commands.waveform import RATE_HZ, heard, render
from firmware.core.messages import Pattern
from firmware.ipc import Play
from firmware.sounder.outputs import Outputs
from firmware.sounder.patterns import SOUNDS, Sound
from firmware.sounder.sounder import TURN_S, Sounder, SounderConfig
from hal.config import BoardConfig
from hal.sim.board import SimBoard
from hal.sim.clock import SimClock
from hal.sim.world.scenarios import scenario

AUDIBLE = [pattern for pattern in Pattern if pattern is not Pattern.SILENT]
BURSTS = 2  # of what comes again: the pause between them is a pause as well
OFFSET_NS = 3_700_000  # the guard's word comes between two turns
WINDOW = RATE_HZ // 500

Spell = tuple[float, float, float]  # from, to, pitch in Hz


def expected(sound: Sound) -> list[Spell]:
    spells, at_s = [], 0.0
    for burst in range(1 if sound.repeat_s is None else BURSTS):
        at_s = burst * (sound.repeat_s or 0.0)
        for pulse in sound.pulses:
            spells.append((at_s, at_s + pulse.on_s, pulse.frequency_hz))
            at_s += pulse.on_s + pulse.off_s
    return spells


def length_s(sound: Sound) -> float:
    return expected(sound)[-1][1] + 0.04


def envelope_spells(samples: np.ndarray) -> list[tuple[int, int]]:
    """From which to which sample the envelope, the span within 2 ms, is above a hundredth of its largest."""
    spans = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)
    loud = np.ptp(spans, axis=1) > 0.01 * np.ptp(samples)
    found, at = [], 0
    for on, spell in itertools.groupby(loud):
        count = sum(1 for _ in spell)
        if on:
            found.append((at + WINDOW - 1, at + count))
        at += count
    return found


def fundamental_hz(samples: np.ndarray) -> float:
    """The strongest line of the spectrum below 4 kHz."""
    size = 16 * len(samples)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    return float(np.argmax(spectrum[: 4000 * size // RATE_HZ]) * RATE_HZ / size)


def check_rhythm(found: list[tuple[float, float]], wanted: list[Spell], *, first: bool = True) -> None:
    """Pulses and pauses as many as in the table, each within 10 %."""
    assert len(found) == len(wanted)
    lengths = [(a[1] - a[0], b[1] - b[0]) for a, b in zip(found, wanted, strict=True)]
    pauses = [
        (after[0] - before[1], wanted_after[0] - wanted_before[1])
        for (before, after), (wanted_before, wanted_after) in zip(
            itertools.pairwise(found), itertools.pairwise(wanted), strict=True
        )
    ]
    for is_s, should_s in (*lengths[0 if first else 1 :], *pauses):
        assert is_s == pytest.approx(should_s, rel=0.1)


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_the_samples_have_the_pulses_pauses_and_fundamentals_of_the_pattern(pattern: Pattern) -> None:
    sound = SOUNDS[pattern]
    samples = np.array(render(pattern, length_s(sound)), dtype=float)
    found = envelope_spells(samples)
    check_rhythm([(start / RATE_HZ, end / RATE_HZ) for start, end in found], expected(sound))
    for (start, end), (_, _, pitch_hz) in zip(found, expected(sound), strict=True):
        measured_hz = fundamental_hz(samples[start:end])
        assert 500 <= measured_hz <= 1000
        assert measured_hz == pytest.approx(pitch_hz, rel=0.02)


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_what_is_drawn_and_printed_is_heard_in_the_samples(pattern: Pattern) -> None:
    """The listener of `rearguard patterns` needs no numerical library; here it is held against the table."""
    sound = SOUNDS[pattern]
    found = heard(render(pattern, length_s(sound)))
    check_rhythm([(pulse.start_s, pulse.start_s + pulse.length_s) for pulse in found], expected(sound))
    for pulse, (_, _, pitch_hz) in zip(found, expected(sound), strict=True):
        assert pulse.frequency_hz == pytest.approx(pitch_hz, rel=0.02)
        volume = tone[1] if (tone := sound.at(pulse.start_s + 0.9 * pulse.length_s)) else 0.0
        assert pulse.loudness == pytest.approx(math.sin(math.pi / 2 * volume), rel=0.1)


@pytest.mark.parametrize("pattern", AUDIBLE)
def test_buzzer_and_motor_pins_play_the_rhythm_of_the_pattern_in_turns_of_10_ms(pattern: Pattern) -> None:
    clock = SimClock()
    board = SimBoard(BoardConfig(), scenario("stand"), epoch_ns=0, new_clock=lambda: clock)
    sounder = Sounder(SounderConfig(), Outputs(board.open_buzzer, board.open_motor), lambda report: None)
    clock.sleep(0.05)
    sounder.tick(clock.now_ns())
    start_ns = clock.now_ns() + OFFSET_NS
    clock.sleep(OFFSET_NS / 1e9)
    sounder.receive(Play(pattern, 1, True), start_ns)
    sounder.tick(start_ns)
    turn_ns = round(TURN_S * 1e9)
    for turn in range(1, round(length_s(SOUNDS[pattern]) / TURN_S) + 1):
        due_ns = start_ns - OFFSET_NS + turn * turn_ns
        clock.sleep((due_ns - clock.now_ns()) / 1e9)
        sounder.receive(Play(pattern, 1, True), due_ns)
        sounder.tick(due_ns)
    wanted = expected(SOUNDS[pattern])
    for pin in (board.buzzer_pin, board.motor_pin):
        levels = {
            state.t_ns: state.level > 0 for state in pin.history if state.t_ns >= start_ns
        }  # the last of a moment
        edges = [(on, t_ns) for t_ns, on in levels.items()]
        changes = [next(group) for _, group in itertools.groupby(edges, key=lambda edge: edge[0])]
        spells = [
            ((on_ns - start_ns) / 1e9, (off_ns - start_ns) / 1e9)
            for (on, on_ns), (_, off_ns) in itertools.pairwise(changes)
            if on
        ]
        check_rhythm(spells, wanted, first=False)  # the first pulse ends with a turn, up to 10 ms late
        assert 0 <= spells[0][1] - wanted[0][1] <= 0.01
    pitches_hz = {state.frequency_hz for state in board.buzzer_pin.history if state.frequency_hz}
    assert pitches_hz == {pulse.frequency_hz for pulse in SOUNDS[pattern].pulses}

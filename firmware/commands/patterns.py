"""`rearguard patterns`: play every pattern on this computer's speaker, say what it means, and draw it."""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from firmware.commands.sound_picture import SHOWN_S, picture
from firmware.commands.speaker import PLAYERS, Speaker
from firmware.commands.story import PATTERNS
from firmware.commands.waveform import Heard, heard, render
from firmware.core.messages import Pattern
from firmware.errors import ConfigError
from firmware.sounder.language import Repetition, attributes, groups
from firmware.sounder.patterns import SOUNDS

COLUMN_S = 0.04
COLUMNS = 76
LOWEST_HZ, HIGHEST_HZ = 500.0, 1000.0
BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "12345678"  # from the lowest pitch to the highest
PLAYED_S, PAUSE_S = 4.0, 0.6
AUDIBLE: list[Pattern] = [pattern for pattern in Pattern if pattern is not Pattern.SILENT]


def patterns(args: argparse.Namespace, sleep: Callable[[float], None] = time.sleep) -> int:
    """Those that `args.names` names, or all of them; 0.

    Raises:
        ConfigError: there is no pattern of a name, or the folder to draw into cannot be written.
    """
    chosen = _named(args.names)
    if args.draw is not None:
        _draw(args, chosen)
    if args.json:
        print(json.dumps([_as_json(pattern) for pattern in chosen]))
        return 0
    speaker = None if args.no_sound else Speaker()
    if speaker is not None and not speaker.available:
        names = ", ".join(player[0] for player in PLAYERS)
        print(f"no sound: this machine has none of {names}", file=sys.stderr)
        speaker = None
    try:
        for pattern in chosen:
            print("\n".join([*lines(pattern, plain=args.plain or not _draws_bars()), ""]), flush=True)
            if speaker is not None:
                speaker.play(pattern)
                sleep(played_s(pattern) + PAUSE_S)
    finally:
        if speaker is not None:
            speaker.close()
    return 0


def _named(names: Sequence[str]) -> list[Pattern]:
    for name in names:
        if name not in AUDIBLE:
            near = get_close_matches(name.lower(), AUDIBLE, n=1)
            advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(AUDIBLE)}"
            raise ConfigError(f"no pattern {name}; {advice}")
    return [Pattern(name) for name in names] or AUDIBLE


def _draw(args: argparse.Namespace, chosen: Sequence[Pattern]) -> None:
    file = args.draw / "sounds.svg"
    try:
        args.draw.mkdir(parents=True, exist_ok=True)
        file.write_text(picture(chosen), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--draw {args.draw}: {file} cannot be written: {error.strerror}") from error
    print(f"drawn: {file}", file=sys.stderr)


def lines(pattern: Pattern, *, plain: bool) -> list[str]:
    """Its name and attributes, the first three seconds of it as they are heard, and what it means."""
    return [f"{pattern}: {described(pattern)}", f"  {time_line(pattern, plain=plain)}", f"  {PATTERNS[pattern]}"]


def described(pattern: Pattern) -> str:
    """Its attributes in words, such as "3 pulses, falling, again and again (every 1.6 s), medium"."""
    sound, found = SOUNDS[pattern], attributes(SOUNDS[pattern])
    if found.repetition is Repetition.UNBROKEN:
        how_many, again = f"{1 / (sound.repeat_s or 1.0):.0f} pulses a second", "until it is over"
    else:
        how_many = " + ".join(str(len(group)) for group in groups(sound))
        how_many += " pulse" if how_many == "1" else " pulses"
        again = "once" if sound.repeat_s is None else f"every {sound.repeat_s:g} s"
    urgency = {3: "high", 2: "medium", 1: "low", 0: "information"}[sound.urgency]
    return f"{how_many}, {found.direction}, {again}; {urgency}"


def time_line(pattern: Pattern, *, plain: bool) -> str:
    """One character for each 40 ms; the higher the pitch, the higher the bar (or the number)."""
    pulses, bars = heard(render(pattern, COLUMNS * COLUMN_S)), PLAIN_BARS if plain else BARS
    found = [next((p for p in pulses if _sounds(p, (i + 0.5) * COLUMN_S)), None) for i in range(COLUMNS)]
    return "".join(" " if pulse is None else bars[_step(pulse)] for pulse in found).rstrip()


def _sounds(pulse: Heard, at_s: float) -> bool:
    return pulse.start_s <= at_s < pulse.start_s + pulse.length_s


def _step(pulse: Heard) -> int:
    share = math.log(pulse.frequency_hz / LOWEST_HZ) / math.log(HIGHEST_HZ / LOWEST_HZ)
    return min(max(int(share * len(BARS)), 0), len(BARS) - 1)


def _draws_bars() -> bool:
    return sys.stdout.isatty() and (sys.stdout.encoding or "").lower().startswith("utf")


def played_s(pattern: Pattern) -> float:
    """Long enough to hear that it comes again, where it comes again soon."""
    sound = SOUNDS[pattern]
    if sound.repeat_s is None or sound.repeat_s > PLAYED_S:
        return sound.burst_s
    return min(PLAYED_S, max(2.0, sound.repeat_s + sound.burst_s))


def _as_json(pattern: Pattern) -> dict[str, object]:
    sound, found = SOUNDS[pattern], attributes(SOUNDS[pattern])
    return {
        "pattern": pattern,
        "urgency": sound.urgency.name.lower(),
        "counts": list(found.counts),
        "direction": found.direction,
        "repetition": found.repetition,
        "repeat_s": sound.repeat_s,
        "burst_s": round(sound.burst_s, 3),
        "volume": sound.volume_end,
        "meaning": PATTERNS[pattern],
        "pulses": [
            {
                "start_s": round(pulse.start_s, 3),
                "length_s": round(pulse.length_s, 3),
                "frequency_hz": round(pulse.frequency_hz, 1),
                "loudness": round(pulse.loudness, 2),
            }
            for pulse in heard(render(pattern, max(SHOWN_S, sound.burst_s + 0.1)))
        ],
    }


def table() -> str:
    """The table of docs/SOUNDS.md."""
    rows = ["| pattern | how it sounds and feels | what it means | in IEC's terms |", "|---|---|---|---|"]
    for pattern in AUDIBLE:
        sounds_like, _, means = PATTERNS[pattern].partition(": ")
        rows.append(f"| `{pattern}` | {sounds_like} | {means} | {described(pattern)} |")
    return "\n".join(rows) + "\n"

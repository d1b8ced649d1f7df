"""All patterns in one picture, as they are heard in their samples: time to the right, pitch upward, loud is thick."""

import math
from collections.abc import Sequence
from html import escape

from firmware.commands.story import PATTERNS
from firmware.commands.waveform import Heard, heard, render
from firmware.core.messages import Pattern
from firmware.sounder.patterns import SOUNDS, Urgency

SHOWN_S = 3.2
WIDTH, LEFT, SCALE = 1180, 420, 210  # pixels, and pixels a second
LANE, HEAD, TOP = 40, 34, 66
INK, FAINT, SOFT = "#22303c", "#e3e8ec", "#5b6b78"
COLOURS = {
    Urgency.HIGH: ("#b3261e", "High: at once"),
    Urgency.MEDIUM: ("#b26a00", "Medium: stop, or take care"),
    Urgency.LOW: ("#1f5fa8", "Low: do something about it"),
    Urgency.INFORMATION: ("#2f6f4f", "Told"),
}


def picture(patterns: Sequence[Pattern]) -> str:
    """An SVG file."""
    elements, y = [], float(TOP)
    for urgency, (colour, title) in COLOURS.items():
        group = [pattern for pattern in patterns if SOUNDS[pattern].urgency is urgency]
        if not group:
            continue
        elements.append(_text(16, y + 20, title, size=15, weight=700, fill=colour))
        y += HEAD
        for pattern in group:
            elements += _lane(pattern, y, colour)
            y += LANE
    height = round(y + 14)
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
    label = "<title>Every pattern of Rearguard: pulses over three seconds, their pitch and loudness</title>"
    back = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return f"<svg {frame}>\n{label}\n{back}\n" + "\n".join(_axis(y) + elements) + "\n</svg>\n"


def _axis(bottom: float) -> list[str]:
    head = "What the walker hears, and feels in the same rhythm"
    legend = "higher: higher pitch, from 500 to 1000 Hz; thicker: louder"
    elements = [_text(16, 30, head, size=18, weight=700), _text(WIDTH - 10, 30, legend, size=12, anchor="end")]
    for half in range(round(SHOWN_S * 2) + 1):
        x = LEFT + half / 2 * SCALE
        elements.append(f'<line x1="{x:g}" y1="{TOP - 8}" x2="{x:g}" y2="{bottom:g}" stroke="{FAINT}"/>')
        elements.append(_text(x, TOP - 14, f"{half / 2:g} s", size=11, anchor="middle", fill=SOFT))
    return elements


def _lane(pattern: Pattern, y: float, colour: str) -> list[str]:
    sound = SOUNDS[pattern]
    again = "once" if sound.repeat_s is None else f"every {sound.repeat_s:g} s"
    elements = [
        f'<line x1="16" y1="{y + LANE:g}" x2="{WIDTH - 8}" y2="{y + LANE:g}" stroke="{FAINT}"/>',
        _text(24, y + 17, pattern, size=13, weight=700),
        _text(24, y + 32, _short(PATTERNS[pattern]), size=11, fill=SOFT),
        _text(WIDTH - 10, y + 24, again, size=11, anchor="end", fill=SOFT),
    ]
    return elements + [_pulse(pulse, y, colour) for pulse in heard(render(pattern, SHOWN_S))]


def _pulse(pulse: Heard, y: float, colour: str) -> str:
    share = math.log(pulse.frequency_hz / 500) / math.log(2)
    thick = 3 + 9 * pulse.loudness
    top = y + LANE - 8 - share * (LANE - 18) - thick / 2
    size = f'width="{pulse.length_s * SCALE:.1f}" height="{thick:.1f}" rx="1.5"'
    return f'<rect x="{LEFT + pulse.start_s * SCALE:.1f}" y="{top:.1f}" {size} fill="{colour}"/>'


def _short(text: str) -> str:
    return text.partition(": ")[2] or text


def _text(
    x: float, y: float, text: str, *, size: int, weight: int = 400, anchor: str = "start", fill: str = INK
) -> str:
    font = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    return f'<text x="{x:g}" y="{y:g}" {font}>{escape(text)}</text>'

"""Draws docs/coverage.svg, the figure of docs/OBSTACLES.md: the space the rangefinder covers, and what it cannot see.

Run as `python docs/coverage.py` from the repository's root; with `--numbers` it prints the document's table instead.
"""

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path

from hal.config import LowRangefinderConfig
from hal.hcsr04 import MAX_RANGE_M
from hal.sim.world.walker import BELT_HEIGHT_M

CONE_DEG = 15.0  # ElecFreaks, HC-SR04 user guide; large hard things are heard from farther beside it as well
PEOPLE_M = 2.5  # about: cloth swallows sound
THIN_M = 2.4  # Dyrkacz 2020: a strip 2.5 cm wide, on the axis
OBLIQUE_DEG = 30.0  # Dyrkacz 2020: a smooth panel turned by more throws the sound elsewhere
SHOULDERS_M = 0.50
DISTANCES_M = (1.0, 2.0, 3.0, 4.0)

WIDTH, HEIGHT = 1240, 745
SCALE = 118.0  # pixels a metre, everywhere
INK, FAINT, FLOOR = "#26323c", "#8795a1", "#6b7680"
BEAM, SOFT, LOW = "#2464c4", "#1b4c96", "#8a3fb0"
BLIND, BLIND_EDGE = "#fbe1dc", "#c0392b"
HALO = 'stroke="#ffffff" stroke-width="3.5" stroke-opacity="0.85" paint-order="stroke" stroke-linejoin="round"'


def lowest_m(distance_m: float, height_m: float = BELT_HEIGHT_M) -> float:
    """The lowest height above the floor that the level cone reaches at `distance_m`; below it nothing is seen."""
    return height_m - distance_m * math.tan(math.radians(CONE_DEG / 2))


def highest_m(distance_m: float, height_m: float = BELT_HEIGHT_M) -> float:
    return 2 * height_m - lowest_m(distance_m, height_m)


def half_width_m(distance_m: float) -> float:
    """How far beside the middle the cone reaches at `distance_m`."""
    return distance_m * math.tan(math.radians(CONE_DEG / 2))


def floor_spot_m(low: LowRangefinderConfig) -> tuple[float, float, float]:
    """Where the tilted cone meets the floor, behind the belt: its near edge, its axis, its far edge."""
    near, axis, far = (math.radians(low.tilt_deg + turn * CONE_DEG / 2) for turn in (1, 0, -1))
    return low.height_m / math.tan(near), low.height_m / math.tan(axis), low.height_m / math.tan(far)


def low_reaches_m(distance_m: float, low: LowRangefinderConfig) -> tuple[float, float]:
    """From which height to which the tilted cone covers at `distance_m`; the lower one not below the floor."""
    steep, flat = (math.radians(low.tilt_deg + turn * CONE_DEG / 2) for turn in (1, -1))
    return max(low.height_m - distance_m * math.tan(steep), 0.0), max(low.height_m - distance_m * math.tan(flat), 0.0)


@dataclass
class View:
    """Metres, x backward from the belt and y up (or to her right), to pixels."""

    left: float
    base: float
    elements: list[str] = field(default_factory=list)

    def at(self, x_m: float, y_m: float) -> tuple[float, float]:
        return round(self.left + x_m * SCALE, 1), round(self.base - y_m * SCALE, 1)

    def text(self, x_m: float, y_m: float, text: str, *, size: int = 13, anchor: str = "start", **style: str) -> None:
        x, y = self.at(x_m, y_m)
        fill, weight = style.get("fill", INK), style.get("weight", "400")
        for i, line in enumerate(text.split("\n")):
            font = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}"'
            self.elements.append(f'<text x="{x}" y="{y + (size + 3) * i}" {font} {HALO}>{line}</text>')

    def shape(self, points: list[tuple[float, float]], style: str) -> None:
        path = " ".join(f"{x},{y}" for x, y in (self.at(*point) for point in points))
        self.elements.append(f'<polygon points="{path}" {style}/>')

    def line(self, points: list[tuple[float, float]], style: str) -> None:
        path = " ".join(f"{x},{y}" for x, y in (self.at(*point) for point in points))
        self.elements.append(f'<polyline points="{path}" fill="none" stroke-linejoin="round" {style}/>')

    def box(self, x_m: float, y_m: float, w_m: float, h_m: float, style: str = "") -> None:
        x, y = self.at(x_m, y_m + h_m)
        style = style or f'fill="{BLIND}" stroke="{BLIND_EDGE}" stroke-width="1.4"'
        size = f'width="{w_m * SCALE:.1f}" height="{h_m * SCALE:.1f}" rx="2"'
        self.elements.append(f'<rect x="{x}" y="{y}" {size} {style}/>')

    def round(self, x_m: float, y_m: float, radius_m: float, style: str) -> None:
        x, y = self.at(x_m, y_m)
        self.elements.append(f'<circle cx="{x}" cy="{y}" r="{radius_m * SCALE:.1f}" {style}/>')

    def cone(self, from_m: tuple[float, float], deg: float, reach_m: float, style: str) -> None:
        """A sector of a circle around `deg` above the level, cut off at the floor by the caller's clip."""
        half = CONE_DEG / 2
        turns = [deg - half + CONE_DEG * i / 24 for i in range(25)]
        arc = [(math.cos(math.radians(turn)), math.sin(math.radians(turn))) for turn in turns]
        self.shape([from_m, *((from_m[0] + reach_m * c, from_m[1] + reach_m * s) for c, s in arc)], style)


def walker_from_the_side(v: View) -> None:
    """She looks to the left and walks to the right."""
    skin = f'fill="#e8edf1" stroke="{INK}" stroke-width="1.6"'
    v.line(
        [(-0.14, 0.94), (-0.20, 0.5), (-0.16, 0.03), (-0.30, 0.02)], f'stroke="{INK}" stroke-width="9" opacity="0.55"'
    )
    v.line([(-0.12, 0.94), (0.02, 0.5), (0.16, 0.05), (0.02, 0.02)], f'stroke="{INK}" stroke-width="9"')
    v.shape([(-0.24, 0.92), (-0.05, 0.92), (-0.04, 1.42), (-0.12, 1.48), (-0.22, 1.42)], skin)
    v.line([(-0.13, 1.38), (-0.18, 1.12), (-0.30, 1.0)], f'stroke="{INK}" stroke-width="6"')
    v.round(-0.15, 1.60, 0.11, skin)
    v.box(-0.05, 0.90, 0.07, 0.10, f'fill="{BEAM}" stroke="{INK}"')


def ground(v: View, to_m: float, gaps: tuple[tuple[float, float], ...] = ()) -> None:
    style = f'stroke="{FLOOR}" stroke-width="2.5"'
    from_m = -0.6
    for start_m, end_m in gaps:
        v.line([(from_m, 0), (start_m, 0), (start_m, -0.30), (end_m, -0.30), (end_m, 0)], style)
        from_m = end_m
    v.line([(from_m, 0), (to_m, 0)], style)


def ruler(v: View, to_m: int, y_m: float) -> None:
    for metre in range(to_m + 1):
        v.line([(metre, y_m), (metre, y_m + 0.06)], f'stroke="{FAINT}" stroke-width="1.5"')
        v.text(metre, y_m - 0.14, f"{metre} m", size=12, anchor="middle", fill=FLOOR)


def heights(v: View) -> None:
    """The lowest thing seen, at each metre."""
    for distance_m in DISTANCES_M[:3]:
        low_m = lowest_m(distance_m)
        v.line(
            [(distance_m, 0.0), (distance_m, low_m)], f'stroke="{BLIND_EDGE}" stroke-width="1.2" stroke-dasharray="3 3"'
        )
        v.round(distance_m, low_m, 0.022, f'fill="{BLIND_EDGE}"')
        v.text(distance_m + 0.05, low_m - 0.13, f"{low_m:.2f} m", size=12, fill=BLIND_EDGE, weight="600")


def side_view(v: View) -> None:
    belt = (0.0, BELT_HEIGHT_M)
    v.text(-0.55, 1.92, "From the side: what the rangefinder at the belt covers", size=16, weight="600")
    v.cone(belt, 0.0, MAX_RANGE_M, f'fill="{BEAM}" fill-opacity="0.16" stroke="{BEAM}" stroke-width="1.4"')
    v.cone(belt, 0.0, PEOPLE_M, f'fill="{SOFT}" fill-opacity="0.20"')
    heights(v)
    ground(v, 4.6, ((2.98, 3.32),))
    v.box(0.48, 0, 0.34, 0.12)
    v.text(0.65, 0.19, "kerb", size=12, anchor="middle")
    v.shape(
        [
            (1.28, 0),
            (1.28, 0.28),
            (1.22, 0.36),
            (1.30, 0.42),
            (1.40, 0.34),
            (1.66, 0.34),
            (1.74, 0.44),
            (1.70, 0.28),
            (1.70, 0),
        ],
        f'fill="{BLIND}" stroke="{BLIND_EDGE}" stroke-width="1.4"',
    )
    v.text(1.49, 0.11, "pet", size=12, anchor="middle")
    bench = f'stroke="{BLIND_EDGE}" stroke-width="5"'
    v.line([(2.18, 0), (2.18, 0.43), (2.76, 0.43), (2.76, 0)], bench)
    v.text(2.47, 0.18, "bench", size=12, anchor="middle")
    v.box(3.42, 0, 0.52, 0.40)
    v.text(3.68, 0.17, "low table", size=12, anchor="middle")
    v.text(3.38, -0.19, "hole, step down", size=12)
    v.text(1.30, 1.46, f"clothed people: to about {PEOPLE_M:g} m", size=13, fill=SOFT, weight="600")
    v.line([(2.05, 1.40), (1.9, 1.05)], f'stroke="{SOFT}" stroke-width="1.2"')
    v.text(3.62, 1.62, f"hard things: to {MAX_RANGE_M:g} m", size=13, fill=BEAM, weight="600")
    v.line([(4.0, 1.56), (3.7, 1.22)], f'stroke="{BEAM}" stroke-width="1.2"')
    walker_from_the_side(v)
    ruler(v, 4, -0.52)
    notes(v)


def notes(v: View) -> None:
    x_m = 5.35
    corner, size = v.at(x_m - 0.15, 1.62), 'width="385" height="214" rx="8"'
    v.elements.append(
        f'<rect x="{corner[0]}" y="{corner[1]}" {size} fill="#fff7f5" stroke="{BLIND_EDGE}" stroke-opacity="0.45"/>'
    )
    v.text(x_m, 1.40, "Not seen", size=15, weight="600", fill=BLIND_EDGE)
    lines = (
        f"- below {lowest_m(MAX_RANGE_M):.2f} m above the floor: at any distance",
        *(f"- below {lowest_m(d):.2f} m or above {highest_m(d):.2f} m: at {d:g} m" for d in DISTANCES_M[:3]),
        "- kerbs, steps, stairs, holes, pets",
        f"- what comes from the side, or is farther than {MAX_RANGE_M:g} m",
    )
    for i, line in enumerate(lines):
        v.text(x_m, 1.20 - 0.165 * i, line, size=13)
    known = f"The cone is the data sheet's {CONE_DEG:g}°. Large hard things a little"
    rest = "outside it may be heard as well: do not count on it."
    v.text(x_m, 1.15 - 0.165 * len(lines), f"{known}\n{rest}", size=12, fill=FLOOR)


def tilted_view(v: View) -> None:
    low = LowRangefinderConfig()
    near_m, axis_m, far_m = floor_spot_m(low)
    v.text(-0.55, 1.92, "The optional second rangefinder", size=16, weight="600")
    v.cone((0, BELT_HEIGHT_M), 0.0, 3.0, f'fill="{BEAM}" fill-opacity="0.08"')
    v.shape(
        [(0.0, low.height_m), (near_m, 0), (far_m, 0)],
        f'fill="{LOW}" fill-opacity="0.20" stroke="{LOW}" stroke-width="1.4" stroke-dasharray="6 4"',
    )
    v.line([(0.0, low.height_m), (axis_m, 0)], f'stroke="{LOW}" stroke-width="1" stroke-dasharray="2 4"')
    ground(v, 3.1)
    v.box(axis_m - 0.02, 0, 0.34, 0.12, f'fill="#efe3f5" stroke="{LOW}" stroke-width="1.4"')
    v.text(axis_m + 0.36, 0.19, "kerb", size=12)
    v.line([(near_m, -0.12), (far_m, -0.12)], f'stroke="{LOW}" stroke-width="3"')
    v.text((near_m + far_m) / 2, -0.30, f"floor from {near_m:.2f} to {far_m:.2f} m", size=12, anchor="middle", fill=LOW)
    v.text(1.05, 1.67, f"tilted down by {low.tilt_deg:g}°", size=13, fill=LOW, weight="600")
    v.text(1.05, 1.52, "Recorded, its health is watched.", size=13)
    v.text(1.05, 1.37, "It warns of nothing yet.", size=13, weight="600", fill=BLIND_EDGE)
    walker_from_the_side(v)
    ruler(v, 3, -0.62)


def wall_turned(v: View) -> None:
    """A smooth wall turned by more than that, and where its echo goes: as the light in a mirror."""
    (x0, y0), (x1, y1) = ends = (2.98, 0.14), (3.50, 0.72)
    hit = ((2 * x0 + x1) / 3, (2 * y0 + y1) / 3)
    along = math.atan2(y1 - y0, x1 - x0)
    away = 2 * along - math.atan2(hit[1], hit[0])
    goes = (hit[0] + 0.62 * math.cos(away), hit[1] + 0.62 * math.sin(away))
    v.line(list(ends), f'stroke="{BLIND_EDGE}" stroke-width="5"')
    v.line(
        [(0.05, 0.01), hit, goes], f'stroke="{INK}" stroke-width="1.4" stroke-dasharray="4 3" marker-end="url(#tip)"'
    )
    v.text(
        3.62, 0.92, f"a smooth wall or door, turned by\nmore than {OBLIQUE_DEG:g}°: its echo goes elsewhere", size=12
    )


def walker_from_above(v: View) -> None:
    x, y = v.at(-0.12, 0)
    v.elements.append(
        f'<ellipse cx="{x}" cy="{y}" rx="{0.12 * SCALE:.1f}" ry="{SHOULDERS_M / 2 * SCALE:.1f}" fill="#e8edf1" '
        f'stroke="{INK}" stroke-width="1.6"/>'
    )
    v.round(-0.12, 0, 0.09, f'fill="#ffffff" stroke="{INK}" stroke-width="1.6"')
    v.box(-0.01, -0.045, 0.05, 0.09, f'fill="{BEAM}" stroke="{INK}"')


def top_view(v: View) -> None:
    wide_m = SHOULDERS_M / 2 / math.tan(math.radians(CONE_DEG / 2))
    v.text(-0.55, 1.285, "From above", size=16, weight="600")
    v.shape([(0, -SHOULDERS_M / 2), (wide_m, -SHOULDERS_M / 2), (0, 0)], f'fill="{BLIND}" stroke="none"')
    v.shape([(0, SHOULDERS_M / 2), (wide_m, SHOULDERS_M / 2), (0, 0)], f'fill="{BLIND}" stroke="none"')
    for side in (-1, 1):
        edge = [(0.0, side * SHOULDERS_M / 2), (4.2, side * SHOULDERS_M / 2)]
        v.line(edge, f'stroke="{FAINT}" stroke-width="1.2" stroke-dasharray="5 4"')
    v.cone((0, 0), 0.0, MAX_RANGE_M, f'fill="{BEAM}" fill-opacity="0.16" stroke="{BEAM}" stroke-width="1.4"')
    v.cone((0, 0), 0.0, PEOPLE_M, f'fill="{SOFT}" fill-opacity="0.20"')
    what = f"up to {wide_m:.1f} m her shoulders are wider than the cone:\nwhat only an arm would hit is not seen"
    v.text(0.02, 0.46, what, size=12, fill=BLIND_EDGE)
    v.round(2.1, 0.02, 0.16, f'fill="#dbe6f7" stroke="{SOFT}" stroke-width="1.4"')
    v.text(2.1, -0.02, "person", size=11, anchor="middle")
    v.round(2.66, -0.07, 0.03, f'fill="{BLIND_EDGE}"')
    v.text(2.73, -0.11, f"thin strip: not beyond {THIN_M:g} m", size=12, fill=BLIND_EDGE)
    v.box(1.22, -0.86, 0.76, 0.34)
    v.text(1.60, -0.73, "from the side", size=12, anchor="middle")
    wall_turned(v)
    for distance_m in DISTANCES_M:
        half_m = half_width_m(distance_m)
        below_m = -max(half_m + 0.13, SHOULDERS_M / 2 + 0.13)  # not across the line of her shoulder
        v.text(distance_m, below_m, f"± {half_m:.2f} m", size=12, anchor="middle", fill=BEAM, weight="600")
    walker_from_above(v)
    ruler(v, 4, -1.12)


def drawing() -> str:
    side, tilted, top = View(92, 262), View(846, 640), View(92, 565)
    side_view(side)
    top_view(top)
    tilted_view(tilted)
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    tip = f'<defs>{tip}<path d="M0,0 L8,4 L0,8 Z" fill="{INK}"/></marker></defs>'
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    return f"<svg {frame}>\n{tip}\n{back}\n" + "\n".join(side.elements + top.elements + tilted.elements) + "\n</svg>\n"


def numbers() -> str:
    """The table of docs/OBSTACLES.md."""
    rows = [
        f"| {d:g} m | {lowest_m(d):.2f} m | {highest_m(d):.2f} m | {2 * half_width_m(d):.2f} m |" for d in DISTANCES_M
    ]
    head = ["| behind the belt | lowest thing seen | highest | width |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def main(arguments: list[str]) -> None:
    if "--numbers" in arguments:
        sys.stdout.write(numbers())
    else:
        Path(__file__).with_name("coverage.svg").write_text(drawing(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

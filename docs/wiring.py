"""Draws docs/wiring.svg, the figure of docs/HARDWARE.md: every part, every wire, on the 40-pin header.

Run as `python docs/wiring.py` from the repository's root.
"""

from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 1180, 900
ODD_X, EVEN_X, TOP_Y, PITCH = 556, 616, 92, 38
RED, ORANGE, BLACK, BLUE, GREEN, PURPLE, BROWN = (
    *("#d0342c", "#e08a00", "#222222", "#2464c4", "#2a8f4a", "#8a3fb0", "#8a5a2b"),
)
HALO = 'stroke="#ffffff" stroke-width="3" stroke-opacity="0.75" paint-order="stroke"'  # readable across a wire
LABELS = {
    1: "3.3 V", 2: "5 V", 3: "GPIO 2 SDA", 4: "5 V", 5: "GPIO 3 SCL", 6: "GND", 9: "GND", 11: "GPIO 17", 12: "GPIO 18",
    13: "GPIO 27", 14: "GND", 16: "GPIO 23", 17: "3.3 V", 18: "GPIO 24", 20: "GND", 22: "GPIO 25", 25: "GND",
    29: "GPIO 5", 30: "GND", 31: "GPIO 6", 34: "GND", 36: "GPIO 16", 39: "GND",
}  # fmt: skip
POWER_FILL = {"5 V": RED, "3.3 V": ORANGE, "GND": BLACK}


def pin_at(number: int) -> tuple[float, float]:
    return (ODD_X if number % 2 else EVEN_X), TOP_Y + (number - 1) // 2 * PITCH


@dataclass
class Drawing:
    """Collects SVG elements; `optional` parts are dashed."""

    elements: list[str]

    def text(self, x: float, y: float, text: str, *, size: int = 13, anchor: str = "start", weight: int = 400) -> None:
        style = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" ' + HALO
        self.elements.append(f'<text x="{x}" y="{y}" {style}>{text}</text>')

    def box(self, x: float, y: float, w: float, h: float, title: str, *, fill: str, optional: bool = False) -> None:
        dashes = ' stroke-dasharray="6 4"' if optional else ""
        self.elements.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="{fill}" stroke="#444"{dashes}/>'
        )
        for i, line in enumerate(title.split("\n")):
            self.text(x + w / 2, y + 21 + 16 * i, line, anchor="middle", weight=600 if i == 0 else 400, size=13)

    def wire(self, colour: str, *points: tuple[float, float], optional: bool = False) -> None:
        path = " ".join(f"{x},{y}" for x, y in points)
        dashes = ' stroke-dasharray="7 4"' if optional else ""
        style = f'fill="none" stroke="{colour}" stroke-width="2.4" stroke-linejoin="round"{dashes}'
        self.elements.append(f'<polyline points="{path}" {style}/>')

    def from_pin(self, number: int, colour: str, lane_x: float, to: tuple[float, float], **style: bool) -> None:
        """Out of the header to a lane, along it, and to the part."""
        x, y = pin_at(number)
        self.wire(colour, (x, y), (lane_x, y), (lane_x, to[1]), to, **style)

    def dot(self, x: float, y: float) -> None:
        self.elements.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#222"/>')

    def resistor(self, x: float, y: float, text: str, *, upright: bool = False) -> None:
        w, h = (14, 34) if upright else (34, 14)
        self.elements.append(
            f'<rect x="{x - w / 2}" y="{y - h / 2}" width="{w}" height="{h}" rx="3" fill="#f4e3c1" stroke="#444"/>'
        )
        self.text(x + 12 if upright else x, y + 5 if upright else y - 11, text, anchor="start" if upright else "middle")

    def ground(self, x: float, y: float) -> None:
        for i, half in enumerate((10, 6, 2)):
            self.wire(BLACK, (x - half, y + 4 * i), (x + half, y + 4 * i))


def header(d: Drawing) -> None:
    d.elements.append(
        f'<rect x="{ODD_X - 22}" y="{TOP_Y - 22}" width="{EVEN_X - ODD_X + 44}" height="{19 * PITCH + 44}" rx="6" '
        'fill="#e9eef2" stroke="#444"/>'
    )
    d.text((ODD_X + EVEN_X) / 2, TOP_Y - 34, "Raspberry Pi, 40-pin header", anchor="middle", size=15, weight=600)
    for number in range(1, 41):
        x, y = pin_at(number)
        label = LABELS.get(number, "")
        fill = POWER_FILL.get(label, "#c9a227" if label else "#ffffff")
        shape = f'x="{x - 9}" y="{y - 9}" width="18" height="18"' if number == 1 else f'cx="{x}" cy="{y}" r="9"'
        d.elements.append(f'<{"rect" if number == 1 else "circle"} {shape} fill="{fill}" stroke="#444"/>')
        d.text(x + (-28 if number % 2 else 28), y - 5, label, size=11, anchor="end" if number % 2 else "start")
        d.text(x + (19 if number % 2 else -19), y + 4, str(number), size=10, anchor="middle")


def bus_parts(d: Drawing) -> None:
    """The motion sensor and the fuel gauge hang on the same four wires."""
    d.box(40, 60, 190, 150, "Motion sensor\nMPU-6050, -6500, -9250,\nICM-20948, LSM6DSOX\nor BNO055", fill="#dcebf7")
    d.box(40, 240, 190, 125, "Fuel gauge (optional)\nMAX17048 or INA219", fill="#eef3e6", optional=True)
    for i, (pin, colour, name) in enumerate(
        ((1, ORANGE, "VCC"), (3, BLUE, "SDA"), (5, GREEN, "SCL"), (9, BLACK, "GND"))
    ):
        y = 138 + 20 * i
        d.text(222, y + 4, name, size=11, anchor="end")
        d.from_pin(pin, colour, 440 - 22 * i, (230, y))
        d.wire(colour, (300 - 16 * i, y), (300 - 16 * i, 288 + 20 * i), (230, 288 + 20 * i), optional=True)
        d.dot(300 - 16 * i, y)
        d.text(222, 292 + 20 * i, name, size=11, anchor="end")


def button(d: Drawing) -> None:
    d.box(40, 400, 190, 110, "Button, change-over", fill="#fbe8e6")
    for pin, colour, name, y, lane_x in (
        (11, PURPLE, "NO", 440, 410),
        (13, BROWN, "NC", 465, 430),
        (25, BLACK, "COM", 490, 450),
    ):
        d.text(222, y + 4, name, size=11, anchor="end")
        d.from_pin(pin, colour, lane_x, (230, y))


def echo_sensor(
    d: Drawing,
    x: float,
    y: float,
    title: str,
    wires: tuple[tuple[int, float], ...],
    *,
    right: bool,
    optional: bool = False,
) -> None:
    """Its pins and the divider. `wires`: header pin and lane for trigger, echo, ground; 5 V is drawn by the caller."""
    d.box(x, y, 225 if right else 190, 165, title, fill="#e6f4ea", optional=optional)
    edge, sign = (x, -1) if right else (x + 190, 1)
    for i, name in enumerate(("VCC 5 V", "TRIG", "ECHO 5 V!", "GND")):
        d.text(edge - sign * 8, y + 60 + 28 * i, name, size=11, anchor="start" if right else "end")
    for i, ((pin, lane_x), colour) in enumerate(zip(wires, (BLUE, PURPLE, BLACK), strict=True)):
        d.from_pin(pin, colour, lane_x, (edge, y + 84 + 28 * i), optional=optional)
    d.resistor(edge + sign * 32, y + 112, "1 kΩ")
    node_x = edge + sign * 66
    d.dot(node_x, y + 112)
    d.wire(BLACK, (node_x, y + 112), (node_x, y + 196), optional=optional)
    d.resistor(node_x, y + 168, "2 kΩ", upright=True)
    d.ground(node_x, y + 196)


def sounders(d: Drawing) -> None:
    d.box(940, 50, 200, 80, "Buzzer\npassive piezo, 500-1000 Hz", fill="#fdf3d8")
    d.from_pin(12, GREEN, 660, (940, 102))
    d.from_pin(14, BLACK, 680, (940, 118))
    d.text(946, 106, "+", size=12)
    d.text(946, 122, "GND", size=11)


def motor(d: Drawing) -> None:
    """3.3 V through the motor to the MOSFET's drain, its source to ground, the diode across the motor."""
    d.box(940, 430, 200, 165, "Vibration motor, 3 V, and\nN-MOSFET (AO3400A)", fill="#fdf3d8")
    x, y = pin_at(17)
    d.wire(ORANGE, (x, y), (500, y), (500, 842), (800, 842), (800, 492), (1005, 492))
    d.from_pin(30, BLACK, 780, (1072, 552))
    x, y = pin_at(22)
    d.wire(GREEN, (x, y), (690, y), (690, 576), (1072, 576))
    d.elements.append('<circle cx="1020" cy="492" r="15" fill="#ffffff" stroke="#444"/>')
    d.text(1020, 497, "M", anchor="middle", weight=600)
    d.wire(BLACK, (1035, 492), (1100, 492), (1100, 534))
    d.wire(ORANGE, (985, 492), (985, 522), (1010, 522))
    d.wire(BLACK, (1010, 522), (1058, 522), (1058, 492))
    d.elements.append('<path d="M1030,514 L1030,530 L1014,522 Z M1014,513 L1014,531" fill="#222" stroke="#222"/>')
    d.dot(985, 492)
    d.dot(1058, 492)
    d.text(979, 538, "1N4148", size=11)
    d.elements.append('<rect x="1072" y="534" width="58" height="52" rx="4" fill="#ffffff" stroke="#444"/>')
    d.text(1100, 547, "drain", size=11, anchor="middle")
    d.text(1078, 561, "source", size=11)
    d.text(1078, 580, "gate", size=11)
    d.text(946, 486, "3.3 V", size=11)
    d.text(946, 548, "GND", size=11)
    d.resistor(860, 576, "1 kΩ")
    d.wire(BLACK, (900, 576), (900, 606))
    d.dot(900, 576)
    d.resistor(900, 616, "100 kΩ", upright=True)
    d.wire(BLACK, (900, 633), (900, 644))
    d.ground(900, 644)


def led(d: Drawing) -> None:
    d.box(940, 690, 200, 70, "Status LED (optional)", fill="#f3e9f7", optional=True)
    d.from_pin(36, GREEN, 720, (940, 728), optional=True)
    d.resistor(860, 728, "330 Ω")
    d.from_pin(34, BLACK, 740, (940, 748), optional=True)
    d.text(946, 732, "long leg", size=11)
    d.text(946, 751, "short leg", size=11)


def main() -> None:
    d = Drawing([])
    bus_parts(d)
    button(d)
    echo_sensor(
        d,
        940,
        190,
        "Rangefinder, looks back\nHC-SR04 / HC-SR04P / JSN-SR04T",
        ((16, 700), (18, 720), (20, 740)),
        right=True,
    )
    low = ((29, 466), (31, 446), (39, 426))
    echo_sensor(d, 40, 640, "Second rangefinder,\ntilted down (optional)", low, right=False, optional=True)
    d.from_pin(2, RED, 780, (940, 246))
    d.wire(RED, pin_at(4), (760, 130), (760, 858), (380, 858), (380, 696), (230, 696), optional=True)
    sounders(d)
    motor(d)
    led(d)
    header(d)
    d.text(
        590,
        HEIGHT - 14,
        "5 V at an input destroys it: never leave out the divider on ECHO.",
        anchor="middle",
        weight=600,
        size=14,
    )
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    body = "\n".join(d.elements)
    Path(__file__).with_name("wiring.svg").write_text(f"<svg {frame}>\n{back}\n{body}\n</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    main()

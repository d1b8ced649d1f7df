"""Where the wires of each part belong on the 40-pin header, by the pins that the configuration names.

The supply and ground pins are those of the table in docs/HARDWARE.md; any other pin of the same kind does as well.
"""

from hal.config import BoardConfig

# BCM number to header pin. Source: Raspberry Pi documentation, GPIO and the 40-pin header.
HEADER_PIN = {
    2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32, 13: 33, 14: 8, 15: 10,
    16: 36, 17: 11, 18: 12, 19: 35, 20: 38, 21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13,
}  # fmt: skip


def wiring(part: str, config: BoardConfig) -> str:
    """The wires of a part, each with its header pin: "header pins: SDA 3 (GPIO 2), ..."."""
    return f"header pins: {', '.join(_wires(part, config))}"


def _wires(part: str, config: BoardConfig) -> list[str]:
    match part:
        case "imu":
            return _bus_wires("VCC", config.imu.bus)
        case "power":
            return _bus_wires("VCC", config.power.bus)
        case "rangefinder" if not config.rangefinder.on_pins:
            return _bus_wires("V+", config.rangefinder.bus)
        case "rangefinder":
            return _echo_wires(config.rangefinder.model, config.rangefinder.trigger, config.rangefinder.echo, 2, 20)
        case "low_rangefinder":
            low = config.low_rangefinder
            return _echo_wires(low.model, low.trigger, low.echo, 4, 39)
        case "button":
            closed = [] if config.button.nc_pin is None else [f"closed contact {_pin(config.button.nc_pin)}"]
            return [f"open contact {_pin(config.button.pin)}", *closed, "common 25 (GND)"]
        case "buzzer":
            return [f"+ {_pin(config.buzzer.pin)}", "- 14 (GND)"]
        case "motor":
            return [f"the transistor's gate {_pin(config.motor.pin)} through 1 kΩ", "its source any GND"]
        case "led":
            return [f"long leg {_pin(config.led.pin)} through 330 Ω", "short leg 34 (GND)"]
        case "airbag":
            return [f"the logic input {_pin(config.airbag.pin)}", "10 kΩ from there to any GND"]
    raise ValueError(f"doctor: no wiring is known for {part!r}")


def _pin(bcm: int | None) -> str:
    return "none" if bcm is None else f"{HEADER_PIN[bcm]} (GPIO {bcm})"


def _bus_wires(supply: str, bus: int) -> list[str]:
    lines = [f"SDA {_pin(2)}", f"SCL {_pin(3)}"] if bus == 1 else [f"SDA and SCL those of /dev/i2c-{bus}"]
    return [f"{supply} 1 (3.3 V)", *lines, "GND 9"]


def _echo_wires(model: str, trigger: int | None, echo: int | None, supply_pin: int, ground_pin: int) -> list[str]:
    if model == "hcsr04p":
        supply, divider = "VCC 17 (3.3 V)", ""
    else:
        supply, divider = f"VCC {supply_pin} (5 V)", " through its divider"
    return [supply, f"TRIG {_pin(trigger)}", f"ECHO {_pin(echo)}{divider}", f"GND {ground_pin}"]

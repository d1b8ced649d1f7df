"""What config.txt asks of the kernel, and what the running kernel really does; where they differ, it wants a restart.

Sources: Raspberry Pi documentation, config.txt (sections, dtparam, dtoverlay) and boot/overlays/README of the firmware
(i2c_arm_baudrate, 100000 by default); raspberrypi/linux PR 6117 and 6150 (strict_gpiod, persist_gpio_outputs).
"""

from dataclasses import dataclass, field

from firmware.commands.checks.check import Check
from firmware.commands.checks.machine import Machine
from hal.config import BoardConfig
from hal.errors import PinsUnavailable
from hal.pwm import SysfsFolder, find_channel

CONFIG_FILES = ("boot/firmware/config.txt", "boot/config.txt")  # since Debian 12, and before
SECTIONS = {"pi0": "Pi Zero", "pi02": "Pi Zero 2", "pi3": "Pi 3", "pi4": "Pi 4", "pi5": "Pi 5"}
FAST_HZ, STRETCHED_HZ = 400_000, 50_000  # the second for an I2CXL, which stretches the clock above it
PERSISTENT = ("pinctrl_bcm2835", "pinctrl_rp1")


@dataclass(frozen=True, slots=True)
class BootSettings:
    """What config.txt sets for this model."""

    path: str
    parameters: dict[str, str] = field(default_factory=dict)

    def on(self, *names: str) -> bool:
        return any(self.parameters.get(name) in ("on", "true", "yes", "1", "") for name in names)


def boot_settings(machine: Machine) -> BootSettings:
    """Sections for other models, and conditions that cannot be judged from here, do not count."""
    for path in CONFIG_FILES:
        text = machine.text(path)
        if text is not None:
            return BootSettings(f"/{path}", _parameters(text, machine.model or ""))
    return BootSettings(f"/{CONFIG_FILES[0]}")


def _parameters(text: str, model: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    counts = True
    for line in (line.partition("#")[0].strip() for line in text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]").lower()
            counts = section == "all" or (section in SECTIONS and SECTIONS[section] in model)
        elif counts and line.startswith("dtparam="):
            for assignment in line.removeprefix("dtparam=").split(","):
                name, _, value = assignment.partition("=")
                parameters[name.strip()] = value.strip()
    return parameters


def kernel(machine: Machine, config: BoardConfig) -> list[Check]:
    """The I2C buses, what becomes of pins when a program dies, and the buzzer's PWM."""
    settings = boot_settings(machine)
    checks = [_bus(bus, machine, settings, config) for bus in config.buses]
    checks.append(_released_pins(machine, settings))
    if config.buzzer.kind == "passive" and config.buzzer.pwm != "software":
        checks.append(_pwm(machine, config))
    return checks


def _bus(bus: int, machine: Machine, settings: BootSettings, config: BoardConfig) -> Check:
    name = f"i2c-{bus}"
    if not (machine.root / "dev" / name).exists():
        return _no_bus(bus, machine, settings)
    speed_hz = _speed_hz(name, machine)
    if speed_hz is None:
        return Check(name, "ok", f"/dev/{name} is there, its speed unknown")
    stretched = not config.rangefinder.on_pins and config.rangefinder.bus == bus
    what = f"/dev/{name} at {speed_hz / 1000:g} kHz"
    if stretched and speed_hz > STRETCHED_HZ:
        advice = f"put dtparam=i2c_arm_baudrate={STRETCHED_HZ} into {settings.path} and restart"
        return Check(name, "warn", f"{what}; an I2CXL needs {STRETCHED_HZ / 1000:g} kHz at most", advice)
    if not stretched and speed_hz < FAST_HZ:
        advice = f"put dtparam=i2c_arm=on,i2c_arm_baudrate={FAST_HZ} into {settings.path} and restart"
        return Check(name, "warn", f"{what}, expected {FAST_HZ / 1000:g} kHz", advice)
    return Check(name, "ok", what)


def _no_bus(bus: int, machine: Machine, settings: BootSettings) -> Check:
    name = f"i2c-{bus}"
    what = f"there is no /dev/{name}"
    if (machine.root / "sys/class/i2c-adapter" / name).exists():
        advice = "sudo modprobe i2c-dev, and for good: echo i2c-dev | sudo tee /etc/modules-load.d/i2c.conf"
        return Check(name, "fail", f"{what}: the module i2c-dev is not loaded", advice)
    if bus != 1:
        return Check(name, "fail", what, f"see [imu] bus in rearguard.toml, and dtoverlay=i2c-gpio,bus={bus},...")
    if settings.on("i2c_arm", "i2c"):
        return Check(name, "fail", f"{what}, though {settings.path} asks for it", "restart the Pi: sudo reboot")
    advice = f"put dtparam=i2c_arm=on,i2c_arm_baudrate={FAST_HZ} into {settings.path} and restart"
    return Check(name, "fail", what, advice)


def _speed_hz(name: str, machine: Machine) -> int | None:
    """From the device tree, as the running kernel has it: 32 bits, the most significant byte first."""
    path = machine.root / "sys/class/i2c-adapter" / name / "of_node/clock-frequency"
    try:
        return int.from_bytes(path.read_bytes()[:4], "big") or None
    except OSError:
        return None


def _released_pins(machine: Machine, settings: BootSettings) -> Check:
    asked = settings.on("strict_gpiod")
    states = [machine.text(f"sys/module/{driver}/parameters/persist_gpio_outputs") for driver in PERSISTENT]
    if "Y" in states:
        what = "a pin stays as it is when its program dies: a motor or a buzzer may stay on"
        advice = (
            "restart the Pi: sudo reboot" if asked else f"put dtparam=strict_gpiod into {settings.path} and restart"
        )
        return Check("strict_gpiod", "warn", what, advice)
    if "N" in states:
        return Check("strict_gpiod", "ok", "a pin is let go when its program dies")
    if asked:
        return Check("strict_gpiod", "ok", f"set in {settings.path}; this kernel does not tell whether it heeds it")
    what = "whether a pin is let go when its program dies is unknown"
    return Check("strict_gpiod", "warn", what, f"put dtparam=strict_gpiod into {settings.path} and restart")


def _pwm(machine: Machine, config: BoardConfig) -> Check:
    try:
        channel = find_channel(SysfsFolder(machine.root / "sys"), config.buzzer.pin)
    except PinsUnavailable as error:
        if config.buzzer.pwm == "auto":
            return Check("pwm", "ok", f"in software on GPIO {config.buzzer.pin}; none in hardware")
        what, _, advice = str(error).removeprefix("buzzer: ").partition("; ")
        return Check("pwm", "fail", what, advice)
    return Check(
        "pwm", "ok", f"in hardware on GPIO {config.buzzer.pin} (/sys/{channel.chip}, channel {channel.number})"
    )

"""What the board is made of: which parts, on which pins and addresses. Checked when it is made, frozen afterwards."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from hal.imu.mounting import Mounting
from hal.pins import FactoryName

ImuModel = Literal["auto", "mpu6050", "mpu6500", "mpu9250", "icm20948", "lsm6dsox", "bno055"]
RangefinderModel = Literal["hcsr04", "hcsr04p", "jsn_sr04t", "i2cxl"]
BuzzerKind = Literal["passive", "active"]
PwmSource = Literal["auto", "hardware", "software"]
GaugeModel = Literal["auto", "none", "max17048", "ina219"]

RATES_HZ = (100, 200)
ACCEL_RANGES_G = (8, 16)
GYRO_RANGES_DPS = (1000, 2000)
AIRBAG_PINS = (9, 10, 11, 12, 13, *range(16, 28))  # low while a Pi starts: not 2-8 (pulled up), 14 and 15 (console)
HEADER_PINS = range(2, 28)  # BCM numbers on the 40-pin header; 0 and 1 belong to the HAT identity EEPROM
MAX17048_ADDRESS = 0x36  # it has no other
I2C_ADDRESSES = (0x08, 0x77)  # the others are reserved (I2C specification, 3.1.12)


def _check_pin(key: str, pin: int) -> None:
    if pin not in HEADER_PINS:
        raise ValueError(f"{key} ({pin}) must be a BCM number from {HEADER_PINS[0]} to {HEADER_PINS[-1]}")


def _check_range(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN as well
        raise ValueError(f"{key} ({value}) must lie between {low:g} and {high:g}")


def _check_choice(key: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{key} ({value!r}) must be one of: {', '.join(map(str, choices))}")


def _check_address(key: str, address: int | None) -> None:
    if address is not None:
        _check_range(key, address, *I2C_ADDRESSES)


@dataclass(frozen=True, slots=True)
class ImuConfig:
    """Which motion sensor, where on the bus, and which of its axes points forward, left and up on the body."""

    model: ImuModel = "auto"
    bus: int = 1
    address: int | None = None
    rate_hz: int = 100
    accel_range_g: int = 16  # the impact of a fall exceeds 8 g now and then, and is flagged then
    gyro_range_dps: int = 2000
    forward: str = "+x"
    left: str = "+y"
    up: str = "+z"
    tilt_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of a sensor that does not sit square; see Mounting

    def __post_init__(self) -> None:
        _check_choice("imu.model", self.model, get_args(ImuModel))
        _check_range("imu.bus", self.bus, 0, 255)
        _check_address("imu.address", self.address)
        _check_choice("imu.rate_hz", self.rate_hz, RATES_HZ)
        _check_choice("imu.accel_range_g", self.accel_range_g, ACCEL_RANGES_G)
        _check_choice("imu.gyro_range_dps", self.gyro_range_dps, GYRO_RANGES_DPS)
        _ = self.mounting  # raises for axes that are no rotation

    @property
    def mounting(self) -> Mounting:
        return Mounting(self.forward, self.left, self.up, self.tilt_deg)


@dataclass(frozen=True, slots=True)
class RangefinderConfig:
    """The ultrasonic sensor that looks straight behind: by BCM pin numbers, or on the I2C bus (i2cxl)."""

    model: RangefinderModel = "hcsr04"
    trigger: int = 23
    echo: int = 24
    bus: int = 1
    address: int = 0x70
    temperature_c: float = 20.0  # of the air: sound is 0.17 % faster per degree
    period_s: float = 0.05  # from ping to ping: 8.6 m of sound there and back, so that old echoes have died down
    near_m: float = 1.5  # the last echo came from nearer: every ping counts now
    near_period_s: float = 0.035  # and then from ping to ping: 6 m of sound, from where no model hears an echo
    jitter_s: float = 0.01  # at most so much later, at random: somebody else's pings then hit no two of ours alike

    def __post_init__(self) -> None:
        _check_choice("rangefinder.model", self.model, get_args(RangefinderModel))
        _check_pin("rangefinder.trigger", self.trigger)
        _check_pin("rangefinder.echo", self.echo)
        _check_range("rangefinder.bus", self.bus, 0, 255)
        _check_address("rangefinder.address", self.address)
        _check_range("rangefinder.temperature_c", self.temperature_c, -20, 50)
        _check_range("rangefinder.period_s", self.period_s, 0.04, 0.2)
        _check_range("rangefinder.near_m", self.near_m, 0.5, 2.5)
        _check_range("rangefinder.near_period_s", self.near_period_s, 0.03, 0.06)
        _check_range("rangefinder.jitter_s", self.jitter_s, 0.0, 0.01)

    @property
    def on_pins(self) -> bool:
        """Whether it is timed by an echo line."""
        return self.model != "i2cxl"


@dataclass(frozen=True, slots=True)
class LowRangefinderConfig:
    """An optional second echo-line sensor, tilted down toward what lies low behind the feet; without pins, none."""

    model: Literal["hcsr04", "hcsr04p", "jsn_sr04t"] = "hcsr04"
    trigger: int | None = None
    echo: int | None = None
    tilt_deg: float = 35.0  # below the horizontal, standing upright
    height_m: float = 0.95  # above the floor

    def __post_init__(self) -> None:
        _check_choice("low_rangefinder.model", self.model, ("hcsr04", "hcsr04p", "jsn_sr04t"))
        if (self.trigger is None) is not (self.echo is None):
            raise ValueError("low_rangefinder: trigger and echo must be set both, or neither")
        for key in ("trigger", "echo"):
            pin = getattr(self, key)
            if pin is not None:
                _check_pin(f"low_rangefinder.{key}", pin)
        _check_range("low_rangefinder.tilt_deg", self.tilt_deg, 20, 60)
        _check_range("low_rangefinder.height_m", self.height_m, 0.6, 1.3)

    @property
    def fitted(self) -> bool:
        return self.trigger is not None


@dataclass(frozen=True, slots=True)
class BuzzerConfig:
    """The buzzer's BCM pin number; a passive one is given its tone by PWM, an active one only switched."""

    pin: int = 18
    kind: BuzzerKind = "passive"
    pwm: PwmSource = "auto"

    def __post_init__(self) -> None:
        _check_pin("buzzer.pin", self.pin)
        _check_choice("buzzer.kind", self.kind, get_args(BuzzerKind))
        _check_choice("buzzer.pwm", self.pwm, get_args(PwmSource))


@dataclass(frozen=True, slots=True)
class MotorConfig:
    """The vibration motor's BCM pin number."""

    pin: int = 25

    def __post_init__(self) -> None:
        _check_pin("motor.pin", self.pin)


@dataclass(frozen=True, slots=True)
class LedConfig:
    """The status LED's BCM pin number; without one, no LED."""

    pin: int | None = None

    def __post_init__(self) -> None:
        if self.pin is not None:
            _check_pin("led.pin", self.pin)


@dataclass(frozen=True, slots=True)
class AirbagConfig:
    """The pin for an airbag's own electronics: one pulse when a fall seems to have begun. Experimental."""

    pin: int | None = None
    pulse_s: float = 0.5  # then it is low again, whatever the guard does
    apart_s: float = 10.0  # no second pulse sooner, and none so soon after the sounder's start

    def __post_init__(self) -> None:
        if self.pin is not None and self.pin not in AIRBAG_PINS:
            choices = ", ".join(map(str, AIRBAG_PINS))
            raise ValueError(f"airbag.pin ({self.pin}) must be low while the Pi starts, as these are: {choices}")
        _check_range("airbag.pulse_s", self.pulse_s, 0.05, 2.0)
        _check_range("airbag.apart_s", self.apart_s, 5.0, 3600.0)


@dataclass(frozen=True, slots=True)
class ButtonConfig:
    """The change-over button's BCM pin numbers: normally open and, to see a cut wire, normally closed."""

    pin: int = 17
    nc_pin: int | None = 27

    def __post_init__(self) -> None:
        _check_pin("button.pin", self.pin)
        if self.nc_pin is not None:
            _check_pin("button.nc_pin", self.nc_pin)


@dataclass(frozen=True, slots=True)
class PowerConfig:
    """Which fuel gauge watches the battery; "none" for a power bank, whose charge nobody knows."""

    gauge: GaugeModel = "auto"
    bus: int = 1
    address: int | None = None
    shunt_ohm: float = 0.1  # INA219 boards carry R100
    period_s: float = 5.0

    def __post_init__(self) -> None:
        _check_choice("power.gauge", self.gauge, get_args(GaugeModel))
        _check_range("power.bus", self.bus, 0, 255)
        _check_address("power.address", self.address)
        _check_range("power.shunt_ohm", self.shunt_ohm, 0.001, 10.0)
        _check_range("power.period_s", self.period_s, 1.0, 30.0)


@dataclass(frozen=True, slots=True)
class BoardConfig:
    """All parts, and the GPIO library that drives them: lgpio, or rpigpio on boards before the Pi 5."""

    factory: FactoryName = "lgpio"
    imu: ImuConfig = field(default_factory=ImuConfig)
    rangefinder: RangefinderConfig = field(default_factory=RangefinderConfig)
    low_rangefinder: LowRangefinderConfig = field(default_factory=LowRangefinderConfig)
    buzzer: BuzzerConfig = field(default_factory=BuzzerConfig)
    motor: MotorConfig = field(default_factory=MotorConfig)
    led: LedConfig = field(default_factory=LedConfig)
    airbag: AirbagConfig = field(default_factory=AirbagConfig)
    button: ButtonConfig = field(default_factory=ButtonConfig)
    power: PowerConfig = field(default_factory=PowerConfig)

    def __post_init__(self) -> None:
        _check_choice("gpio.factory", self.factory, get_args(FactoryName))
        seen: dict[int, str] = {}
        for key, pin in self._pins():
            if pin in seen:
                raise ValueError(f"{key} and {seen[pin]} are both pin {pin}; each needs its own")
            seen[pin] = key
        self._check_chips()

    def _check_chips(self) -> None:
        """Two chips at one address answer at once, and neither can be understood."""
        seen: dict[tuple[int, int], str] = {}
        for key, bus, address in self._chips():
            if (bus, address) in seen:
                raise ValueError(
                    f"{key} and {seen[bus, address]} are both at address {address:#04x} of I2C bus {bus}; "
                    "each needs its own"
                )
            seen[bus, address] = key

    def _chips(self) -> list[tuple[str, int, int]]:
        """Key, bus and address of each chip whose address is known before it is looked for."""
        gauge = self.power.address
        if gauge is None and self.power.gauge == "max17048":
            gauge = MAX17048_ADDRESS
        chips: list[tuple[str, int, int | None]] = [
            ("imu.address", self.imu.bus, self.imu.address),
            (
                "rangefinder.address",
                self.rangefinder.bus,
                None if self.rangefinder.on_pins else self.rangefinder.address,
            ),
            ("power.address", self.power.bus, gauge if self.power.gauge not in ("auto", "none") else None),
        ]
        return [(key, bus, address) for key, bus, address in chips if address is not None]

    @property
    def buses(self) -> list[int]:
        """The I2C buses that something of this hangs on, or is looked for."""
        buses = {self.imu.bus}
        if not self.rangefinder.on_pins:
            buses.add(self.rangefinder.bus)
        if self.power.gauge != "none":
            buses.add(self.power.bus)
        return sorted(buses)

    def _pins(self) -> list[tuple[str, int]]:
        pins: list[tuple[str, int | None]] = [
            ("rangefinder.trigger", self.rangefinder.trigger if self.rangefinder.on_pins else None),
            ("rangefinder.echo", self.rangefinder.echo if self.rangefinder.on_pins else None),
            ("low_rangefinder.trigger", self.low_rangefinder.trigger),
            ("low_rangefinder.echo", self.low_rangefinder.echo),
            ("buzzer.pin", self.buzzer.pin),
            ("motor.pin", self.motor.pin),
            ("led.pin", self.led.pin),
            ("airbag.pin", self.airbag.pin),
            ("button.pin", self.button.pin),
            ("button.nc_pin", self.button.nc_pin),
            ("I2C bus 1 (SDA)", 2 if 1 in self.buses else None),
            ("I2C bus 1 (SCL)", 3 if 1 in self.buses else None),
        ]
        return [(key, pin) for key, pin in pins if pin is not None]

"""MaxBotix I2CXL-MaxSonar-EZ (MB1202, MB1212, MB1222, MB1232, MB1242): an ultrasonic rangefinder on the I2C bus.

It times the echo itself and tells centimetres. Source: MaxBotix PD11848k, I2CXL-MaxSonar-EZ data sheet; page numbers
are of that. The sensor stretches the clock, which a Raspberry Pi's own bus gets wrong now and then: up to 50 kHz it
does not need to (p. 2), so set `dtparam=i2c_arm_baudrate=50000`, or give it a bus of its own with
`dtoverlay=i2c-gpio`, which waits for it.
"""

from collections.abc import Callable
from typing import TypeVar

from hal.air import Air, speed_of_sound_mps
from hal.clock import Clock
from hal.errors import BusError, EchoStuck, ImplausibleEcho, NoEcho
from hal.i2c import NO_ANSWER, I2cBus
from hal.samples import RangeSample

TAKE_RANGE = 0x51  # 81, the only command needed; p. 3
CALIBRATED_MPS = 2 * 0.01 / 58e-6  # 58 µs/cm, right at 22.5 °C; MaxBotix, "Calculating Distance from Pin 2"
T = TypeVar("T")


class I2cxl:
    """Every read commands a new range and waits for it: what the sensor still holds of the last one is never told.

    Objects nearer than 20 cm (MB1202 and MB1212: 25 cm) are told as 20 cm, so a covered sensor looks like a wall there.
    """

    CYCLE_S = 0.1  # from ping to ping, so that old echoes have died down; p. 3
    ANSWER_S = 0.095  # after the command; 66 ms for the full range (15 Hz, p. 1), and 25 ms near by (40 Hz)
    LOOK_EVERY_S = 4e-3
    MAX_TRANSFER_S = 0.03  # three bytes take 0.6 ms at 50 kHz
    AIR_S = 0.070
    LEAST_CM, MOST_CM = 20, 765  # p. 1; the most it tells where it hears nothing
    MAX_RANGE_M = 4.0  # what lies farther is of no use behind a walker

    def __init__(
        self,
        bus: I2cBus,
        clock: Clock,
        *,
        address: int = 0x70,
        temperature_c: float = 20.0,
        part: str = "rangefinder",
        air: Air | None = None,
    ) -> None:
        """`bus` is closed with the sensor; sensors that could hear each other share `air`."""
        self._bus, self._clock, self._address = bus, clock, address
        self._part, self._air = part, air
        self._name = f"{part} at {address:#04x}"
        self._speed_mps = speed_of_sound_mps(temperature_c)

    def read(self) -> list[RangeSample]:
        """Measure once, in at most 0.1 s; longer only while the air is another sensor's. Read no oftener than CYCLE_S.

        Returns:
            One measurement; None as its distance when nothing is within 4 m. Resolution: 1 cm.

        Raises:
            NoEcho: the sensor did not answer, so nothing is known.
            EchoStuck: it answers at once, without having measured.
            ImplausibleEcho: it tells what it cannot have measured.
            BusError: the bus is in trouble, or a transfer took too long.
        """
        if self._air:
            self._air.take(self._clock, self.AIR_S)
        t_ns = self._clock.now_ns()
        self._command()
        return [RangeSample(t_ns, self._distance_m(*self._answer(t_ns)), self._part)]

    def close(self) -> None:
        self._bus.close()

    def _command(self) -> None:
        refused = self._transfer(lambda: self._bus.write(self._address, TAKE_RANGE, b""))
        if isinstance(refused, BusError):
            raise NoEcho(f"{self._name}: did not take the range command; {refused}") from refused

    def _answer(self, began_ns: int) -> tuple[int, float]:
        """The range in cm, and how many seconds after the command it was ready.

        While the sensor measures, it does not acknowledge its address (p. 2).
        """
        was_busy = False
        while True:
            self._clock.sleep(self.LOOK_EVERY_S)
            answer = self._transfer(lambda: self._bus.receive(self._address, 2))
            took_s = (self._clock.now_ns() - began_ns) / 1e9
            if not isinstance(answer, BusError):
                if not was_busy:
                    raise self._did_not_measure(answer)
                return int.from_bytes(answer, "big"), took_s
            if took_s + self.LOOK_EVERY_S > self.ANSWER_S:
                raise NoEcho(
                    f"{self._name}: no range {took_s * 1e3:.0f} ms after the command, expected within 66 ms; {answer}"
                ) from answer
            was_busy = True

    def _did_not_measure(self, answer: bytes) -> EchoStuck:
        return EchoStuck(
            f"{self._name}: answers {answer.hex()} within {self.LOOK_EVERY_S * 1e3:g} ms of the range command, "
            "expected no answer for 20 ms or more; it does not measure, or something else has this address: switch it "
            "off and on, and look with `i2cdetect -y`"
        )

    def _distance_m(self, range_cm: int, took_s: float) -> float | None:
        if not self.LEAST_CM <= range_cm <= self.MOST_CM:
            raise ImplausibleEcho(
                f"{self._name}: tells {range_cm} cm, expected {self.LEAST_CM} to {self.MOST_CM} cm; bits were lost on "
                "the bus: set dtparam=i2c_arm_baudrate=50000 in /boot/firmware/config.txt, or shorten the cable"
            )
        echo_s = range_cm / 100 * 2 / CALIBRATED_MPS
        if echo_s > took_s:
            raise ImplausibleEcho(
                f"{self._name}: tells {range_cm} cm {took_s * 1e3:.0f} ms after the command, sooner than its sound can "
                "come back; it was reset: check its supply, which must give 100 mA for a moment"
            )
        distance_m = echo_s * self._speed_mps / 2
        return None if range_cm == self.MOST_CM or distance_m > self.MAX_RANGE_M else distance_m

    def _transfer(self, transfer: Callable[[], T]) -> T | BusError:
        """What came back, or the BusError where nobody answered. Raises BusError for any other trouble of the bus."""
        start_ns = self._clock.now_ns()
        try:
            result: T | BusError = transfer()
        except BusError as error:
            if error.code not in NO_ANSWER:
                raise
            result = error
        took_s = (self._clock.now_ns() - start_ns) / 1e9
        if took_s > self.MAX_TRANSFER_S:
            raise BusError(
                f"{self._name}: a transfer took {took_s * 1e3:.0f} ms, expected at most "
                f"{self.MAX_TRANSFER_S * 1e3:.0f} ms; something holds SDA or SCL low: check the wiring"
            )
        return result

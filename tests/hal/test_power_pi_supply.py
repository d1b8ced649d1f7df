"""What the Pi says of its own supply, from a folder like its /sys and a mailbox that answers like its own."""

import errno
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.power.pi_supply import PROPERTY_IOCTL, PiSupply, SupplyFlags, SupplyReading

BITS = (0, 1, 2, 3, 16, 17, 18, 19)
FLAGS_FILE = "sys/devices/platform/soc/soc:firmware/get_throttled"


class Pi:
    """The files of a Pi, made one by one, and its firmware behind /dev/vcio."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.word: int | None = None
        self.answer: Callable[[bytearray], None] | None = None
        self.asked: list[bytes] = []

    def write(self, path: str, text: str) -> "Pi":
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)
        return self

    def mailbox(self, word: int) -> "Pi":
        self.word = word
        return self.write("dev/vcio", "")

    def alarm(self, text: str, name: str = "rpi_volt") -> "Pi":
        return self.write("sys/class/hwmon/hwmon1/name", f"{name}\n").write(
            "sys/class/hwmon/hwmon1/in0_lcrit_alarm", text
        )

    def hot(self, text: str, kind: str = "cpu-thermal", zone: int = 0) -> "Pi":
        folder = f"sys/class/thermal/thermal_zone{zone}"
        return self.write(f"{folder}/type", f"{kind}\n").write(f"{folder}/temp", text)

    def supply(self) -> PiSupply:
        return PiSupply(self.root, ioctl=self.ioctl)

    def ioctl(self, file: int, request: int, buffer: bytearray) -> int:
        """As drivers/char/broadcom/vcio.c: the buffer comes back with the answer in it."""
        self.asked.append(bytes(buffer))
        if request != PROPERTY_IOCTL:
            raise OSError(errno.EINVAL, "unknown ioctl")
        if self.answer is not None:
            self.answer(buffer)
        elif self.word is not None:
            struct.pack_into("<I", buffer, 4, 0x80000000)
            struct.pack_into("<II", buffer, 16, 0x80000004, self.word)
        return 0


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    return Pi(tmp_path)


def word_of(bits: tuple[int, ...]) -> int:
    return sum(1 << bit for bit in bits)


@pytest.mark.parametrize("way", ["mailbox", "file"])
def test_all_256_combinations_of_the_eight_flags(pi: Pi, way: str) -> None:
    for number in range(256):
        bits = tuple(bit for index, bit in enumerate(BITS) if number >> index & 1)
        word = word_of(bits)
        pi.mailbox(word) if way == "mailbox" else pi.write(FLAGS_FILE, f"{word:x}\n")
        flags = pi.supply().flags()
        assert flags == SupplyFlags(*(bit in bits for bit in BITS))
        reading = pi.supply().read()
        assert reading.undervoltage is (0 in bits)
        assert reading.throttled is (1 in bits or 2 in bits)


@given(word=st.integers(0, 0xFFFFFFFF))
def test_bits_without_a_meaning_say_nothing(word: int) -> None:
    assert SupplyFlags.of(word) == SupplyFlags.of(word & word_of(BITS))


def test_what_happened_before_is_not_happening_now(pi: Pi) -> None:
    reading = pi.mailbox(0x000F0000).supply().read()
    assert (reading.undervoltage, reading.throttled) == (False, False)


def test_machine_that_is_no_pi_knows_nothing_and_nothing_is_made_up(pi: Pi) -> None:
    assert pi.supply().read() == SupplyReading(None, None, None)
    assert pi.supply().flags() is None


def test_firmware_is_asked_without_making_it_forget(pi: Pi) -> None:
    pi.mailbox(0).supply().read()
    assert struct.unpack("<7I", pi.asked[0]) == (28, 0, 0x00030046, 4, 0, 0, 0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda buffer: None,  # the kernel gave the request back
        lambda buffer: struct.pack_into("<I", buffer, 4, 0x80000001),  # the firmware did not understand
        lambda buffer: (struct.pack_into("<I", buffer, 4, 0x80000000), struct.pack_into("<I", buffer, 16, 4)),
    ],
)
def test_answer_that_is_none_is_unknown(pi: Pi, damage: Callable[[bytearray], None]) -> None:
    pi.mailbox(5).answer = damage
    assert pi.supply().read() == SupplyReading(None, None, None)


def test_mailbox_that_may_not_be_opened_or_fails_leaves_the_kernels_driver_to_say(pi: Pi) -> None:
    def refuse(buffer: bytearray) -> None:
        raise OSError(errno.ETIMEDOUT, "Connection timed out")

    pi.alarm("1\n").mailbox(0).answer = refuse
    assert pi.supply().read() == SupplyReading(True, None, None)
    (pi.root / "dev/vcio").unlink()
    assert pi.supply().read() == SupplyReading(True, None, None)


def test_kernels_driver_knows_under_voltage_alone(pi: Pi) -> None:
    assert pi.alarm("0\n").supply().read() == SupplyReading(False, None, None)
    assert pi.alarm("1\n").supply().read() == SupplyReading(True, None, None)


def test_old_file_is_left_alone_where_anything_else_says_it(pi: Pi) -> None:
    pi.write(FLAGS_FILE, "50005\n")
    assert pi.supply().read().throttled is True
    assert pi.alarm("0\n").supply().read() == SupplyReading(False, None, None)
    assert pi.mailbox(0).supply().read() == SupplyReading(False, False, None)


@pytest.mark.parametrize("text", ["", "throttled=0x0", "-1", "1ffffffff", "zz"])
def test_file_that_says_nonsense_is_unknown(pi: Pi, text: str) -> None:
    assert pi.write(FLAGS_FILE, text).supply().read() == SupplyReading(None, None, None)


@pytest.mark.parametrize(("text", "name"), [("", "rpi_volt"), ("2", "rpi_volt"), ("yes", "rpi_volt"), ("1", "nvme")])
def test_alarm_that_says_nonsense_or_is_another_drivers_is_unknown(pi: Pi, text: str, name: str) -> None:
    assert pi.alarm(text, name).supply().read().undervoltage is None


@pytest.mark.parametrize(("text", "cpu_c"), [("48312\n", 48.312), ("-5000", -5.0), ("0", 0.0), ("85000", 85.0)])
def test_temperature_is_told_in_degrees(pi: Pi, text: str, cpu_c: float) -> None:
    assert pi.hot(text).supply().read().cpu_c == pytest.approx(cpu_c)


@pytest.mark.parametrize("text", ["", "hot", "48.3", "-274000", "200000"])
def test_temperature_that_no_processor_has_is_unknown_and_not_cool(pi: Pi, text: str) -> None:
    assert pi.hot(text).supply().read().cpu_c is None


def test_temperature_is_the_processors_own(pi: Pi) -> None:
    pi.hot("31000", kind="battery-thermal", zone=0).hot("61000", zone=1)
    assert pi.supply().read().cpu_c == 61.0


def test_each_unknown_stays_unknown_beside_what_is_known(pi: Pi) -> None:
    assert pi.mailbox(1).supply().read() == SupplyReading(True, False, None)
    (pi.root / "dev/vcio").unlink()
    assert pi.hot("50000").supply().read() == SupplyReading(None, None, 50.0)


def test_unreadable_file_is_unknown(pi: Pi) -> None:
    pi.hot("50000")
    (pi.root / "sys/class/thermal/thermal_zone0/temp").write_bytes(b"\xff\xfe")
    (pi.root / "sys/class/hwmon/hwmon0/name").mkdir(parents=True)
    assert pi.supply().read() == SupplyReading(None, None, None)


def test_this_machine_can_be_asked_whatever_it_is() -> None:
    reading = PiSupply().read()
    assert reading.undervoltage in (None, False, True)
    assert reading.cpu_c is None or -40 <= reading.cpu_c <= 125

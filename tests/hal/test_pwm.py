"""Hardware PWM: which channel is whose pin, what the kernel refuses, and what is said when it cannot be had."""

import errno
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from output_rig import PIN, no_pins

from hal.buzzer import Buzzer, make_buzzer
from hal.config import BuzzerConfig
from hal.errors import OutputFault, PinsUnavailable
from hal.pwm import FUNCTIONS, HardwarePwm, SysfsFolder, find_channel
from hal.sim.chips.pwm import PI_3, PI_4, PI_5, PI_5_FAN, PI_ZERO, SimPwmChip, SimSysfs
from hal.sim.clock import SimClock
from hal.sim.pins import PadState, SimPin, SimPinFactory
from hal.sim.timer import SimTimer

BOARDS = {
    PI_ZERO: {12: 0, 13: 1, 18: 0, 19: 1},
    PI_3: {12: 0, 13: 1, 18: 0, 19: 1},
    PI_4: {12: 0, 13: 1, 18: 0, 19: 1},
    PI_5: {12: 0, 13: 1, 18: 2, 19: 3},
}
CHANNELS = [(device, pin, number) for device, numbers in BOARDS.items() for pin, number in numbers.items()]


@pytest.fixture
def sysfs() -> SimSysfs:
    return SimSysfs()


@pytest.fixture
def pad(pins: SimPinFactory) -> SimPin:
    return pins.sim_pin(PIN)


@pytest.fixture
def chip(sysfs: SimSysfs, clock: SimClock, pad: SimPin) -> SimPwmChip:
    return SimPwmChip(sysfs, clock, functions={PIN: 2}, pads={PIN: pad})


def opened(sysfs: SimSysfs, clock: SimClock) -> HardwarePwm:
    return HardwarePwm(sysfs, clock, find_channel(sysfs, PIN))


def refusal(sysfs: SimSysfs, pin: int = PIN) -> str:
    with pytest.raises(PinsUnavailable) as caught:
        find_channel(sysfs, pin)
    return str(caught.value)


@pytest.mark.parametrize(("device", "pin", "number"), CHANNELS)
def test_pin_has_its_channel_on_every_board(
    sysfs: SimSysfs, clock: SimClock, device: str, pin: int, number: int
) -> None:
    SimPwmChip(sysfs, clock, device=device, functions={pin: FUNCTIONS[pin]})
    channel = find_channel(sysfs, pin)
    assert (channel.chip, channel.number) == ("class/pwm/pwmchip0", number)


@pytest.mark.parametrize("numbers", [(0, 2), (2, 0), (1, 0)])
def test_header_of_a_pi_5_is_found_beside_its_fan_whatever_number_the_kernel_gave_it(
    sysfs: SimSysfs, clock: SimClock, numbers: tuple[int, int]
) -> None:
    fan, header = numbers
    SimPwmChip(sysfs, clock, number=fan, device=PI_5_FAN)
    SimPwmChip(sysfs, clock, number=header, device=PI_5, functions={12: 4, 13: 4})
    assert find_channel(sysfs, 13).path("enable") == f"class/pwm/pwmchip{header}/pwm1/enable"


def test_overlay_with_two_channels_connects_both(sysfs: SimSysfs, clock: SimClock) -> None:
    SimPwmChip(sysfs, clock, functions={18: 2, 19: 2})
    assert [find_channel(sysfs, pin).number for pin in (18, 19)] == [0, 1]


@pytest.mark.parametrize("cells", ["phandle", "brcm,pins", "brcm,function", "pinctrl-0"])
def test_an_empty_property_of_the_device_tree_is_no_channel(sysfs: SimSysfs, clock: SimClock, cells: str) -> None:
    SimPwmChip(sysfs, clock, functions={18: 2})
    (path,) = [path for path in sysfs.files if path.endswith(cells)]
    sysfs.files[path] = b""
    with pytest.raises(PinsUnavailable, match="dtoverlay=pwm,pin=18,func=2"):
        find_channel(sysfs, 18)


def test_missing_overlay_is_named_with_its_line(sysfs: SimSysfs, clock: SimClock) -> None:
    line = '`dtoverlay=pwm,pin=18,func=2` into /boot/firmware/config.txt and reboot, or set buzzer.pwm to "software"'
    assert refusal(sysfs) == f"buzzer: there is no PWM chip for the header; put {line}"
    SimPwmChip(sysfs, clock, functions={12: 4})
    assert refusal(sysfs) == f"buzzer: the device tree connects PWM to other pins than 18; put {line}"


def test_overlay_with_the_wrong_function_is_named_with_the_right_one(sysfs: SimSysfs, clock: SimClock) -> None:
    SimPwmChip(sysfs, clock, functions={12: 2})  # `dtoverlay=pwm,pin=12`: the default is the function for pin 18
    text = refusal(sysfs, 12)
    assert "sets pin 12 to function 2, expected 4; put `dtoverlay=pwm,pin=12,func=4`" in text


def test_pin_without_hardware_pwm_is_told_which_pins_have_it(sysfs: SimSysfs) -> None:
    assert refusal(sysfs, 25) == (
        'buzzer: pin 25 has no hardware PWM, only 12, 13, 18, 19 have; set buzzer.pwm to "software"'
    )


def made(config: BuzzerConfig, sysfs: SimSysfs, pins: SimPinFactory) -> Buzzer:
    buzzer = make_buzzer(config, lambda: pins, pins.clock, SimTimer(pins.clock), sysfs)
    assert isinstance(buzzer, Buzzer)
    return buzzer


def test_automatic_choice_takes_hardware_where_the_overlay_made_it(
    sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip, pad: SimPin
) -> None:
    buzzer = make_buzzer(BuzzerConfig(pin=PIN), no_pins, clock, SimTimer(clock), sysfs)
    buzzer.tone(800, 1.0)
    assert ("enable", "1") in chip.writes
    assert pad.function == "input", "the GPIO library would have taken the pin from PWM"


@pytest.mark.parametrize("functions", [None, {12: 4}, {18: 4}])
def test_automatic_choice_takes_software_otherwise(
    sysfs: SimSysfs, clock: SimClock, pins: SimPinFactory, pad: SimPin, functions: dict[int, int] | None
) -> None:
    chip = SimPwmChip(sysfs, clock, functions=functions, pads={PIN: pad})
    made(BuzzerConfig(pin=PIN), sysfs, pins).tone(800, 1.0)
    assert pad.frequency == 800
    assert not chip.writes


def test_choice_of_the_configuration_is_kept(
    sysfs: SimSysfs, chip: SimPwmChip, pins: SimPinFactory, pad: SimPin
) -> None:
    made(BuzzerConfig(pin=PIN, pwm="software"), sysfs, pins).tone(800, 1.0)
    assert pad.frequency == 800
    assert not chip.writes
    with pytest.raises(PinsUnavailable, match="dtoverlay=pwm,pin=13,func=4"):
        made(BuzzerConfig(pin=13, pwm="hardware"), sysfs, pins)


@given(
    old_kernel=st.booleans(),
    tones=st.lists(
        st.one_of(st.none(), st.tuples(st.floats(20, 10_000), st.floats(0.01, 0.5))), min_size=1, max_size=20
    ),
)
def test_every_row_of_tones_is_taken_by_every_kernel_and_sounds_as_asked(
    old_kernel: bool, tones: list[tuple[float, float] | None]
) -> None:
    clock, sysfs = SimClock(), SimSysfs()
    pad = SimPinFactory(clock).sim_pin(PIN)
    SimPwmChip(sysfs, clock, functions={PIN: 2}, pads={PIN: pad}, old_kernel=old_kernel)
    source = opened(sysfs, clock)
    for tone in tones:
        if tone is None:
            source.low()
            assert pad.pad.level == 0
            assert pad.pad.frequency_hz is None
        else:
            source.pwm(*tone)
            assert pad.pad.frequency_hz == pytest.approx(tone[0], rel=1e-4)
            assert pad.pad.level == pytest.approx(tone[1], abs=1e-4)


def test_channel_that_a_killed_process_left_sounding_is_silent_once_it_is_opened(
    sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip, pad: SimPin
) -> None:
    opened(sysfs, clock).pwm(900, 0.5)
    clock.sleep(60.0)
    assert pad.pad.frequency_hz == pytest.approx(900, rel=1e-4), "PWM belongs to no process"
    source = opened(sysfs, clock)
    assert pad.pad == PadState(clock.now_ns(), 0.0, None)
    source.pwm(20, 0.5)
    source.pwm(10_000, 0.01)
    assert pad.pad.frequency_hz == pytest.approx(10_000)


def test_channel_that_another_program_inverted_or_gave_back_sounds_again(
    sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip, pad: SimPin
) -> None:
    opened(sysfs, clock).pwm(900, 0.2)
    sysfs.write("class/pwm/pwmchip0/pwm0/enable", "0")
    sysfs.write("class/pwm/pwmchip0/pwm0/polarity", "inversed")
    sysfs.write("class/pwm/pwmchip0/pwm0/enable", "1")
    source = opened(sysfs, clock)
    source.pwm(900, 0.2)
    assert pad.pad.level == pytest.approx(0.2, abs=1e-4)
    sysfs.write("class/pwm/pwmchip0/unexport", "0")  # the chip stops; the kernel goes on thinking that it runs
    assert pad.pad.level == 0
    with pytest.raises(OutputFault, match=r"hardware PWM\): the kernel does not take it .*No such file"):
        source.low()
    opened(sysfs, clock).pwm(900, 0.2)
    assert pad.pad.level == pytest.approx(0.2, abs=1e-4)


@pytest.mark.parametrize(("appear_s", "udev_s"), [(0.0, 0.1), (0.05, 0.1), (0.2, 0.29)])
def test_new_channel_is_waited_for_until_udev_has_handed_it_over(
    sysfs: SimSysfs, clock: SimClock, pad: SimPin, appear_s: float, udev_s: float
) -> None:
    SimPwmChip(sysfs, clock, functions={PIN: 2}, pads={PIN: pad}, appear_s=appear_s, udev_s=udev_s)
    opened(sysfs, clock).pwm(800, 0.5)
    assert pad.pad.level == 0.5


def test_channel_that_udev_never_hands_over_is_waited_for_once_and_then_refused_at_once(
    sysfs: SimSysfs, clock: SimClock
) -> None:
    SimPwmChip(sysfs, clock, functions={PIN: 2}, udev_s=math.inf)
    took_s = []
    for _ in range(3):
        from_ns = clock.now_ns()
        with pytest.raises(PinsUnavailable, match=r"Permission denied.*group gpio.*udev rule \(docs/HARDWARE\.md\)"):
            opened(sysfs, clock)
        took_s.append((clock.now_ns() - from_ns) / 1e9)
    assert took_s == [pytest.approx(0.3, abs=0.011), 0.0, 0.0], "the motor's rhythm must not wait for the buzzer"


def test_user_outside_the_group_is_told_of_it(sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip) -> None:
    chip.permitted = False
    with pytest.raises(PinsUnavailable, match=r"buzzer \(pin 18, hardware PWM\): cannot be had .*group gpio"):
        opened(sysfs, clock)


def test_channel_that_a_driver_of_the_kernel_has_is_not_taken(
    sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip
) -> None:
    chip.taken = True
    with pytest.raises(PinsUnavailable, match="a driver of the kernel uses it: remove its dtoverlay"):
        opened(sysfs, clock)


def test_setting_that_another_program_changes_between_write_and_reading_is_told(
    sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened(sysfs, clock)
    write = sysfs.write

    def write_and_meddle(path: str, text: str) -> None:
        write(path, text)
        if path.endswith("duty_cycle"):
            write(path, "7")

    monkeypatch.setattr(sysfs, "write", write_and_meddle)
    with pytest.raises(OutputFault, match="duty_cycle reads 7 after 625000 was written; another program may use it"):
        source.pwm(800, 0.5)


@pytest.mark.parametrize(
    ("path", "text", "number"),
    [
        ("export", "0", errno.EBUSY),
        ("export", "2", errno.ENODEV),
        ("unexport", "1", errno.ENODEV),
        ("npwm", "3", errno.EACCES),
        ("pwm0/duty_cycle", "1000001", errno.EINVAL),
        ("pwm0/period", "499999", errno.EINVAL),
        ("pwm0/period", "0", errno.EINVAL),
        ("pwm0/period", "fast", errno.EINVAL),
        ("pwm0/enable", "2", errno.EINVAL),
        ("pwm0/polarity", "upside down", errno.EINVAL),
        ("pwm1/enable", "0", errno.ENOENT),
    ],
)
def test_simulated_kernel_refuses_what_the_real_one_refuses(
    sysfs: SimSysfs, chip: SimPwmChip, path: str, text: str, number: int
) -> None:
    root = "class/pwm/pwmchip0"
    for name, value in (("export", "0"), ("pwm0/period", "1000000"), ("pwm0/duty_cycle", "500000")):
        sysfs.write(f"{root}/{name}", value)
    sysfs.write(f"{root}/pwm0/enable", "1")
    with pytest.raises(OSError, match="class/pwm") as caught:
        sysfs.write(f"{root}/{path}", text)
    assert caught.value.errno == number


def test_only_an_old_kernel_minds_a_long_pulse_on_a_disabled_channel(sysfs: SimSysfs, clock: SimClock) -> None:
    for number, old_kernel in enumerate((True, False)):
        SimPwmChip(sysfs, clock, number=number, old_kernel=old_kernel)
        sysfs.write(f"class/pwm/pwmchip{number}/export", "0")
    with pytest.raises(OSError, match="Invalid argument"):
        sysfs.write("class/pwm/pwmchip0/pwm0/duty_cycle", "5")
    sysfs.write("class/pwm/pwmchip1/pwm0/duty_cycle", "5")


def test_channel_is_found_in_a_real_folder_with_the_kernels_links(tmp_path: Path) -> None:
    soc, tree = tmp_path / "devices/platform/soc/fe20c000.pwm", tmp_path / "firmware/devicetree/base/soc"
    for folder in (
        soc / "pwm/pwmchip3",
        tree / "pwm@7e20c000",
        tree / "gpio@7e200000/pwm_pins",
        tmp_path / "class/pwm",
    ):
        folder.mkdir(parents=True)
    (tmp_path / "class/pwm/pwmchip3").symlink_to(soc / "pwm/pwmchip3")
    (soc / "pwm/pwmchip3/device").symlink_to("../../../fe20c000.pwm")
    (soc / "of_node").symlink_to(tree / "pwm@7e20c000")
    sysfs = SysfsFolder(tmp_path)
    assert "connects PWM to other pins than 18" in refusal_of(sysfs)
    (tree / "pwm@7e20c000/pinctrl-0").write_bytes(b"\0\0\0\x7f")
    for name, value in (("phandle", 0x7F), ("brcm,pins", 18), ("brcm,function", 2)):
        (tree / "gpio@7e200000/pwm_pins" / name).write_bytes(value.to_bytes(4, "big"))
    assert find_channel(sysfs, PIN).path("period") == "class/pwm/pwmchip3/pwm0/period"


def refusal_of(sysfs: SysfsFolder) -> str:
    with pytest.raises(PinsUnavailable) as caught:
        find_channel(sysfs, PIN)
    return str(caught.value)


def test_real_folder_is_read_and_written_and_never_added_to(tmp_path: Path) -> None:
    (tmp_path / "period").touch()
    sysfs = SysfsFolder(tmp_path)
    sysfs.write("period", "1250000")
    assert sysfs.read("period") == b"1250000"
    assert sysfs.glob("per*") == ["period"]
    with pytest.raises(FileNotFoundError):
        sysfs.write("duty_cycle", "5")
    assert not (tmp_path / "duty_cycle").exists()


def test_machine_without_pwm_says_so() -> None:
    if Path("/sys/class/pwm").exists() and list(Path("/sys/class/pwm").iterdir()):
        pytest.skip("this machine has PWM chips of its own")
    assert "there is no PWM chip for the header" in refusal_of(SysfsFolder())


def test_pad_is_silent_under_a_channel_that_is_enabled_with_no_pulse(
    sysfs: SimSysfs, clock: SimClock, chip: SimPwmChip, pad: SimPin
) -> None:
    source = opened(sysfs, clock)
    source.pwm(800, 0.0)
    assert pad.pad == PadState(clock.now_ns(), 0.0, 800)
    source.close()
    assert pad.pad.frequency_hz is None

"""The kernel's /sys/class/pwm in memory, with the chips of a Pi: what is refused, what comes late, what goes on.

Sources: Linux drivers/pwm/sysfs.c and core.c; raspberrypi/linux drivers/pwm/pwm-bcm2835.c and pwm-rp1.c and the
overlays pwm and pwm-2chan; the udev rules of raspberrypi-sys-mods (99-com.rules).
"""

import errno
import math
import os
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from hal.sim.clock import SimClock
from hal.sim.pins import SimPin

PI_4, PI_3, PI_ZERO, PI_5 = "fe20c000.pwm", "3f20c000.pwm", "2020c000.pwm", "1f00098000.pwm"
PI_5_FAN = "1f0009c000.pwm"
ATTRIBUTES = ("period", "duty_cycle", "enable", "polarity")


class SimSysfs:
    """A `hal.pwm.Sysfs`; without chips, as on a Pi whose config.txt has no line for PWM."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.links: dict[str, str] = {}
        self.chips: list[SimPwmChip] = []

    def glob(self, pattern: str) -> list[str]:
        parts = pattern.count("/") + 1
        paths = [*self.files, *self.links, *(path for chip in self.chips for path in chip.paths())]
        found = {"/".join(path.split("/")[:parts]) for path in paths if path.count("/") + 1 >= parts}
        return sorted(path for path in found if fnmatchcase(path, pattern))

    def target(self, path: str) -> str:
        return os.path.basename(self.links.get(path, path))

    def read(self, path: str) -> bytes:
        for chip in self.chips:
            if path in chip.paths():
                return chip.read(path)
        if path not in self.files:
            raise _error(errno.ENOENT, path)
        return self.files[path]

    def write(self, path: str, text: str) -> None:
        for chip in self.chips:
            if path in chip.paths():
                chip.write(path, text)
                return
        raise _error(errno.ENOENT, path)


@dataclass(frozen=True, slots=True)
class _State:
    period_ns: int = 0
    duty_ns: int = 0
    enabled: bool = False
    polarity: str = "normal"


class SimPwmChip:
    """One chip, whose channels drive `pads` (SimPins by BCM number), also when no process is left that asked for it."""

    def __init__(
        self,
        sysfs: SimSysfs,
        clock: SimClock,
        *,
        number: int = 0,
        device: str = PI_4,
        functions: dict[int, int] | None = None,
        pads: dict[int, SimPin] | None = None,
        appear_s: float = 0.0,
        udev_s: float = 0.0,
        old_kernel: bool = True,
    ) -> None:
        """`functions`: the function number of each BCM pin that the overlay connects.

        `appear_s` after an export the channel has its files, and `udev_s` after it the group gpio may write them; never
        when that is infinite. `old_kernel`: a pulse longer than the period is refused for a disabled channel as well.
        """
        self._clock, self._root, self._device = clock, f"class/pwm/pwmchip{number}", device
        self._appear_s, self._udev_s, self._old_kernel = appear_s, udev_s, old_kernel
        self._states = [_State() for _ in range(4 if device.startswith("1f") else 2)]
        self._pads = {self._channel(pin): pad for pin, pad in (pads or {}).items()}
        self._exported_ns: dict[int, int] = {}
        self.permitted = True  # whether this user is in the group gpio
        self.taken = False  # by a driver of the kernel
        self.writes: list[tuple[str, str]] = []  # every one that was taken: attribute, value
        self._connect(sysfs, functions or {})
        sysfs.chips.append(self)

    def paths(self) -> list[str]:
        """Every file that there is now."""
        now_ns = self._clock.now_ns()
        visible = [n for n, t_ns in self._exported_ns.items() if now_ns >= t_ns + round(self._appear_s * 1e9)]
        channels = [f"{self._root}/pwm{n}/{attribute}" for n in visible for attribute in ATTRIBUTES]
        return [f"{self._root}/{name}" for name in ("export", "unexport", "npwm")] + channels

    def read(self, path: str) -> bytes:
        if path.endswith("/npwm"):
            return f"{len(self._states)}\n".encode()
        if path.endswith("export"):
            raise _error(errno.EACCES, path)  # only to be written
        number, attribute = self._parsed(path)
        state = self._states[number]
        shown = {
            "period": state.period_ns,
            "duty_cycle": state.duty_ns,
            "enable": int(state.enabled),
            "polarity": state.polarity,
        }
        return f"{shown[attribute]}\n".encode()

    def write(self, path: str, text: str) -> None:
        """Raises OSError as the kernel does."""
        if not self.permitted or path.endswith("/npwm"):
            raise _error(errno.EACCES, path)
        if path.endswith("export"):
            self._export(path, int(text))
        else:
            self._set(path, text)
        self.writes.append((path.rpartition("/")[2], text))

    def _export(self, path: str, number: int) -> None:
        if number >= len(self._states):
            raise _error(errno.ENODEV, path)
        if path.endswith("/unexport"):
            if self._exported_ns.pop(number, None) is None:
                raise _error(errno.ENODEV, path)
            self._drive(number, replace(self._states[number], enabled=False))  # the chip forgets, the kernel does not
        elif self.taken or number in self._exported_ns:
            raise _error(errno.EBUSY, path)
        else:
            self._exported_ns[number] = self._clock.now_ns()

    def _set(self, path: str, text: str) -> None:
        number, attribute = self._parsed(path)
        if math.isinf(self._udev_s) or self._clock.now_ns() < self._exported_ns[number] + round(self._udev_s * 1e9):
            raise _error(errno.EACCES, path)
        state = self._changed(self._states[number], attribute, text, path)
        impossible = not state.period_ns or state.duty_ns > state.period_ns
        if impossible and (self._old_kernel or state.enabled):
            raise _error(errno.EINVAL, path)
        if state == self._states[number]:
            return  # the kernel does not even tell the chip
        self._drive(number, state)
        self._states[number] = state

    def _changed(self, state: _State, attribute: str, text: str, path: str) -> _State:
        if attribute == "polarity" and text in ("normal", "inversed"):
            return replace(state, polarity=text)
        if attribute == "enable" and text in ("0", "1"):
            return replace(state, enabled=text == "1")
        if attribute == "period" and text.isdigit():
            return replace(state, period_ns=int(text))
        if attribute == "duty_cycle" and text.isdigit():
            return replace(state, duty_ns=int(text))
        raise _error(errno.EINVAL, path)

    def _drive(self, number: int, state: _State) -> None:
        pad = self._pads.get(number)
        if pad is None:
            return
        if not state.enabled:
            pad.pad_model.write(pad, 0.0, None)
            return
        high = state.duty_ns / state.period_ns
        pad.pad_model.write(pad, high if state.polarity == "normal" else 1.0 - high, 1e9 / state.period_ns)

    def _channel(self, pin: int) -> int:
        if self._device.startswith("1f"):
            return {12: 0, 13: 1, 18: 2, 19: 3}[pin]  # RP1 peripherals, table of GPIO functions
        return {12: 0, 13: 1, 18: 0, 19: 1}[pin]  # BCM2835 ARM peripherals, 6.2 and 9.5

    def _parsed(self, path: str) -> tuple[int, str]:
        channel, attribute = path.split("/")[-2:]
        return int(channel.removeprefix("pwm")), attribute

    def _connect(self, sysfs: SimSysfs, functions: dict[int, int]) -> None:
        """What the overlay leaves in the device tree."""
        sysfs.links[f"{self._root}/device"] = f"../../../{self._device}"
        if functions:
            node = f"{self._root}/device/of_node"
            pins = f"{node}/../gpio@7e200000/pwm_pins"
            sysfs.files[f"{node}/pinctrl-0"] = sysfs.files[f"{pins}/phandle"] = _cells(0x7F)
            sysfs.files[f"{pins}/brcm,pins"] = _cells(*functions)
            sysfs.files[f"{pins}/brcm,function"] = _cells(*functions.values())


def _cells(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), f"/sys/{path}")

"""The kernel's own header says how large its structures are, what its requests are called and what its flags mean."""

import subprocess
from pathlib import Path

from hal import gpiochip
from hal.sim.virtual_pi import gpio, i2c
from hal.sim.virtual_pi.server import compiler

EXPRESSIONS = {
    "sizeof(struct gpiochip_info)": gpiochip.CHIP_INFO.size,
    "sizeof(struct gpio_v2_line_info)": gpiochip.LINE_INFO.size,
    "sizeof(struct gpio_v2_line_request)": gpiochip.LINE_REQUEST.size,
    "sizeof(struct gpio_v2_line_values)": gpiochip.LINE_VALUES.size,
    "sizeof(struct gpio_v2_line_event)": gpiochip.LINE_EVENT.size,
    "offsetof(struct gpio_v2_line_info, consumer)": 32,
    "offsetof(struct gpio_v2_line_info, offset)": 64,
    "offsetof(struct gpio_v2_line_info, flags)": 72,
    "offsetof(struct gpio_v2_line_request, consumer)": 256,
    "offsetof(struct gpio_v2_line_request, config.flags)": 288,
    "offsetof(struct gpio_v2_line_request, num_lines)": 560,
    "offsetof(struct gpio_v2_line_request, event_buffer_size)": 564,
    "offsetof(struct gpio_v2_line_request, fd)": 588,
    "offsetof(struct gpio_v2_line_event, id)": 8,
    "offsetof(struct gpio_v2_line_event, line_seqno)": 20,
    "GPIO_GET_CHIPINFO_IOCTL": gpiochip.GET_CHIP_INFO,
    "GPIO_V2_GET_LINEINFO_IOCTL": gpiochip.GET_LINE_INFO,
    "GPIO_V2_GET_LINE_IOCTL": gpiochip.GET_LINE,
    "GPIO_V2_LINE_GET_VALUES_IOCTL": gpiochip.GET_VALUES,
    "GPIO_V2_LINE_FLAG_INPUT": gpiochip.INPUT,
    "GPIO_V2_LINE_FLAG_EDGE_RISING": gpiochip.EDGE_RISING,
    "GPIO_V2_LINE_FLAG_EDGE_FALLING": gpiochip.EDGE_FALLING,
    "GPIO_V2_LINE_FLAG_BIAS_DISABLED": gpiochip.BIAS_DISABLED,
    "GPIO_V2_LINE_EVENT_RISING_EDGE": gpiochip.RISING_EVENT,
    # The virtual Pi's side
    "_IOC_NR(GPIO_V2_GET_LINEINFO_WATCH_IOCTL)": gpio.WATCH_NR,
    "_IOC_NR(GPIO_GET_LINEINFO_UNWATCH_IOCTL)": gpio.UNWATCH_NR,
    "_IOC_NR(GPIO_V2_LINE_SET_CONFIG_IOCTL)": gpio.SET_CONFIG_NR,
    "_IOC_NR(GPIO_V2_LINE_SET_VALUES_IOCTL)": gpio.SET_VALUES_NR,
    "GPIO_V2_LINE_FLAG_USED": gpio.USED,
    "GPIO_V2_LINE_FLAG_OUTPUT": gpio.OUTPUT,
    "GPIO_V2_LINE_FLAG_BIAS_PULL_UP": gpio.PULL_UP,
    "GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN": gpio.PULL_DOWN,
    "I2C_RDWR": i2c.I2C_RDWR,
    "I2C_SMBUS": i2c.I2C_SMBUS,
    "I2C_M_RD": i2c.READ,
}


def test_structures_requests_and_flags_are_those_of_the_kernels_headers(tmp_path: Path) -> None:
    prints = "".join(f'    printf("%llu\\n", (unsigned long long)({expression}));\n' for expression in EXPRESSIONS)
    headers = ("stddef.h", "stdio.h", "linux/gpio.h", "linux/i2c.h", "linux/i2c-dev.h")
    includes = "".join(f"#include <{header}>\n" for header in headers)
    source, binary = tmp_path / "uapi.c", tmp_path / "uapi"
    source.write_text(f"{includes}int main(void)\n{{\n{prints}    return 0;\n}}\n")
    subprocess.run([compiler(), "-o", str(binary), str(source)], check=True)
    printed = subprocess.run([str(binary)], capture_output=True, text=True, check=True).stdout.split()
    assert dict(zip(EXPRESSIONS, map(int, printed), strict=True)) == EXPRESSIONS

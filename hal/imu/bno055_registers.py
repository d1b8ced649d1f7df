"""Registers of the BNO055. "DS" is the data sheet BST-BNO055-DS000, revision 1.4."""

# Page 0: register 0x00 is described in DS 4.3.1, each further one in the next section, up to 0x3B in 4.3.60
CHIP_ID = 0x00
PAGE_ID = 0x07
TEMP = 0x34
ST_RESULT = 0x36
SYS_STATUS = 0x39
SYS_ERR = 0x3A
UNIT_SEL = 0x3B
OPR_MODE = 0x3D  # DS 4.3.61
PWR_MODE = 0x3E  # DS 4.3.62
SYS_TRIGGER = 0x3F  # DS 4.3.63
AXIS_MAP_CONFIG = 0x41  # DS 4.3.65
AXIS_MAP_SIGN = 0x42  # DS 4.3.66
# Page 1
ACC_CONFIG = 0x08  # DS 4.4.2
GYR_CONFIG_0 = 0x0A  # DS 4.4.4
GYR_CONFIG_1 = 0x0B  # DS 4.4.5

PAGE_1 = 0x100  # tells the registers of page 1 from those of page 0 in NAMES
NAMES = {
    PAGE_ID: "PAGE_ID",
    UNIT_SEL: "UNIT_SEL",
    OPR_MODE: "OPR_MODE",
    PWR_MODE: "PWR_MODE",
    AXIS_MAP_CONFIG: "AXIS_MAP_CONFIG",
    AXIS_MAP_SIGN: "AXIS_MAP_SIGN",
    PAGE_1 | ACC_CONFIG: "ACC_Config",
    PAGE_1 | GYR_CONFIG_0: "GYR_Config_0",
    PAGE_1 | GYR_CONFIG_1: "GYR_Config_1",
}

IDS = {"CHIP_ID": 0xA0, "ACC_ID": 0xFB, "GYR_ID": 0x0F}  # DS table 4-2
OTHER_IDS = {
    0x00: "the data line reads low, or the chip has not started",
    0x0F: "a BMG160 or the gyroscope of a BMI055",
    0xFA: "the accelerometer of a BMI055 or BMX055",
    0xFB: "a BMA280",
    0xFF: "the data line reads high",
}

CONFIG_MODE, ACCGYRO_MODE = 0x00, 0x05  # OPR_MODE (DS table 3-5)
MODE_MASK = 0x0F  # the other bits of OPR_MODE are reserved
PAGE_1_MASKS = {ACC_CONFIG: 0xFF, GYR_CONFIG_0: 0x3F, GYR_CONFIG_1: 0x07}  # the other bits are reserved
UNITS_MASK, UNITS = 0x17, 0x00  # UNIT_SEL: m/s², °/s, °C (DS 3.6.1)
AXES_UNCHANGED = {AXIS_MAP_CONFIG: 0x24, AXIS_MAP_SIGN: 0x00}  # DS 3.4
SELF_TEST, RST_SYS = 0x01, 0x20  # SYS_TRIGGER
SYSTEM_ERROR, SELF_TESTING = 1, 4  # SYS_STATUS
PARTS_TESTED = {"accelerometer": 0x01, "gyroscope": 0x04, "microcontroller": 0x08}  # ST_RESULT; 0x02 magnetometer
SENSORS_TESTED = ("accelerometer", "gyroscope")  # by the built-in self-test (DS 3.9.2)

# By samples a second: bandwidth and its bits in ACC_Config (DS table 3-8) and GYR_Config_0 (DS table 3-9). The
# accelerometer renews its reading at twice its bandwidth (BMA280's data sheet), so no reading is met twice.
ACC_BANDWIDTHS = {100: (62.5, 0x03 << 2), 200: (125.0, 0x04 << 2)}
GYR_BANDWIDTHS = {100: (47.0, 0x03 << 3), 200: (116.0, 0x02 << 3)}
ACC_RANGES = {8: 0x02, 16: 0x03}  # ACC_Config (DS table 3-8)
GYR_2000_DPS = 0x00  # GYR_Config_0 (DS table 3-9)

LSB_PER_MPS2 = 100  # DS table 3-17
LSB_PER_DPS = 16  # DS table 3-22

"""The registers of the MPU-6050, MPU-6500 and MPU-9250.

"RM" is InvenSense's register map RM-MPU-6000A-00, revision 4.2; "RM 9250" is RM-MPU-9250A-00, revision 1.6, which holds
for the MPU-6500 too: it is the same die without the magnetometer.
"""

SELF_TEST_GYRO_9250 = 0x00  # three registers; RM 9250 4.1
SELF_TEST_ACCEL_9250 = 0x0D  # three registers; RM 9250 4.2
SELF_TEST_6050 = 0x0D  # four registers; RM 4.1
SMPLRT_DIV = 0x19  # RM 4.2, RM 9250 4.4
CONFIG = 0x1A  # RM 4.3, RM 9250 4.5
GYRO_CONFIG = 0x1B  # RM 4.4, RM 9250 4.6
ACCEL_CONFIG = 0x1C  # RM 4.5, RM 9250 4.7
ACCEL_CONFIG_2 = 0x1D  # RM 9250 4.8; not in the MPU-6050
FIFO_EN = 0x23  # RM 4.6, RM 9250 register 35
INT_ENABLE = 0x38  # RM 4.15, RM 9250 register 56
INT_STATUS = 0x3A  # RM 4.16, RM 9250 register 58
ACCEL_XOUT_H = 0x3B  # RM 4.17, RM 9250 register 59
TEMP_OUT_H = 0x41  # RM 4.18, RM 9250 register 65
USER_CTRL = 0x6A  # RM 4.27, RM 9250 register 106
PWR_MGMT_1 = 0x6B  # RM 4.28, RM 9250 register 107
PWR_MGMT_2 = 0x6C  # RM 4.29, RM 9250 register 108
FIFO_COUNT_H = 0x72  # RM 4.30, RM 9250 4.36
FIFO_R_W = 0x74  # RM 4.31, RM 9250 4.37
WHO_AM_I = 0x75  # RM 4.32, RM 9250 4.38

NAMES = {
    SMPLRT_DIV: "SMPLRT_DIV",
    CONFIG: "CONFIG",
    GYRO_CONFIG: "GYRO_CONFIG",
    ACCEL_CONFIG: "ACCEL_CONFIG",
    ACCEL_CONFIG_2: "ACCEL_CONFIG_2",
    FIFO_EN: "FIFO_EN",
    INT_ENABLE: "INT_ENABLE",
    USER_CTRL: "USER_CTRL",
    PWR_MGMT_1: "PWR_MGMT_1",
    PWR_MGMT_2: "PWR_MGMT_2",
}
"""Those that are read back."""

DEVICE_RESET = 0x80  # PWR_MGMT_1
CLOCK_PLL_X_GYRO = 0x01  # PWR_MGMT_1; awake, and steadier than the internal oscillator (RM 4.28)
BANDWIDTH_44_HZ = 0x03  # CONFIG, with FIFO_MODE 0, and ACCEL_CONFIG_2; above a step, below half of 100 Hz
GYRO_FS_SEL = {1000: 0x10, 2000: 0x18}  # GYRO_CONFIG
ACCEL_FS_SEL = {8: 0x10, 16: 0x18}  # ACCEL_CONFIG
PUSH_ALL_AXES = 0xE0  # GYRO_CONFIG and ACCEL_CONFIG: self-test
FIFO_ACCEL_AND_GYRO = 0x78  # FIFO_EN
FIFO_ON = 0x40  # USER_CTRL
FIFO_RESET = 0x04  # USER_CTRL; works only while FIFO_ON is not set
FIFO_OVERFLOWED = 0x10  # INT_ENABLE and INT_STATUS

"""Every number that the core decides by."""

from dataclasses import dataclass, field

from firmware.core.backward_test import BackwardTestConfig
from firmware.core.budget import BudgetConfig
from firmware.core.detectors.fall import FallConfig
from firmware.core.detectors.imu_check import ImuCheckConfig
from firmware.core.detectors.lane import LaneConfig
from firmware.core.detectors.lean import LeanConfig
from firmware.core.detectors.mounting_check import MountingCheckConfig
from firmware.core.detectors.obstacle import ObstacleConfig
from firmware.core.detectors.pacing import MetronomeConfig, PacingConfig
from firmware.core.detectors.power import PowerLimitsConfig
from firmware.core.detectors.pre_impact import PreImpactConfig
from firmware.core.detectors.range_check import RangeCheckConfig
from firmware.core.detectors.readiness import ReadinessConfig
from firmware.core.detectors.sensor_health import HealthConfig
from firmware.core.detectors.sway import SwayConfig
from firmware.core.detectors.worn_wrong import WornWrongConfig
from firmware.core.estimators.approach import ApproachConfig
from firmware.core.estimators.attitude import AttitudeConfig
from firmware.core.estimators.button import ButtonGestureConfig
from firmware.core.estimators.companion import CompanionConfig
from firmware.core.estimators.on_body import OnBodyConfig
from firmware.core.estimators.step_length import StepLengthConfig
from firmware.core.estimators.steps import StepsConfig
from firmware.core.estimators.stopping import StoppingConfig
from firmware.core.estimators.sway import TrunkSwayConfig
from firmware.core.estimators.sway_baseline import SwayBaselineConfig
from firmware.core.estimators.wear import WearConfig
from firmware.core.walk import WalkConfig


@dataclass(frozen=True, slots=True)
class CoreConfig:
    """One section for each part of it, which stands beside the part."""

    attitude: AttitudeConfig = field(default_factory=AttitudeConfig)
    approach: ApproachConfig = field(default_factory=ApproachConfig)
    companion: CompanionConfig = field(default_factory=CompanionConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    lane: LaneConfig = field(default_factory=LaneConfig)
    steps: StepsConfig = field(default_factory=StepsConfig)
    step_length: StepLengthConfig = field(default_factory=StepLengthConfig)
    trunk_sway: TrunkSwayConfig = field(default_factory=TrunkSwayConfig)
    sway_baseline: SwayBaselineConfig = field(default_factory=SwayBaselineConfig)
    button_gesture: ButtonGestureConfig = field(default_factory=ButtonGestureConfig)
    obstacle: ObstacleConfig = field(default_factory=ObstacleConfig)
    sway: SwayConfig = field(default_factory=SwayConfig)
    lean: LeanConfig = field(default_factory=LeanConfig)
    pacing: PacingConfig = field(default_factory=PacingConfig)
    metronome: MetronomeConfig = field(default_factory=MetronomeConfig)
    fall: FallConfig = field(default_factory=FallConfig)
    pre_impact: PreImpactConfig = field(default_factory=PreImpactConfig)
    wear: WearConfig = field(default_factory=WearConfig)
    on_body: OnBodyConfig = field(default_factory=OnBodyConfig)
    imu_check: ImuCheckConfig = field(default_factory=ImuCheckConfig)
    range_check: RangeCheckConfig = field(default_factory=RangeCheckConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
    readiness: ReadinessConfig = field(default_factory=ReadinessConfig)
    mounting_check: MountingCheckConfig = field(default_factory=MountingCheckConfig)
    worn_wrong: WornWrongConfig = field(default_factory=WornWrongConfig)
    power_limits: PowerLimitsConfig = field(default_factory=PowerLimitsConfig)
    walk: WalkConfig = field(default_factory=WalkConfig)
    backward_test: BackwardTestConfig = field(default_factory=BackwardTestConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)

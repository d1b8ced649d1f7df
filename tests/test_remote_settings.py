"""What can be set from afar, and that nothing that protects can."""

from dataclasses import replace
from pathlib import Path

import pytest

from firmware import remote_settings
from firmware.config import Config, sections
from firmware.errors import ConfigError
from firmware.remote_settings import NOBODY, SETTABLE, Kept

PROTECTING = ("obstacle", "sway", "fall", "pre_impact", "imu_check", "range_check", "worn_wrong", "health", "readiness")
EXTREMES = (-1e6, -1, 0, 1e-9, 0.3, 1, 2, 5, 10, 30, 31, 60, 1e6, True, False)


def flat(config: Config) -> dict[str, object]:
    return {
        f"{name}.{key}": getattr(value, key)
        for name, _, value in sections(config)
        for key in type(value).__dataclass_fields__
    }


def test_every_name_is_a_setting_and_none_belongs_to_what_protects() -> None:
    assert set(SETTABLE) <= set(flat(Config()))
    assert not {name for name in SETTABLE if name.startswith(PROTECTING)}


@pytest.mark.parametrize("name", SETTABLE)
@pytest.mark.parametrize("value", EXTREMES)
def test_whatever_is_said_only_that_setting_changes_and_stays_within_its_limits(name: str, value: float) -> None:
    try:
        config = remote_settings.applied(Config(), {name: value}, "settings")
    except ConfigError:
        return
    before, after = flat(Config()), flat(config)
    assert {key for key in after if repr(after[key]) != repr(before[key])} <= {name}
    assert config.sounder.volume >= 0.3
    assert config.plan.cap_min <= 30
    assert config.plan.start_min <= config.plan.first_weeks_min <= 10
    assert config.plan.fixed_min is None or config.plan.fixed_min <= 30


@pytest.mark.parametrize("name", sorted(set(flat(Config())) - set(SETTABLE)))
def test_nothing_else_can_be_set(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be set from afar"):
        remote_settings.applied(Config(), {name: 1}, "settings")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "6", [6], {"a": 1}])
def test_what_is_no_value_is_refused(value: object) -> None:
    with pytest.raises(ConfigError):
        remote_settings.applied(Config(), {"plan.start_min": value}, "settings")


def test_null_takes_a_setting_back() -> None:
    before = {"plan.start_min": 6, "lean.enabled": False}
    assert remote_settings.together(before, {"plan.start_min": None, "sounder.volume": 0.5}) == {
        "lean.enabled": False,
        "sounder.volume": 0.5,
    }


def at(folder: Path) -> Config:
    return replace(Config(), paths=replace(Config().paths, state_dir=folder))


def test_what_was_kept_holds_at_the_next_start(tmp_path: Path) -> None:
    assert remote_settings.read(tmp_path) == NOBODY
    remote_settings.keep(tmp_path, Kept("Dr. Gómez", {"plan.fixed_min": 12, "pacing.enabled": False}))
    config, complaint = remote_settings.with_kept(at(tmp_path))
    assert (config.plan.fixed_min, config.core.pacing.enabled, complaint) == (12.0, False, "")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[" * 5000, '{"by":"x"}', '{"by":1,"values":{}}', '{"by":"x","values":[]}', "\xff", "null"]
    + [f'{{"by":"x","values":{{"{name}":{value}}}}}' for name, value in (("fall.countdown_s", 1), ("plan.cap_min", 99))]
    + [
        '{"by":"x","values":{"plan.cap_min":NaN}}',
        '{"by":"x","values":{"plan.cap_min":1e400}}',
        '{"by":"x","values":{"":1}}',
    ],
    ids=lambda text: text[:24],
)
def test_a_damaged_file_is_complained_about_and_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / remote_settings.FILE).write_text(text, encoding="latin-1")
    config, complaint = remote_settings.with_kept(at(tmp_path))
    assert config == at(tmp_path)
    assert remote_settings.FILE in complaint


def test_a_file_that_is_a_folder_is_complained_about(tmp_path: Path) -> None:
    (tmp_path / remote_settings.FILE).mkdir()
    config, complaint = remote_settings.with_kept(at(tmp_path))
    assert config == at(tmp_path)
    assert remote_settings.FILE in complaint

"""What rearguard.toml may say, and how the device refuses the rest."""

import dataclasses
import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.config import RETIRED, Config, PathsConfig, load, parse, sections, to_toml
from firmware.errors import ConfigError

DELIVERED = Path(__file__).parents[1] / "deploy" / "rearguard.toml"


def test_without_a_file_the_defaults_hold() -> None:
    assert load(None) == Config()


def test_the_delivered_file_is_exactly_the_defaults() -> None:
    assert load(DELIVERED) == Config()


def test_the_delivered_file_names_every_setting() -> None:
    tables = tomllib.loads(DELIVERED.read_text())
    named = {(section, key) for section, table in tables.items() for key in table}
    known = {
        (name, field.name)
        for name, _, value in sections(Config())
        for field in dataclasses.fields(value)
        if not dataclasses.is_dataclass(getattr(value, field.name))
    }
    assert named == known


def test_no_two_parts_of_the_device_share_a_section() -> None:
    names = [name for name, _, _ in sections(Config())]
    assert len(names) == len(set(names))


def test_a_setting_from_the_file_reaches_its_part() -> None:
    config = parse('[rangefinder]\ntrigger = 5\n[obstacle]\nreaction_s = 1.5\n[mqtt]\nhost = "hub"\n', "t")
    assert (config.board.rangefinder.trigger, config.core.obstacle.reaction_s, config.mqtt.host) == (5, 1.5, "hub")
    assert config.board.rangefinder.echo == Config().board.rangefinder.echo


def test_a_whole_number_serves_as_a_number_of_seconds() -> None:
    reaction_s = parse("[obstacle]\nreaction_s = 1\n", "t").core.obstacle.reaction_s
    assert (reaction_s, type(reaction_s)) == (1.0, float)


@pytest.mark.parametrize(("section", "key"), RETIRED)
def test_a_setting_of_an_earlier_version_is_left_out_of_a_recording_and_refused_by_a_device(
    section: str, key: str
) -> None:
    text = f"[{section}]\n{key} = 0.2\n"
    assert parse(text, "t", recorded=True) == Config()
    with pytest.raises(ConfigError, match=rf"\[{section}\] unknown key {key}; of an earlier version, remove it"):
        parse(text, "t")


def test_a_button_without_a_second_contact_can_be_said() -> None:
    config = parse('[button]\nnc_pin = "none"\n', "t")
    assert config.board.button.nc_pin is None
    assert parse(to_toml(config), "t") == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[obstacle]\nreaction_s = 'fast'", "rearguard.toml: [obstacle] reaction_s is 'fast', expected a number"),
        ("[obstacle]\nreaction_s = true", "rearguard.toml: [obstacle] reaction_s is True, expected a number"),
        ("[obstacle]\nreaction_s = nan", "rearguard.toml: [obstacle] reaction_s is nan, expected a number"),
        ("[obstacle]\nreaction_s = inf", "rearguard.toml: [obstacle] reaction_s is inf, expected a number"),
        ("[rangefinder]\necho = 24.5", "rearguard.toml: [rangefinder] echo is 24.5, expected a whole number"),
        ("[mqtt]\nhost = 5", "rearguard.toml: [mqtt] host is 5, expected a text"),
        ("[gpio]\nfactory = 'pigpio'", "[gpio] factory is 'pigpio', expected one of lgpio, rpigpio"),
        ("[obstacle]\nreacton_s = 1", "rearguard.toml: [obstacle] unknown key reacton_s; did you mean reaction_s?"),
        ("[motor]\nfrequency = 1", "rearguard.toml: [motor] unknown key frequency; the keys of [motor] are pin"),
        ("[obstacel]\nreaction_s = 1", "rearguard.toml: unknown section [obstacel]; did you mean obstacle?"),
        ("reaction_s = 1", "rearguard.toml: unknown key reaction_s outside of any section; "),
        ("obstacle = 1", "rearguard.toml: obstacle is 1, expected a section [obstacle]"),
        ("[obstacle]\nreaction_s = -1", "rearguard.toml: [obstacle] reaction_s (-1"),
        ("[rangefinder]\ntrigger = 99", "rearguard.toml: [rangefinder] trigger (99) must be a BCM number"),
        ("[rangefinder]\ntrigger = 24", "rangefinder.echo and rangefinder.trigger are both pin 24"),
        ("[paths]\nstate_dir = 'here'", "rearguard.toml: [paths] state_dir ('here') must be an absolute path"),
        (
            "[paths]\nstate_dir = '/x\\u0000'".replace("'", '"'),
            "[paths] state_dir ('/x\\x00') must be a path without NUL",
        ),
        ("a = " + "[" * 5000 + "]" * 5000, "rearguard.toml: lists within lists, too deep to be read"),
        ("[obstacle\n", "rearguard.toml: Expected ']'"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_that_names_it(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "rearguard.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(message)) as refusal:
        load(path)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load(tmp_path / "absent.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rearguard.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not a text in UTF-8"):
        load(path)


@given(
    host=st.text(
        st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('"\\\t\x7f\u2028'), min_size=1, max_size=20
    ),
    countdown_s=st.floats(10, 60),
    run_dir=st.sampled_from(["/run/x", "/tmp/with space", '/tmp/with "quotes" and \\']),
)
def test_what_is_written_reads_back_the_same(host: str, countdown_s: float, run_dir: str) -> None:
    base = Config()
    config = dataclasses.replace(
        base,
        mqtt=dataclasses.replace(base.mqtt, username=host),
        core=dataclasses.replace(base.core, fall=dataclasses.replace(base.core.fall, countdown_s=countdown_s)),
        paths=PathsConfig(run_dir=Path(run_dir)),
    )
    assert parse(to_toml(config), "t") == config


@pytest.mark.parametrize(
    ("board", "said"),
    [
        (
            '[imu]\naddress = 0x36\n[power]\ngauge = "max17048"\n',
            "power.address and imu.address are both at address 0x36",
        ),
        (
            '[imu]\naddress = 0x70\n[rangefinder]\nmodel = "i2cxl"\n',
            "rangefinder.address and imu.address are both at address 0x70 of I2C bus 1",
        ),
        (
            '[power]\ngauge = "ina219"\naddress = 0x70\n[rangefinder]\nmodel = "i2cxl"\n',
            "power.address and rangefinder.address are both at address 0x70",
        ),
    ],
)
def test_two_chips_at_one_address_are_refused_by_name(board: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(board, "rearguard.toml")
    parse(board.replace("[imu]\n", "[imu]\nbus = 3\n").replace("[power]\n", "[power]\nbus = 4\n"), "rearguard.toml")


@pytest.mark.parametrize("address", ['"0x6b"', '"107"'])
def test_number_in_quotes_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(ConfigError, match=r"\[imu\] address is .*; write it without quotes"):
        parse(f"[imu]\naddress = {address}\n", "rearguard.toml")


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_or_far_too_large_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="cannot be read: it is no regular file"):
        load(pipe)
    with pytest.raises(ConfigError, match="cannot be read: it is no regular file"):
        load(Path("/dev/zero"))
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="cannot be read: it is larger than 1 MB"):
        load(large)

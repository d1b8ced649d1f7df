import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.errors import ConfigError
from firmware.ids import device_id, made_ms, uuid7


@given(unix_ms=st.integers(0, 2**48 - 1))
def test_an_event_id_is_a_version_7_uuid_that_holds_its_time(unix_ms: int) -> None:
    made = uuid.UUID(uuid7(unix_ms))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == unix_ms


@given(earlier=st.integers(0, 2**48 - 2), later_ms=st.integers(1, 10**6))
def test_event_ids_sort_by_their_time(earlier: int, later_ms: int) -> None:
    later = min(earlier + later_ms, 2**48 - 1)
    assert uuid7(earlier, lambda n: b"\xff" * n) < uuid7(later, bytes)


def test_a_clock_before_1970_still_gives_an_event_its_id() -> None:
    assert uuid.UUID(uuid7(-1)).version == 7


def test_the_device_keeps_its_name_over_restarts(tmp_path: Path) -> None:
    name = device_id(tmp_path / "state", lambda n: b"\x0a\x1b\x2c\x3d"[:n])
    assert name == "rg-0a1b2c3d"
    assert device_id(tmp_path / "state") == name


def test_two_devices_have_different_names(tmp_path: Path) -> None:
    assert device_id(tmp_path / "one") != device_id(tmp_path / "two")


@pytest.mark.parametrize("content", ["", "rg-XYZ", "rg-0a1b2c3d4", "rg-0A1B2C3D", "\x00" * 11])
def test_a_damaged_name_is_reported_and_not_replaced_by_a_new_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "device-id").write_text(content)
    with pytest.raises(ConfigError, match="expected rg- and 8 hex digits"):
        device_id(tmp_path)
    assert (tmp_path / "device-id").read_text() == content


def test_a_state_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match=r"check paths\.state"):
        device_id(tmp_path / "state")


def test_a_name_tells_when_it_was_made() -> None:
    assert made_ms(uuid7(1_767_225_600_123)) == 1_767_225_600_123
    for other in ("", "None", "rg-12345678", "019b7c2e-0000-4000-8000-000000000001", "019b7c2e"):
        assert made_ms(other) is None

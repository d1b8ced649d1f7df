"""Settings and fixtures for all tests."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from firmware.journal import Journal

# The same examples on every machine, and no wall-clock limits: machines that run the tests may be busy.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a journal."""
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with contextlib.closing(Journal(path)) as opened:
        yield opened

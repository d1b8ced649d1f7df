"""The link on a broker in memory, under simulated time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.link_bench import Bench

from firmware.journal import Journal


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with contextlib.closing(Journal(path)) as opened:
        opened.next_boot()
        yield opened


@pytest.fixture
def bench(journal: Journal) -> Bench:
    return Bench(journal)

"""A virtual Pi, whose devices unmodified libraries open in programs that the tests start."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from virtual_pi.programs import Program

from hal.sim.virtual_pi.server import VirtualPi, build, has_lgpio

Run = Callable[..., Program]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder is marked, and what needs lgpio says so where there is none."""
    here = Path(__file__).parent
    reason = f"lgpio is not installed: it has no wheel for Python {sys.version_info.major}.{sys.version_info.minor}"
    for item in items:
        if here in item.path.parents:
            item.add_marker("virtual_pi")
            if "needs_lgpio" in getattr(item, "fixturenames", ()) and not has_lgpio():
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def needs_lgpio() -> None:
    """Asked for by tests that cannot do without lgpio."""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("virtual_pi"))


@pytest.fixture
def pi(library: Path) -> Iterator[VirtualPi]:
    with VirtualPi(library) as running:
        yield running


@pytest.fixture
def run(pi: VirtualPi) -> Iterator[Run]:
    """Start a program; it is killed at the end of the test if it still runs."""
    programs: list[Program] = []

    def start(code: str, python_path: Path | None = None) -> Program:
        programs.append(Program(pi, code, python_path))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()

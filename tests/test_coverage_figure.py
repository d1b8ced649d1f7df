"""The figure of what the rangefinder covers is drawn to scale from the settings, and the document says its numbers."""

import importlib.util
import math
import re
from pathlib import Path
from types import ModuleType

import pytest

from hal.config import LowRangefinderConfig
from hal.hcsr04 import MAX_RANGE_M

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "OBSTACLES.md").read_text()


@pytest.fixture(scope="module")
def figure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_figure", ROOT / "docs" / "coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_the_one_that_the_script_draws(figure: ModuleType) -> None:
    assert (ROOT / "docs" / "coverage.svg").read_text() == figure.drawing()


def test_the_document_has_the_table_that_the_script_computes(figure: ModuleType) -> None:
    assert figure.numbers() in DOCUMENT


def test_the_words_say_what_the_geometry_says(figure: ModuleType) -> None:
    near_m, axis_m, far_m = figure.floor_spot_m(LowRangefinderConfig())
    assert near_m < axis_m < far_m
    shoulders_m = figure.SHOULDERS_M / 2 / math.tan(math.radians(figure.CONE_DEG / 2))
    floor_when_tilted_m = figure.BELT_HEIGHT_M / math.tan(math.radians(10 + figure.CONE_DEG / 2))
    for said in (
        f"lower than {figure.lowest_m(MAX_RANGE_M):.2f} m",
        f"{figure.lowest_m(3.0):.2f} m high",
        f"the floor from {near_m:.2f} to {far_m:.2f} m behind",
        f"up to {shoulders_m:.1f} m",
        f"clothed people** to about {figure.PEOPLE_M:g} m",
        f"beyond {figure.THIN_M:g} m",
        f"more than about {figure.OBLIQUE_DEG:g} degrees",
        f"from {floor_when_tilted_m:.0f} m on",
    ):
        assert said in re.sub(r"\s+", " ", DOCUMENT), said


def test_the_tilted_cone_covers_the_floor_where_the_level_one_sees_nothing_low(figure: ModuleType) -> None:
    low = LowRangefinderConfig()
    near_m, axis_m, far_m = figure.floor_spot_m(low)
    for distance_m in (near_m, axis_m, far_m):
        assert figure.low_reaches_m(distance_m, low)[0] == pytest.approx(0.0, abs=0.01)
        assert figure.low_reaches_m(distance_m, low)[1] < figure.lowest_m(distance_m)

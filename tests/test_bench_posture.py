"""The cue to stand up straight, measured on walks of real people: what the documents say of it holds."""

from typing import Any

import pytest
from support.recordings import needs_recordings

from bench.posture import TRIED, measure, trunks
from bench.synthetic import data_folder

pytestmark = [pytest.mark.data, needs_recordings]
AS_SHIPPED = next(iter(TRIED))


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return measure(list(trunks(data_folder(), 4)), quick=True)


def test_slow_walkers_who_were_seen_standing_are_not_cued(found: dict[str, Any]) -> None:
    row = found["limits"][AS_SHIPPED]["nuisance"]["own standing"]
    assert row["hours"] > 0.1
    assert row["cues"] == 0


def test_slow_walkers_are_cued_twice_an_hour_at_most(found: dict[str, Any]) -> None:
    row = found["limits"][AS_SHIPPED]["nuisance"]["slow, with a gyroscope"]
    assert row["cues"] <= 2 * max(1.0, row["hours"])


def test_whoever_leans_by_15_degrees_is_cued_within_seconds(found: dict[str, Any]) -> None:
    row = found["limits"][AS_SHIPPED]["recognised"]["15"]
    assert row["share"] >= 0.85
    assert row["median_s"] <= 8.0

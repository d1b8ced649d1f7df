"""The cue to take smaller steps, measured on walks of real people."""

import pytest
from support.recordings import needs_recordings

from bench.pacing import measure, people
from bench.synthetic import data_folder

pytestmark = [pytest.mark.data, needs_recordings]


def test_who_goes_over_to_quick_walking_is_cued_soon_and_who_walks_slowly_seldom() -> None:
    row = measure(people(data_folder(), 4), quick=True)["as_shipped"]
    assert row["hours"] > 0.4
    assert row["cues"] <= 2 + 3 * row["hours"]
    assert row["found"] >= 0.8 * row["quick"] > 0
    assert row["median_s"] <= 8.0

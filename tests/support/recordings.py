"""Where the recordings of real people are; a test that needs them says so where they are not."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("REARGUARD_DATA") or ROOT.parent / "shared" / "data")

needs_recordings = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no recordings of real people at {FOLDER}; set REARGUARD_DATA to their folder"
)

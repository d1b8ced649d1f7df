"""Files that are written whole."""

import os
from pathlib import Path

import pytest

from firmware.plain_file import write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old, and longer")
    write_whole(path, "new ±", 0o600)
    assert path.read_text(encoding="utf-8") == "new ±"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_way_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    other, path = tmp_path / "other", tmp_path / "page.html"
    other.write_text("not ours")
    path.with_name(f".page.html.{os.getpid()}").symlink_to(other)
    write_whole(path, "new")
    assert (path.read_text(), other.read_text()) == ("new", "not ours")


def test_what_cannot_be_written_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

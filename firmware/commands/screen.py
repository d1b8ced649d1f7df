"""How a walk is shown: a live view in a terminal, plain lines in a pipe, JSON lines for a program."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from firmware.commands.story import Story
from firmware.commands.summary import summary_lines
from firmware.errors import how_to_add

Body = Mapping[str, Any]


class Screen(Protocol):
    """Shows what comes, in its own way. A context manager: leaving it gives the terminal back."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def output(self, body: Body, text: str | None) -> None: ...

    def word(self, word: Body, text: str | None) -> None: ...

    def say(self, text: str) -> None: ...

    def refresh(self) -> None: ...

    def close(self) -> None: ...

    def summary(self, summary: dict[str, Any]) -> None: ...

    def close_with(self, lines: Sequence[str]) -> None: ...


def open_screen(args: argparse.Namespace, story: Story) -> Screen:
    if args.json:
        return JsonScreen()
    if not args.plain and sys.stdout.isatty():
        try:
            from firmware.commands.live import LiveScreen
        except ImportError:
            print(f"For the live view: {how_to_add('tui')}. Plain lines follow.")
        else:
            return LiveScreen(story)
    return PlainScreen()


class PlainScreen:
    """One line a happening."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def output(self, body: Body, text: str | None) -> None:
        self.word(body, text)

    def word(self, word: Body, text: str | None) -> None:
        if text:
            print(text, flush=True)

    def say(self, text: str) -> None:
        print(text, flush=True)

    def refresh(self) -> None:
        return None

    def close(self) -> None:
        return None

    def summary(self, summary: dict[str, Any]) -> None:
        print()
        print("\n".join(summary_lines(summary)), flush=True)

    def close_with(self, lines: Sequence[str]) -> None:
        print()
        print("\n".join(lines), flush=True)


class JsonScreen(PlainScreen):
    """Every output, every word of the caregiver's client and the summary as one JSON object a line."""

    def output(self, body: Body, text: str | None) -> None:
        print(json.dumps({key: value for key, value in body.items() if key != "v"}), flush=True)

    def word(self, word: Body, text: str | None) -> None:
        print(json.dumps({"kind": "caregiver", "word": word}), flush=True)

    def say(self, text: str) -> None:
        print(json.dumps({"kind": "note", "text": text.strip()}), flush=True)

    def summary(self, summary: dict[str, Any]) -> None:
        print(json.dumps(summary), flush=True)

    def close_with(self, lines: Sequence[str]) -> None:
        """For people; a program has the summary."""

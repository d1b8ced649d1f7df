"""Turns the few kinds of value that TOML and JSON know into the fields of frozen dataclasses, believing nothing."""

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_WORDS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    type(None): "nothing",
}


class Mismatch(ValueError):
    """A value is not of the kind that its field wants."""


@cache
def hints(cls: type) -> dict[str, Any]:
    """The fields of a dataclass and their types, resolved."""
    resolved = get_type_hints(cls)
    return {field.name: resolved[field.name] for field in fields(cls)}


def build(cls: type[T], body: object) -> T:
    """Make a dataclass from a mapping of its fields; keys that it does not know are left alone.

    Raises:
        Mismatch: a field is missing or of another kind.
        ValueError: the dataclass itself refuses the values.
    """
    if not isinstance(body, Mapping):
        raise Mismatch(f"is {_shown(body)}, expected an object")
    values = {}
    for name, hint in hints(cast(type, cls)).items():
        if name not in body:
            raise Mismatch(f"has no {name}")
        try:
            values[name] = convert(body[name], hint)
        except Mismatch as error:
            raise Mismatch(f"{name} {error}") from None
    return cls(**values)


def convert(value: object, hint: Any) -> Any:
    """Give `value` as the type that `hint` names: the same value, a float for an int, a tuple for a list.

    Raises:
        Mismatch: "is 'fast', expected a number".
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _one_of(value, hint)
    if origin is tuple:
        return _tuple(value, hint)
    if origin is Literal:
        return _literal(value, hint)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(value, hint)
    if is_dataclass(hint):
        return build(hint, value)  # type: ignore[arg-type]  # is_dataclass also admits instances; a hint is a type
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum(value, hint)
    return _scalar(value, hint)


def expected(hint: Any) -> str:
    """What a person would call the values that `hint` admits."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(expected(option) for option in get_args(hint))
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if origin is tuple:
        inner = get_args(hint)
        if inner[-1] is Ellipsis:
            return f"a list, each {expected(inner[0])}"
        return f"a list of {len(inner)}, each {expected(inner[0])}"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return "one of " + ", ".join(hint)
    return _WORDS.get(hint, "an object")


def _wrong(value: object, hint: Any) -> Mismatch:
    return Mismatch(f"is {_shown(value)}, expected {expected(hint)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _one_of(value: object, hint: Any) -> Any:
    for option in get_args(hint):
        try:
            return convert(value, option)
        except Mismatch:
            continue
    raise _wrong(value, hint)


def _tuple(value: object, hint: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(value, hint)
    inner = get_args(hint)
    if inner[-1] is Ellipsis:
        return tuple(convert(item, inner[0]) for item in value)
    if len(value) != len(inner):
        raise _wrong(value, hint)
    return tuple(convert(item, kind) for item, kind in zip(value, inner, strict=True))


def _literal(value: object, hint: Any) -> Any:
    for choice in get_args(hint):
        if type(value) is type(choice) and value == choice:
            return choice
    raise _wrong(value, hint)


def _mapping(value: object, hint: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(value, hint)
    kind = get_args(hint)[1]
    converted = {}
    for key, item in value.items():
        try:
            converted[str(key)] = convert(item, kind)
        except Mismatch as error:
            raise Mismatch(f"{key} {error}") from None
    return converted


def _enum(value: object, hint: type[StrEnum]) -> StrEnum:
    if not isinstance(value, str) or value not in hint.__members__.values():
        raise _wrong(value, hint)
    return hint(value)


def _scalar(value: object, hint: Any) -> Any:
    if hint is float and type(value) is int:
        return _as_float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if type(value) is not hint:  # exactly: True is not a number here
        raise _wrong(value, hint)
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf

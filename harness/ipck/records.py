"""Dataclass records to and from JSON objects. What comes in may be hostile: it is checked key by key and cleaned."""

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
Reader = Callable[[Any], Any]

_PAIRS = tuple[tuple[str, str], ...]
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_BIGGEST = 2**64


def clean(text: str) -> str:
    """TEXT without what could steer a terminal, break XML or refuse to be encoded: shown as \\x1b instead."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def encode(record: Any) -> dict[str, Any]:
    """RECORD as a JSON object, leaving out what has its default value."""
    return {
        name: write(value)
        for name, default, write in _codec(type(record)).writers
        if (value := getattr(record, name)) != default
    }


def decode(kind: type[Record], data: object) -> Record:
    """A record of KIND from a parsed JSON object; ValueError names the first key that is wrong."""
    if not isinstance(data, dict):
        raise ValueError("is not an object")
    codec = _codec(kind)
    values = {}
    for key, value in data.items():
        try:
            values[key] = codec.readers[key](value)
        except KeyError:
            raise ValueError(f"key {clean(key)!r} is unknown") from None
        except ValueError as error:
            raise ValueError(f"key {key!r} {error}") from None
    if lacking := [name for name in codec.required if name not in values]:
        raise ValueError(f"key {lacking[0]!r} is missing")
    return kind(**values)


def names(kind: type[Any]) -> frozenset[str]:
    """The keys of records of KIND."""
    return frozenset(_codec(kind).readers)


def parse(line: str) -> dict[str, Any]:
    """The JSON object in LINE; ValueError when it is anything else."""
    try:
        data = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg}, column {error.colno}") from None
    if not isinstance(data, dict):
        raise ValueError("is not a JSON object")
    return data


def _refuse_constant(name: str) -> None:
    raise ValueError(f"is not JSON: {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("has one key twice")
    return data


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return clean(value)


def _integer(value: Any) -> int:
    if type(value) is not int or abs(value) > _BIGGEST:
        raise ValueError("must be an integer")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) <= _BIGGEST:  # which no NaN is
        raise ValueError("must be a number")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ValueError("must be an object of strings")
    return tuple(sorted((clean(name), _text(text)) for name, text in value.items()))


def _word(words: tuple[str, ...]) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return value

    return read


def _several(one: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return tuple(map(one, value))

    return read


def _named(one: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        return {clean(name): one(value) for name, value in value.items()}

    return read


_SIMPLE: dict[Any, Reader] = {str: _text, int: _integer, float: _number, bool: _truth, _PAIRS: _pairs}


def _reader(hint: Any) -> Reader:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _word(arguments)
    if origin is tuple:
        return _several(_reader(arguments[0]))
    if origin is dict:
        return _named(_reader(arguments[1]))
    if origin in (Union, UnionType):
        return _reader(arguments[0])
    return lambda value: decode(hint, value)


def _writer(hint: Any) -> Callable[[Any], Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in (str, int, float, bool) or origin is Literal:
        return _same
    if hint == _PAIRS:
        return dict
    if origin is tuple:
        write = _writer(arguments[0])
        return lambda values: [write(value) for value in values]
    if origin is dict:
        write_one = _writer(arguments[1])
        return lambda values: {name: write_one(value) for name, value in values.items()}
    return encode


@dataclass(frozen=True, slots=True)
class _Codec:
    """How records of one kind are read and written, worked out once from the type hints."""

    readers: dict[str, Reader]
    writers: list[tuple[str, Any, Callable[[Any], Any]]]  # key, default, how to write
    required: tuple[str, ...]


_CODECS: dict[Any, _Codec] = {}


def _codec(kind: Any) -> _Codec:
    if kind not in _CODECS:
        hints = get_type_hints(kind)
        items = fields(kind)
        _CODECS[kind] = _Codec(
            {item.name: _reader(hints[item.name]) for item in items},
            [(item.name, item.default, _writer(hints[item.name])) for item in items],
            tuple(item.name for item in items if item.default is MISSING),
        )
    return _CODECS[kind]

"""The frames between the grader and a student's process: lengths, a small JSON header, a tree, raw array bytes.

A frame is two lengths of 8 bytes (little endian), the header, and the body. The body is a JSON tree of
header["tree"] bytes followed by the bytes of the arrays and byte strings in the order in which the tree names
them. Both sides use this file; it imports nothing of ours, and nothing but ProtocolError leaves its decoder.

A node of the tree is null, true, false, a string, an integer below 2**63, a finite float, or a list:
["i", hex] a longer integer, ["f", "nan"|"inf"|"-inf"], ["c", real, imaginary], ["q", numerator, denominator],
["b", length], ["l", items], ["t", items], ["d", pairs], ["a", dtype, shape, strides or null, writeable] an array,
["n", dtype] a NumPy scalar, ["j", kind] a result that is no plain data.
"""

from __future__ import annotations

import json
import math
import struct
import types
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

HEADER_LIMIT = 1 << 16
TREE_LIMIT = 1 << 20
BODY_FLOOR = 1 << 20  # a body may always have this size, whatever was expected
DEPTH_LIMIT = 32
NODE_LIMIT = 100_000
DIM_LIMIT = 1 << 31
KEY_LIMIT = 1000  # keys of dicts that are no strings: a student can choose them so that each is looked for among all
INT_BITS = 1 << 13  # fewer than the 4,300 digits from which on Python writes no integer
TREES_KEPT = 1000
FEW = 8  # items of a tuple or list whose tree is made in a short way
LENGTHS = struct.Struct("<QQ")
DTYPES = (
    "|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16",
)  # fmt: skip

TOO_DEEP = "a value nested too deeply"
TOO_LARGE = "a value too large to be sent"
OTHER = "an object of another type"
STRANGE_ARRAY = "an array of another type"
JUNK_KINDS = frozenset(
    {
        TOO_DEEP, TOO_LARGE, OTHER, STRANGE_ARRAY, "a very large integer", "an array subclass", "an object array",
        "an array of strings", "an array of dates", "a structured array", "a generator", "a function", "a class",
        "a module", "a set", "a range", "an iterator", "a torch tensor", "a named tuple", "a number of another type",
        "a string subclass", "a list subclass", "a dict subclass", "a coroutine", "a memory view",
    }
)  # fmt: skip


class ProtocolError(Exception):
    """Bytes that are no frame, or a frame that is larger than agreed."""


def _dumps(value: Any) -> str:
    return "".join(_chunks(value, 0))


class TooLarge(Exception):  # noqa: N818 (a signal inside the encoder)
    """A value does not fit into the bytes that its receiver allows."""


class JunkValue:
    """A result that is no plain data, as the encoder found it or the decoder read it."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


# Bound once, before any student's code runs: what a student patches later is not looked up again.
_type, _len, _array, _ndarray = type, len, np.array, np.ndarray
_SCALARS = frozenset(kind for kind in np.sctypeDict.values() if issubclass(kind, np.number | np.bool_))
_numerator, _denominator = vars(Fraction)["_numerator"].__get__, vars(Fraction)["_denominator"].__get__
_mro = vars(type)["__mro__"].__get__
_namespace = vars(type)["__dict__"].__get__
_COROUTINE = types.CoroutineType
_isfinite = math.isfinite
# The C parts of json, which look up nothing that a student could have replaced.
_chunks = json.encoder.c_make_encoder(  # type: ignore[attr-defined]  # private, stable
    None, None, json.encoder.encode_basestring, None, ":", ",", False, False, False
)
_plain_tuple = tuple.__getitem__
_EVERYTHING = slice(None)
_DOUBLE = np.dtype("<f8")
_NATIVE = {name: np.dtype(name) for name in DTYPES}
_NAMES = {dtype: name for name, dtype in _NATIVE.items()}
_TREES: dict[tuple[Any, tuple[int, ...]], str] = {}  # of results that are arrays, by dtype and shape
_JUNK_BASES: tuple[tuple[type, str], ...] = (
    (np.ndarray, "an array subclass"),
    (type, "a class"),
    (str, "a string subclass"),
    (list, "a list subclass"),
    (dict, "a dict subclass"),
    (tuple, "a named tuple"),
    (set, "a set"),
    (frozenset, "a set"),
    (range, "a range"),
    (int, "a number of another type"),
    (float, "a number of another type"),
    (complex, "a number of another type"),
    (np.generic, "a number of another type"),
    (memoryview, "a memory view"),
    (type(json), "a module"),
    (type(iter([])), "an iterator"),
    (map, "an iterator"),
    (zip, "an iterator"),
    (filter, "an iterator"),
    (enumerate, "an iterator"),
    (reversed, "an iterator"),
    (type(_ for _ in ()), "a generator"),
    (type(_dumps), "a function"),
    (type(lambda: None), "a function"),
    (type(len), "a function"),
    (type(lambda: (yield)), "a function"),
)
_ARRAY_KINDS = {
    "O": "an object array",
    "U": "an array of strings",
    "S": "an array of strings",
    "V": "a structured array",
}
_ARRAY_KINDS |= {"M": "an array of dates", "m": "an array of dates"}


def junk_kind(value: Any) -> str:
    """Name the type of a value that is no plain data, without running any of its code."""
    bases = _mro(_type(value))
    kinds = [kind for base in bases for known, kind in _JUNK_BASES if base is known]
    if kinds:
        return kinds[0]
    modules = [_namespace(base).get("__module__") for base in bases]
    if any(_type(module) is str and module in ("torch", "torch._C", "torch._tensor") for module in modules):
        return "a torch tensor"
    if bases[0] is _COROUTINE:
        return "a coroutine"
    return OTHER


class _Encoder:
    """Builds the tree of one value and collects the bytes of its arrays."""

    def __init__(self, limit: int, layouts: bool) -> None:
        self.room = limit
        self.nodes = NODE_LIMIT
        self.keys = KEY_LIMIT
        self.layouts = layouts
        self.depth = 0
        self.blobs: list[bytes] = []

    def node(self, value: Any) -> Any:
        kind = _type(value)
        self.nodes -= 1
        if self.nodes < 0:
            raise TooLarge
        if kind is bool or value is None:
            return value
        writer = _WRITERS.get(kind)
        if writer is not None:
            return writer(self, value)
        if kind in _SCALARS:
            return self.scalar(value)
        if tuple in _mro(kind):  # a named tuple is a tuple: read without running any code of its class
            return self.a_tuple(_plain_tuple(value, _EVERYTHING))
        if kind is JunkValue:
            return ["j", value.kind]
        return ["j", junk_kind(value)]

    def blob(self, data: bytes) -> None:
        self.spend(_len(data))
        self.blobs.append(data)

    def spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise TooLarge

    def integer(self, value: int) -> Any:
        if -(2**63) < value < 2**63:
            return value
        if value.bit_length() > INT_BITS:
            return ["j", "a very large integer"]
        return ["i", hex(value)]

    def real(self, value: float) -> Any:
        if _isfinite(value):
            return value
        return ["f", "nan" if value != value else "inf" if value > 0 else "-inf"]

    def a_complex(self, value: complex) -> Any:
        return ["c", self.real(value.real), self.real(value.imag)]

    def text(self, value: str) -> Any:
        self.spend(_len(value))
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")

    def a_bytes(self, value: bytes) -> Any:
        self.blob(value)
        return ["b", _len(value)]

    def fraction(self, value: Fraction) -> Any:
        parts = [_numerator(value), _denominator(value)]
        if any(_type(part) is not int for part in parts) or parts[1] < 1:
            return ["j", OTHER]
        if max(part.bit_length() for part in parts) > INT_BITS:
            return ["j", "a very large integer"]
        return ["q", *(self.integer(part) for part in parts)]

    def items(self, values: Iterable[Any]) -> list[Any]:
        self.depth += 1
        nodes = [self.node(item) for item in values]
        self.depth -= 1
        return nodes

    def a_list(self, value: list[Any]) -> Any:
        return ["l", self.items(value)] if self.depth < DEPTH_LIMIT else ["j", TOO_DEEP]

    def a_tuple(self, value: tuple[Any, ...]) -> Any:
        return ["t", self.items(value)] if self.depth < DEPTH_LIMIT else ["j", TOO_DEEP]

    def a_dict(self, value: dict[Any, Any]) -> Any:
        if self.depth >= DEPTH_LIMIT:
            return ["j", TOO_DEEP]
        if not all(_plain_key(key) for key in value):
            return ["j", OTHER]
        self.keys -= sum([_type(key) is not str for key in value])
        if self.keys < 0:
            raise TooLarge
        self.depth += 1
        pairs = [[self.node(key), self.node(item)] for key, item in value.items()]
        self.depth -= 1
        return ["d", pairs]

    def array(self, value: np.ndarray[Any, Any]) -> Any:
        name = value.dtype.str
        if name not in _NATIVE:
            if value.dtype.kind == "f" and value.itemsize > 8 and not self.layouts:
                value = value.astype(_DOUBLE)  # a result in extended precision
            name = "<" + value.dtype.str[1:]
            if name not in _NATIVE or value.dtype.kind not in "biufc":
                return ["j", _ARRAY_KINDS.get(value.dtype.kind, STRANGE_ARRAY)]
            value = value.astype(_NATIVE[name])
        if value.nbytes > self.room or any(dim > DIM_LIMIT for dim in value.shape):
            raise TooLarge
        self.blob(value.tobytes())
        strides = list(value.strides) if self.layouts and _worth_keeping(value) else None
        writeable = not self.layouts or bool(value.flags.writeable)
        return ["a", name, list(value.shape), strides, writeable]

    def scalar(self, value: Any) -> Any:
        node = self.array(_array(value))
        return ["n", node[1]] if self.layouts and node[0] == "a" else node


_WRITERS: dict[type, Callable[[_Encoder, Any], Any]] = {
    int: _Encoder.integer,
    float: _Encoder.real,
    complex: _Encoder.a_complex,
    str: _Encoder.text,
    bytes: _Encoder.a_bytes,
    Fraction: _Encoder.fraction,
    list: _Encoder.a_list,
    tuple: _Encoder.a_tuple,
    dict: _Encoder.a_dict,
    np.ndarray: _Encoder.array,
}


def _plain_key(key: Any, depth: int = 0) -> bool:
    if _type(key) is tuple and depth < DEPTH_LIMIT:
        return all(_plain_key(item, depth + 1) for item in key)
    return key is None or _type(key) in (str, int, float, bool)


def _worth_keeping(value: np.ndarray[Any, Any]) -> bool:
    """Tell whether the strides of an array can and need be made again: not C order, no overlap, not far apart."""
    if value.flags.c_contiguous or not value.size:
        return False
    size = value.itemsize
    axes = sorted((abs(stride), dim) for stride, dim in zip(value.strides, value.shape, strict=True) if dim > 1)
    reach = size
    for stride, dim in axes:
        if stride < reach or stride % size:
            return False
        reach = stride * (dim - 1) + reach
    return reach <= 64 * value.nbytes + 4096


def _tree_of(dtype: Any, shape: tuple[int, ...]) -> str:
    """Return the tree of a result that is an array; nothing where it is none that is sent as it is."""
    if dtype not in _NAMES or any(dim > DIM_LIMIT for dim in shape):
        return ""
    tree = _dumps(["a", _NAMES[dtype], list(shape), None, True])
    if _len(_TREES) < TREES_KEPT:
        _TREES[dtype, shape] = tree
    return tree


def _short_tree(value: Any, arrays: list[np.ndarray[Any, Any]], depth: int = 0) -> str:
    """Return the tree of an array, or of few of them in tuples and lists; nothing for any other value.

    It is the one that the encoder makes, in less time. Collects the arrays, in order.
    """
    kind = _type(value)
    if kind is _ndarray:
        arrays.append(value)
        form = value.dtype, value.shape
        return _TREES.get(form) or _tree_of(*form)
    if (kind is not tuple and kind is not list) or not 0 < _len(value) <= FEW or depth > 1:
        return ""
    trees = []
    for item in value:
        trees.append(_short_tree(item, arrays, depth + 1))
        if not trees[-1]:
            return ""
    return f'["{"t" if kind is tuple else "l"}",[{",".join(trees)}]]'


def encode(value: Any, limit: int, *, layouts: bool = False) -> tuple[bytes, list[bytes]]:
    """Return the JSON tree of a value and the bytes of its arrays, in order.

    With `layouts` (for arguments) arrays keep strides and flags and NumPy scalars stay scalars; without (for
    results) arrays are sent in C order and scalars as 0-d arrays. What does not fit into `limit` bytes is sent as
    junk of the kind TOO_LARGE; so is what is no plain data, each under its kind.
    """
    if _type(value) is int and -(2**63) < value < 2**63:
        return b"%d" % value, []
    if not layouts:
        arrays: list[np.ndarray[Any, Any]] = []
        short = _short_tree(value, arrays)
        if short and sum([array.nbytes for array in arrays]) + _len(short) <= limit:
            return short.encode(), [array.tobytes() for array in arrays]
    encoder = _Encoder(limit, layouts)
    try:
        tree = _dumps(encoder.node(value)).encode()
        if _len(tree) <= min(TREE_LIMIT, max(limit, 64) + 64) and _len(tree) + limit - encoder.room <= limit + 64:
            return tree, encoder.blobs
    except TooLarge:
        pass
    return _dumps(["j", TOO_LARGE]).encode(), []


def frame(header: dict[str, Any], tree: bytes = b"", blobs: Iterable[bytes] = ()) -> bytes:
    """Return the bytes of one frame; the header gets the length of the tree."""
    head = _dumps({**header, "tree": _len(tree)}).encode("utf-8", "replace")
    body = b"".join([tree, *blobs])
    return b"".join([LENGTHS.pack(_len(head), _len(body)), head, body])


def result_frame(number: int, rest: dict[str, Any], tree: bytes, blobs: Iterable[bytes]) -> bytes:
    """Return the bytes of the reply that call `number` returned something; `rest` tells about its arguments."""
    if rest["changed"] or rest["shares"] or rest["earlier"]:
        return frame({"id": number, "ok": True, **rest}, tree, blobs)
    head = b'{"id":%d,"ok":true,"changed":[],"shares":[],"earlier":[],"tree":%d}' % (number, _len(tree))
    body = b"".join([tree, *blobs])
    return b"".join([LENGTHS.pack(_len(head), _len(body)), head, body])


def read_lengths(data: bytes | bytearray, body_limit: int) -> tuple[int, int]:
    """Return the lengths of header and body that the first 16 bytes announce; nothing is allocated before."""
    if len(data) != LENGTHS.size:
        raise ProtocolError(f"a frame starts with {LENGTHS.size} bytes, not {len(data)}")
    head, body = LENGTHS.unpack(data)
    if not 2 <= head <= HEADER_LIMIT:
        raise ProtocolError(f"header of {head} bytes")
    if body > body_limit:
        raise ProtocolError(f"body of {body} bytes, at most {body_limit} are allowed")
    return head, body


def _refuse(constant: str) -> NoReturn:
    raise ProtocolError(f"{constant} in JSON")


_scan = json.JSONDecoder(parse_constant=_refuse).scan_once  # type: ignore[attr-defined]  # typed as absent


def _parse(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
        value, end = _scan(text, 0)
    except (ValueError, RecursionError, StopIteration) as error:
        raise ProtocolError("no JSON") from error
    if end != len(text):
        raise ProtocolError("no JSON")
    return value


def read_header(data: bytes | bytearray) -> dict[str, Any]:
    """Return the header of a frame: a dict whose "tree" is a length."""
    header = _parse(bytes(data))
    if type(header) is not dict:
        raise ProtocolError("the header is no object")
    tree = header.get("tree")
    if type(tree) is not int or not 0 <= tree <= TREE_LIMIT:
        raise ProtocolError("the header gives no length of the tree")
    return header


class _Decoder:
    """Reads one tree, taking the bytes of arrays from the rest of the body."""

    def __init__(self, body: bytes | bytearray, start: int, layouts: bool) -> None:
        self.body = memoryview(body)
        self.at = start
        self.layouts = layouts
        self.depth = 0
        self.nodes = NODE_LIMIT
        self.keys = KEY_LIMIT

    def node(self, node: Any) -> Any:
        self.nodes -= 1
        if self.nodes < 0 or self.depth > DEPTH_LIMIT + 1:
            raise ProtocolError("too many nodes")
        kind = type(node)
        if kind is str:
            return whole_text(node)
        if node is None or kind is bool:
            return node
        if kind is int or kind is float:
            return _number(node)
        if kind is not list or not node or type(node[0]) is not str or node[0] not in _READERS:
            raise ProtocolError("no node")
        length, reader = _READERS[node[0]]
        if len(node) != length:
            raise ProtocolError(f"a node {node[0]!r} of {len(node)} items")
        self.depth += 1
        value = reader(self, node)
        self.depth -= 1
        return value

    def take(self, size: int) -> memoryview:
        if not 0 <= size <= len(self.body) - self.at:
            raise ProtocolError("more bytes are named than sent")
        self.at += size
        return self.body[self.at - size : self.at]

    def integer(self, node: list[Any]) -> int:
        text = node[1]
        if type(text) is not str or len(text) > INT_BITS // 4 + 4 or not text.lstrip("-").startswith("0x"):
            raise ProtocolError("no long integer")
        try:
            return int(text, 16)
        except ValueError as error:
            raise ProtocolError("no long integer") from error

    def real(self, node: list[Any]) -> float:
        if type(node[1]) is not str or node[1] not in ("nan", "inf", "-inf"):
            raise ProtocolError("no float")
        return float(node[1])

    def part(self, node: Any, *kinds: type) -> Any:
        value = self.node(node)
        if type(value) not in kinds:
            raise ProtocolError("a part of the wrong type")
        return value

    def a_complex(self, node: list[Any]) -> complex:
        return complex(self.part(node[1], float), self.part(node[2], float))

    def fraction(self, node: list[Any]) -> Fraction:
        numerator, denominator = self.part(node[1], int), self.part(node[2], int)
        if denominator < 1:
            raise ProtocolError("no fraction")
        return Fraction(numerator, denominator)

    def a_bytes(self, node: list[Any]) -> bytes:
        if type(node[1]) is not int:
            raise ProtocolError("no length")
        return bytes(self.take(node[1]))

    def items(self, node: list[Any]) -> list[Any]:
        if type(node[1]) is not list:
            raise ProtocolError("no items")
        return [self.node(item) for item in node[1]]

    def a_tuple(self, node: list[Any]) -> tuple[Any, ...]:
        return tuple(self.items(node))

    def a_dict(self, node: list[Any]) -> dict[Any, Any]:
        found = {}
        for pair in node[1] if type(node[1]) is list else [None]:
            if type(pair) is not list or len(pair) != 2:
                raise ProtocolError("no pair")
            key = self.node(pair[0])
            if not _plain_key(key):
                raise ProtocolError("no key")
            self.keys -= type(key) is not str
            if self.keys < 0:
                raise ProtocolError("too many keys")
            found[key] = self.node(pair[1])
        return found

    def junk(self, node: list[Any]) -> JunkValue:
        if type(node[1]) is not str or node[1] not in JUNK_KINDS:
            raise ProtocolError("no kind of junk")
        return JunkValue(node[1])

    def values(self, name: Any, shape: list[int]) -> np.ndarray[Any, Any]:
        if type(name) is not str or name not in _NATIVE:
            raise ProtocolError("no dtype")
        if math.prod(max(dim, 1) for dim in shape) > DIM_LIMIT:
            raise ProtocolError("too many entries")
        dtype = _NATIVE[name]
        data = self.take(math.prod(shape) * dtype.itemsize)
        if name == "|b1":
            flags: np.ndarray[Any, Any] = np.not_equal(
                np.frombuffer(data, "|u1").reshape(shape), 0, out=np.empty(shape, bool)
            )
            return flags
        return np.frombuffer(data, dtype).reshape(shape).copy()

    def array(self, node: list[Any]) -> np.ndarray[Any, Any]:
        _, name, shape, strides, writeable = node
        if not _whole(shape, 0, DIM_LIMIT) or type(writeable) is not bool:
            raise ProtocolError("no shape")
        values = self.values(name, shape)
        if self.layouts and strides is not None:
            values = _relaid(values, strides)
        elif strides is not None or not (writeable or self.layouts):
            raise ProtocolError("a layout in a result")
        values.flags.writeable = writeable and self.layouts  # nobody writes into what a student returned
        return values

    def scalar(self, node: list[Any]) -> Any:
        values = self.values(node[1], [])
        return values[()] if self.layouts else values


_READERS: dict[str, tuple[int, Callable[[_Decoder, list[Any]], Any]]] = {
    "i": (2, _Decoder.integer),
    "f": (2, _Decoder.real),
    "c": (3, _Decoder.a_complex),
    "q": (3, _Decoder.fraction),
    "b": (2, _Decoder.a_bytes),
    "l": (2, _Decoder.items),
    "t": (2, _Decoder.a_tuple),
    "d": (2, _Decoder.a_dict),
    "a": (5, _Decoder.array),
    "n": (2, _Decoder.scalar),
    "j": (2, _Decoder.junk),
}


def _number(value: float) -> float:
    if type(value) is float and not math.isfinite(value):
        raise ProtocolError("an infinite JSON number")
    if type(value) is int and value.bit_length() > 64:
        raise ProtocolError("a long integer that is not marked as one")
    return value


def whole_text(text: str) -> str:
    """Return a string that can be written anywhere; half of a surrogate pair is refused."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ProtocolError("half a surrogate pair in a string")
    return text


def _whole(values: Any, low: int, high: int) -> bool:
    return (
        type(values) is list and len(values) <= 32 and all(type(item) is int and low <= item <= high for item in values)
    )


def _relaid(values: np.ndarray[Any, Any], strides: Any) -> np.ndarray[Any, Any]:
    """Return the values in memory with these strides: some gaps, reversed or permuted axes, no overlap."""
    size = values.itemsize
    if not _whole(strides, -DIM_LIMIT, DIM_LIMIT) or len(strides) != values.ndim or any(s % size for s in strides):
        raise ProtocolError("no strides")
    spans = [stride * (dim - 1) for stride, dim in zip(strides, values.shape, strict=True)]
    reach = sum(abs(span) for span in spans) + size
    if not values.size or reach > 64 * values.nbytes + 4096:
        raise ProtocolError("strides that reach too far")
    memory = np.full(reach // size, 7, values.dtype)
    start = sum(-span for span in spans if span < 0)
    laid: np.ndarray[Any, Any] = np.ndarray(values.shape, values.dtype, memory, start, strides)
    laid[...] = values
    return laid


def decode(body: bytes | bytearray, tree: int, *, layouts: bool = False) -> Any:
    """Return the value in a body whose first `tree` bytes are its tree.

    Raises:
        ProtocolError: anything that the encoder would not have written, and every byte too many or too few.
    """
    if tree > len(body):
        raise ProtocolError("the tree is longer than the body")
    decoder = _Decoder(body, tree, layouts)
    value = decoder.node(_parse(bytes(decoder.body[:tree])))
    if decoder.at != len(body):
        raise ProtocolError(f"{len(body) - decoder.at} bytes too many")
    return value

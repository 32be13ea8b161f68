"""What crosses between the grader and a student's process arrives as it was sent, or not at all."""

from __future__ import annotations

import json
import math
import os
import random
from collections import namedtuple
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from grader.sandbox import protocol

FRAMES = int(os.environ.get("FUZZ_FRAMES", "20000"))


def there(value: Any, *, layouts: bool = True) -> Any:
    tree, blobs = protocol.encode(value, 1 << 30, layouts=layouts)
    return protocol.decode(tree + b"".join(blobs), len(tree), layouts=layouts)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**62,
        2**63,
        -(2**200),
        1.5,
        -0.0,
        5e-324,
        math.inf,
        -math.inf,
        1 + 2j,
        "",
        "3 × 3",
        b"",
        b"\0\xff",
        Fraction(-2, 3),
        Fraction(3),
        [],
        (),
        {},
        [1, (2.0, [None])],
        {"a": 1, (1, None): [2]},
        [{"x": "y"}, {}],
        "\U0001f600",
    ],
)
def test_plain_data_arrives_as_it_was(value: Any) -> None:
    """A type that changes on the way would be judged wrong although the student was right."""
    back = there(value)
    assert back == value
    assert type(back) is type(value)
    assert str(back) == str(value)


def test_nan_arrives_as_nan() -> None:
    """NaN must never become something that compares equal."""
    assert math.isnan(there(math.nan))
    assert np.isnan(there(np.array([math.nan]))).all()


@pytest.mark.parametrize("name", protocol.DTYPES)
def test_arrays_keep_dtype_shape_and_bytes(name: str) -> None:
    """Every dtype of the list crosses bit by bit, empty and 0-d arrays too."""
    for shape in ((), (0, 3), (5,), (2, 3, 4)):
        sent = np.frombuffer(random.Random(1).randbytes(1024), "|u1")[: math.prod(shape) * np.dtype(name).itemsize]
        sent = (sent % 2 if name == "|b1" else sent).view(name).reshape(shape)
        for layouts in (True, False):
            back = there(sent, layouts=layouts)
            assert (back.dtype, back.shape, back.tobytes()) == (sent.dtype, sent.shape, sent.tobytes())
            assert not np.shares_memory(back, sent)


def test_scalars_stay_scalars_as_arguments() -> None:
    """`np.int64(2)` as an argument behaves differently from 2 and from an array."""
    for scalar in (np.int64(2), np.float32(0.5), np.bool_(True), np.complex128(1j), np.uint8(7)):
        back = there(scalar)
        assert type(back) is type(scalar)
        assert back == scalar
        result = there(scalar, layouts=False)
        assert type(result) is np.ndarray
        assert result.shape == ()


BASE = np.arange(120.0).reshape(10, 12)


@pytest.mark.parametrize(
    "array",
    [
        BASE,
        np.asfortranarray(BASE),
        BASE[::-1],
        BASE[:, ::-1],
        BASE[::-1, ::-1],
        BASE[::2],
        BASE[:, ::3],
        BASE[1:9:3, ::-2],
        BASE.T,
        BASE.reshape(2, 5, 3, 4).transpose(2, 0, 3, 1),
        BASE[:, 3],
    ],
)
def test_layouts_are_made_again(array: np.ndarray[Any, Any]) -> None:
    """A function that only works on C order must be found out, so the order must cross."""
    for writeable in (True, False):
        sent = array[...]
        sent.flags.writeable = writeable
        back = there(sent)
        assert np.array_equal(back, sent)
        assert back.strides == sent.strides
        assert back.flags.writeable == writeable
        assert back.flags.c_contiguous == sent.flags.c_contiguous


def test_overlapping_memory_is_copied_apart() -> None:
    """An array that repeats its memory arrives with memory of its own for every entry."""
    back = there(np.broadcast_to(np.arange(3.0), (4, 3)))
    assert back.flags.c_contiguous
    assert np.array_equal(back, [[0, 1, 2]] * 4)


def test_foreign_byte_order_is_put_right() -> None:
    """The order of bytes is no mistake of the student's."""
    back = there(np.arange(3, dtype=">i4"), layouts=False)
    assert back.dtype == np.dtype("<i4")
    assert np.array_equal(back, [0, 1, 2])


def recursive() -> list[Any]:
    box: list[Any] = []
    box.append(box)
    return box


class Liar(np.ndarray[Any, Any]):
    """Pretends to be a plain array wherever it is asked."""

    __class__ = np.ndarray  # type: ignore[assignment]  # the lie


class Plain:
    """A class of the student's own."""


def unlike_any_fraction() -> Fraction:
    value = Fraction(1, 2)
    value._numerator = 1.5  # type: ignore[attr-defined]  # what nobody but an attacker does
    return value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.array([None]), "an object array"),
        (np.array(["a"]), "an array of strings"),
        ({1}, "a set"),
        (np.zeros(2, "M8[s]"), "an array of dates"),
        (np.zeros(2, "i4,f4"), "a structured array"),
        (np.zeros(2, np.clongdouble), protocol.STRANGE_ARRAY),
        ((lambda: (yield))(), "a generator"),
        (range(3), "a range"),
        ((_ for _ in [0]), "a generator"),
        (iter([]), "an iterator"),
        (len, "a function"),
        (int, "a class"),
        (json, "a module"),
        (object(), protocol.OTHER),
        (Plain(), protocol.OTHER),
        (unlike_any_fraction(), protocol.OTHER),
        (np.zeros(2).view(Liar), "an array subclass"),
        (np.ma.zeros(2), "an array subclass"),
        (np.zeros(1 << 18), protocol.TOO_LARGE),
        ("x" * (2 << 20), protocol.TOO_LARGE),
    ],
)
def test_junk_is_named(value: Any, kind: str) -> None:
    """What is no plain data arrives as its name only, so nothing of it can act on the grader."""
    tree, blobs = protocol.encode(value, 1 << 20)
    back = protocol.decode(tree + b"".join(blobs), len(tree))
    assert type(back) is protocol.JunkValue
    assert back.kind == kind


def test_the_short_way_to_a_tree_is_the_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result of few arrays, or a whole number, is written without the encoder; not a byte may differ."""
    grid = np.arange(12).reshape(3, 4)
    arrays = [grid.astype(name).T for name in protocol.DTYPES] + [
        grid[:0],
        grid[0, 0:1].reshape(()),
        grid.astype(">f4"),
    ]
    arrays += [np.zeros((2, 0, 1 << 33)), np.zeros(2, "U1"), np.zeros(2, np.longdouble)]
    values: list[Any] = [*arrays, *((array, [grid, array]) for array in arrays), ((grid, grid), [[grid], (grid,)])]
    values += [0, -(2**63), 2**63 - 1, 2**63, True, (), [], (grid, 1), [(((grid,),),)], [grid] * 9, (grid, None)]
    for limit in (1 << 20, 700, 96, 50, 0):
        short = [protocol.encode(value, limit) for value in values]
        with monkeypatch.context() as patched:
            patched.setattr(protocol, "_short_tree", lambda _value, _arrays: "")
            patched.setattr(protocol, "_type", lambda value: kind if (kind := type(value)) is not int else Whole)
            patched.setitem(protocol._WRITERS, Whole, protocol._Encoder.integer)
            assert short == [protocol.encode(value, limit) for value in values]


class Whole:
    """Stands for int where the short way is not to be taken."""


def test_results_in_extended_precision_and_named_tuples_arrive_as_plain_ones() -> None:
    """More precision than asked for, and a tuple with names, are right; no code of the tuple's class may run."""

    class Liar(namedtuple("Liar", "a b")):
        def __getitem__(self, index: Any) -> Any:
            raise AssertionError

        def __iter__(self) -> Any:
            raise AssertionError

    tree, blobs = protocol.encode(Liar(np.array([1.5, 2], np.longdouble), 3), 1 << 20)
    back = protocol.decode(tree + b"".join(blobs), len(tree))
    assert type(back) is tuple
    assert back[0].dtype == np.float64
    assert (back[0].tolist(), back[1]) == ([1.5, 2.0], 3)


def test_very_large_integers_are_named() -> None:
    """A number of a million digits would cost seconds only to print."""
    assert there(1 << (1 << 17)).kind == "a very large integer"


@pytest.mark.parametrize("value", [(1 << protocol.INT_BITS) - 1, Fraction(1 - (1 << protocol.INT_BITS), 2)])
def test_every_integer_that_arrives_can_be_written(value: Any) -> None:
    """Python refuses to write one of more than 4,300 digits, wherever in the grader that may be."""
    assert str(there(value)) == str(value)
    assert isinstance(junk := there(value * (1 << 40)), protocol.JunkValue)
    assert junk.kind == "a very large integer"


def test_keys_that_are_looked_for_among_all_are_few() -> None:
    """Their hashes are the same, so that each costs as much as there are others: minutes of the grader's time."""
    alike = {(2**61 - 1) * number: None for number in range(1, protocol.KEY_LIMIT + 1)}
    assert there(alike) == alike
    assert isinstance(junk := there({**alike, 0.5: None}), protocol.JunkValue)
    assert junk.kind == protocol.TOO_LARGE
    assert there({str(key): None for key in range(5000)})["4999"] is None
    pairs = ",".join(f"[{number},0]" for number in range(protocol.KEY_LIMIT + 1))
    tree = f'["d",[{pairs}]]'.encode()
    with pytest.raises(protocol.ProtocolError, match="too many keys"):
        protocol.decode(tree, len(tree))


def test_boxes_that_hold_themselves_end() -> None:
    """A list inside itself must not hang either side."""
    back = there(recursive())
    for _ in range(protocol.DEPTH_LIMIT):
        back = back[0]
    assert back.kind == protocol.TOO_DEEP


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        (b"[", "no JSON"),
        (b"[" * 200_000, "no JSON"),
        (b"NaN", "NaN"),
        (b"1e999", "infinite"),
        (b'"\\ud800"', "surrogate"),
        (b"[]", "no node"),
        (b'["z",1]', "no node"),
        (b'["l"]', "items"),
        (b'["i","12"]', "long integer"),
        (b"[[1]]", "no node"),
        (b'["a","<f8",[2],null,true]', "more bytes"),
        (b'["a","|O8",[0],null,true]', "dtype"),
        (b'["a",["<f8"],[],null,true]', "dtype"),
        (b'["a","<f8",[true],null,true]', "shape"),
        (b'["a","<f8",[-1],null,true]', "shape"),
        (b'["a","<f8",[1.0],null,true]', "shape"),
        (b'["a","|u1",[0,2147483648,2147483648],null,true]', "too many entries"),
        (b'["b",-1]', "more bytes"),
        (b'["a","<f8",[0],[8],true]', "layout"),
        (b'["a","<f8",[0],null,false]', "layout"),
        (b'["q",1,0]', "fraction"),
        (b'["d",[[["l",[]],1]]]', "key"),
        (b'["d",[[1]]]', "pair"),
        (b'["j","PASSED"]', "junk"),
        (b'["c",1,2]', "wrong type"),
        (b"18446744073709551616", "long integer"),
        (b"9" * 5000, "no JSON"),
        (b"\xff", "no JSON"),
        (b'["f","1"]', "float"),
    ],
)
def test_other_trees_are_refused(tree: bytes, problem: str) -> None:
    """Each of these would otherwise become a value that no student's function returned."""
    with pytest.raises(protocol.ProtocolError, match=problem):
        protocol.decode(tree, len(tree))


def test_every_byte_counts() -> None:
    """Bytes that nobody named are a broken rule, not padding."""
    with pytest.raises(protocol.ProtocolError, match="1 bytes too many"):
        protocol.decode(b"null!", 4)
    with pytest.raises(protocol.ProtocolError, match="longer than the body"):
        protocol.decode(b"null", 5)


def test_lengths_are_judged_before_anything_is_read() -> None:
    """A frame may announce a terabyte; it must not be believed."""
    with pytest.raises(protocol.ProtocolError, match="header of"):
        protocol.read_lengths(protocol.LENGTHS.pack(1 << 60, 0), 10)
    with pytest.raises(protocol.ProtocolError, match="at most 10"):
        protocol.read_lengths(protocol.LENGTHS.pack(2, 11), 10)
    with pytest.raises(protocol.ProtocolError, match="starts with 16 bytes"):
        protocol.read_lengths(b"", 10)


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"tree":true}', b'{"tree":-1}', b'{"tree":9999999999}', b"\0\0"])
def test_other_headers_are_refused(header: bytes) -> None:
    """A header that is not exactly a header ends the connection."""
    with pytest.raises(protocol.ProtocolError, match=r"header|JSON"):
        protocol.read_header(header)


SEEDS = [
    [1, 2.5, None, "text", True, (np.arange(6.0).reshape(2, 3), Fraction(1, 3))],
    {"a": np.zeros((2, 0), "i4"), "b": b"bytes", "c": 2**100, "d": 1j, "e": [math.nan]},
    np.ones(3, "?"),
]


def test_mutated_frames_raise_nothing_but_protocol_errors() -> None:
    """Whatever bytes a hostile process sends, the grader must go on."""
    rng = random.Random(20240607)
    frames = []
    for value in SEEDS:
        tree, blobs = protocol.encode(value, 1 << 20)
        frames.append(protocol.frame({"id": 1, "ok": True}, tree, blobs))
    refused = 0
    for _ in range(FRAMES):
        data = mutated(bytearray(rng.choice(frames)), rng)
        try:
            head, size = protocol.read_lengths(data[:16], 1 << 20)
            header = protocol.read_header(data[16 : 16 + head])
            protocol.decode(data[16 + head : 16 + head + size], header["tree"])
        except protocol.ProtocolError:
            refused += 1
    assert FRAMES // 3 < refused < FRAMES  # neither all nor none: the mutations reach the decoder


def mutated(data: bytearray, rng: random.Random) -> bytearray:
    """Change one to four places; half of the time only in the tree, so that the lengths still fit."""
    first = rng.choice([0, 16, 50, 50])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(first, len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] = rng.choice(b'[]{}",:0123456789-.eEntfabcdlqij<|')
            case 2:
                data[at] ^= 1 << rng.randrange(8)
            case _:
                end = min(len(data), at + rng.randrange(1, 9))
                data[at:end] = data[first : first + end - at]
    return data

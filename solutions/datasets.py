"""Sets of small labelled images: scikit-learn's digits, drawn shapes, and MNIST and CIFAR-10 from their usual files.

Images are (N, C, H, W) float32 from 0 to 1. Nothing here draws from a global generator: orders and shapes come from
SHA-256, so that they are the same on every machine. Files are data: none of them can run code.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import pickletools
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DIGITS = tuple("0123456789")
OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPES = ("disc", "square", "triangle", "cross", "ring", "stripes")
FALLBACK = "Without them, the embedded set 'digits' needs no files."
LARGEST = 1 << 30  # bytes of a file's images


class DatasetError(Exception):
    """A set that cannot be had: what is missing or damaged, and what to do."""


@dataclass(frozen=True, eq=False)
class Examples:
    """x: (N, C, H, W) float32 from 0 to 1; y: (N,) int64, the class of each."""

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, rows: Any) -> Examples:
        return Examples(self.x[rows], self.y[rows])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three parts that share no example; validation is for choosing, test for the last word."""

    name: str
    classes: tuple[str, ...]
    train: Examples
    validation: Examples
    test: Examples


def load(name: str, data_root: Path | None = None) -> Dataset:
    """Return the set called "digits", "shapes", "mnist" or "cifar10"; the last two from files below data_root.

    Without a data_root MNIST is fetched from openml.org.

    Raises:
        DatasetError: no such set, or files that are missing or damaged.
    """
    if name == "digits":
        return digits()
    if name == "shapes":
        return shapes()
    if name not in ("mnist", "cifar10"):
        raise DatasetError(f"there is no set called {name!r}; there are digits, shapes, mnist and cifar10")
    if data_root is not None:
        return mnist(data_root) if name == "mnist" else cifar10(data_root)
    if name == "mnist":
        return openml_mnist()
    raise DatasetError(f"{name} is read from files: name the folder that holds them. {FALLBACK}")


# Orders and splits -----------------------------------------------------------------------------------------


def order(number: int, label: str) -> Array:
    """Return 0 … number-1, sorted by the SHA-256 of "label:index": (number,) int64, a shuffle that is always the same.

    >>> order(5, "digits").tolist() == order(5, "digits").tolist(), sorted(order(5, "digits").tolist())
    (True, [0, 1, 2, 3, 4])
    """
    keys = [hashlib.sha256(f"{label}:{index}".encode()).digest() for index in range(number)]
    return np.array(sorted(range(number), key=keys.__getitem__), np.int64)


def split(examples: Examples, label: str, held: int) -> tuple[Examples, Examples]:
    """Return (all but `held` examples, those), shuffled by `order`."""
    rows = order(len(examples), label)
    return examples[rows[held:]], examples[rows[:held]]


# scikit-learn's digits -------------------------------------------------------------------------------------


def digits(size: int = 28) -> Dataset:
    """Return scikit-learn's 1,797 digits, enlarged from 8 x 8: 1,200 to train, 297 to validate, 300 to test.

    Raises:
        DatasetError: scikit-learn is not installed.
    """
    sixteenths, classes = _scikit_learns_digits()
    everything = Examples(resized(sixteenths, size, 16)[:, None], classes)
    rest, test = split(everything, "digits test", 300)
    train, validation = split(rest, "digits validation", 297)
    return Dataset("digits", DIGITS, train, validation, test)


def resized(images: Array, size: int, white: int) -> Array:
    """Return square images at another size by bilinear interpolation, as if pixels were little squares.

    The centre of output pixel i lies at (i + 1/2) n / size - 1/2 of the n input pixels; between two pixels the
    value is weighted by how near they are, and beyond the outer ones it is theirs. All weights are multiples of
    1 / (2 size), so that the sums are whole numbers and the result is the same on every machine.

    Args:
        images: (N, n, n) whole numbers from 0 to `white`.

    Returns:
        (N, size, size) float32 from 0 to 1.

    >>> resized(np.array([[[0, 4], [0, 4]]]), 4, 4)[0, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    n, unit = images.shape[1], 2 * size
    weights = np.zeros((size, n), np.int64)
    for i in range(size):
        at = min(max((2 * i + 1) * n - size, 0), (n - 1) * unit)
        left, part = divmod(at, unit)
        weights[i, left] += unit - part
        weights[i, min(left + 1, n - 1)] += part
    sums = weights @ images.astype(np.int64) @ weights.T
    return np.asarray(sums / (unit * unit * white), np.float32)


def _scikit_learns_digits() -> tuple[Array, Array]:
    """Return images (N, 8, 8), 0 to 16, and classes (N,), both int64; read from the package's own file where it is.

    Importing the package for that takes longer than many a training.
    """
    spec = find_spec("sklearn")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",").astype(np.int64)
            return table[:, :64].reshape(-1, 8, 8), table[:, 64]
    found = _scikit_learn().load_digits()
    return np.asarray(found.images, np.int64), np.asarray(found.target, np.int64)


def _scikit_learn() -> Any:
    try:
        from sklearn import datasets
    except ImportError:
        raise DatasetError('scikit-learn is not installed. Install it: pip install "convgrader[data]"') from None
    return datasets


def openml_mnist(data_home: Path | None = None) -> Dataset:
    """Return MNIST as scikit-learn fetches it from openml.org, or finds it in `data_home` from an earlier time.

    Raises:
        DatasetError: scikit-learn is not installed, or openml.org cannot be reached.
    """
    home = None if data_home is None else str(data_home)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of every try again; what came of them is said below
            found = _scikit_learn().fetch_openml(
                "mnist_784", version=1, as_frame=False, parser="liac-arff", data_home=home, n_retries=1, delay=0.1
            )
    except (OSError, ValueError) as error:
        said = str(getattr(error, "reason", "") or error).rstrip(".")
        raise DatasetError(
            f"MNIST could not be fetched from openml.org: {said}. Check the network, or put "
            f"MNIST's four files into a folder and name it. {FALLBACK}"
        ) from None
    pixels = np.asarray(found.data).reshape(-1, 1, 28, 28)
    both = Examples(np.asarray(pixels / 255, np.float32), np.asarray(found.target).astype(np.int64))
    return _with_validation("mnist", DIGITS, both[:-10_000], both[-10_000:], 6)


def _with_validation(name: str, classes: tuple[str, ...], rest: Examples, test: Examples, share: int) -> Dataset:
    """Return a set whose validation part is one of `share` parts of what its authors give for training."""
    train, validation = split(rest, f"{name} validation", len(rest) // share)
    return Dataset(name, classes, train, validation, test)


# Drawn shapes ----------------------------------------------------------------------------------------------


def shapes(
    train: int = 600, held: int = 150, *, size: int = 28, shift: float = 0.1, noise: float = 0.1, seed: int = 0
) -> Dataset:
    """Return drawn shapes: `train` to train, `held` each to validate and to test; options as for drawn_shapes."""
    parts = [
        drawn_shapes(number, size=size, shift=shift, noise=noise, label=f"{seed}:{part}")
        for part, number in (("train", train), ("validation", held), ("test", held))
    ]
    return Dataset("shapes", SHAPES, *parts)


def drawn_shapes(number: int, *, size: int = 28, shift: float = 0.1, noise: float = 0.1, label: str = "0") -> Examples:
    """Return white shapes on black, as many of each of SHAPES as of the others, give or take one.

    Args:
        size: height and width in pixels, at least 8.
        shift: how far the centre may lie from the image's, along each axis, as a share of `size`.
        noise: each pixel is changed by up to this much, then cut to 0 … 1.
        label: another label draws other examples.

    Raises:
        ValueError: an option out of its range.

    >>> drawn_shapes(12, size=9, shift=0, noise=0).x.shape
    (12, 1, 9, 9)
    """
    if size < 8 or number < 0:
        raise ValueError(f"size={size} must be at least 8 and number={number} at least 0")
    if not (0 <= shift <= 0.5 and 0 <= noise <= 1):
        raise ValueError(f"shift={shift} must be from 0 to 0.5 and noise={noise} from 0 to 1")
    y = order(number, f"shapes:{label}") % len(SHAPES)
    x = np.zeros((number, 1, size, size), np.float32)
    for index, kind in enumerate(y):
        raw = hashlib.shake_256(f"shape:{label}:{index}".encode()).digest(6 + 2 * size * size)
        drawn = np.frombuffer(raw, "<u2") / 65535  # from 0 to 1, both included
        down, right, half = (2 * drawn[0] - 1) * shift, (2 * drawn[1] - 1) * shift, 0.2 + 0.1 * drawn[2]
        along = (np.arange(size) + 0.5) / size - 0.5
        inside = _INSIDE[SHAPES[kind]]((along[:, None] - down) / half, (along[None, :] - right) / half)
        x[index, 0] = np.clip(inside + (2 * drawn[3:].reshape(size, size) - 1) * noise, 0, 1)
    return Examples(x, y)


def _in_square(v: Array, u: Array) -> Array:
    return np.maximum(np.abs(v), np.abs(u)) <= 1


# Is the point inside? v runs down and u to the right, from -1 to 1 over the shape.
_INSIDE: Mapping[str, Callable[[Array, Array], Array]] = {
    "disc": lambda v, u: v * v + u * u <= 1,
    "square": _in_square,
    "triangle": lambda v, u: (np.abs(v) <= 1) & (2 * np.abs(u) <= v + 1),
    "cross": lambda v, u: _in_square(v, u) & (np.minimum(np.abs(v), np.abs(u)) <= 0.3),
    "ring": lambda v, u: (v * v + u * u <= 1) & (v * v + u * u >= 0.36),
    "stripes": lambda v, u: _in_square(v, u) & (np.abs(np.abs(v) - 0.8) <= 0.3),
}


# MNIST -----------------------------------------------------------------------------------------------------


def mnist(data_root: Path) -> Dataset:
    """Return MNIST from its four IDX files: 50,000 to train, 10,000 to validate, 10,000 to test.

    The files may be compressed (.gz) or not, called train-images-idx3-ubyte or train-images.idx3-ubyte, in
    data_root or in MNIST/raw or mnist below it.

    Raises:
        DatasetError: a file is missing, damaged, or not what its name says.
    """
    stems = [(f"{part}-{kind}", axes) for part in ("train", "t10k") for kind, axes in (("images", 3), ("labels", 1))]
    names = [[f"{stem}{dot}idx{axes}-ubyte{end}" for dot in "-." for end in ("", ".gz")] for stem, axes in stems]
    paths = _find(data_root, ("", "MNIST/raw", "mnist"), names)
    return _with_validation("mnist", DIGITS, _idx_pair(*paths[:2]), _idx_pair(*paths[2:]), 6)


def _idx_pair(of_images: Path, of_labels: Path) -> Examples:
    images, labels = read_idx(of_images, 3), read_idx(of_labels, 1)
    if len(images) != len(labels):
        raise DatasetError(f"{of_labels}: it has {len(labels)} labels for {len(images)} images; fetch both files again")
    return _examples(of_labels, images[:, None], labels)


def _find(data_root: Path, folders: tuple[str, ...], files: Sequence[Sequence[str]]) -> list[Path]:
    """Return the path of each file, which may have several names, in the first of the folders that has it."""
    found, missing = [], []
    for names in files:
        paths = [data_root / folder / name for folder in folders for name in names]
        try:
            there = [path for path in paths if path.is_file()]
        except OSError as error:
            raise DatasetError(f"{data_root}: it cannot be looked into ({error.strerror}). {FALLBACK}") from None
        found += there[:1]
        missing += [] if there else [names[0] + (" (or with .gz)" if f"{names[0]}.gz" in names else "")]
    if missing:
        places = ", ".join(str(data_root / folder) for folder in folders)
        them = "it" if len(missing) == 1 else "them"
        raise DatasetError(f"no file {', no file '.join(missing)} in any of {places}. Put {them} there. {FALLBACK}")
    return found


def read_idx(path: Path, axes: int) -> Array:
    """Return the bytes of an IDX file, compressed or not: uint8 of so many axes.

    Raises:
        DatasetError: another format, or more or fewer bytes than its header says.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            head = file.read(4 + 4 * axes)
            if head[:4] != bytes((0, 0, 8, axes)) or len(head) < 4 + 4 * axes:
                raise DatasetError(
                    f"{path}: not an IDX file of bytes with {axes} axes (it starts with 0x{head[:4].hex()}); "
                    "fetch it again"
                )
            shape = np.frombuffer(head, ">u4", offset=4).tolist()
            needed = math.prod(shape)
            if needed > LARGEST:
                raise DatasetError(f"{path}: its header announces {needed} bytes, which is too many; fetch it again")
            body = file.read(needed + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: it cannot be read ({error}); fetch it again") from None
    if len(body) != needed:
        have = "more" if len(body) > needed else str(len(body))
        raise DatasetError(f"{path}: its header announces {needed} bytes, and there are {have}; fetch it again")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _examples(path: Path, images: Array, labels: Array) -> Examples:
    """Return bytes as examples of ten classes."""
    if not len(labels) or labels.min() < 0 or labels.max() > 9:
        raise DatasetError(f"{path}: labels from 0 to 9 are expected, at least one; fetch it again")
    return Examples(np.asarray(images / np.float32(255), np.float32), labels.astype(np.int64))


# CIFAR-10 --------------------------------------------------------------------------------------------------


def cifar10(data_root: Path, change: Callable[[Examples], Examples] = lambda batch: batch) -> Dataset:
    """Return CIFAR-10 from its python version: 40,000 to train, 10,000 to validate, 10,000 to test.

    The files data_batch_1 … data_batch_5 and test_batch lie in data_root, or in cifar-10-batches-py below it, as
    cifar-10-python.tar.gz unpacks. `change` makes something else of each batch as it is read, as `grey` does.

    Raises:
        DatasetError: a file is missing, damaged, or holds anything else than images and labels.
    """
    names = [[f"data_batch_{n}"] for n in range(1, 6)] + [["test_batch"]]
    *batches, test = (change(read_batch(path)) for path in _find(data_root, ("cifar-10-batches-py", ""), names))
    together = Examples(np.concatenate([b.x for b in batches]), np.concatenate([b.y for b in batches]))
    return _with_validation("cifar10", OBJECTS, together, test, 5)


def grey(examples: Examples, size: int = 28) -> Examples:
    """Return square images of three colours as grey ones of another size: x (N, 1, size, size).

    A pixel's grey is 0.299 red + 0.587 green + 0.114 blue, as television weighs them (ITU-R BT.601); the size is
    changed as by `resized`.

    >>> grey(Examples(np.ones((2, 3, 4, 4), np.float32), np.zeros(2, np.int64)), 2).x.tolist()[0]
    [[[1.0, 1.0], [1.0, 1.0]]]
    """
    colours = np.round(examples.x * 255).astype(np.int64)
    mixed = np.einsum("c,nchw->nhw", np.array((299, 587, 114)), colours)
    return Examples(resized(mixed, size, 255 * 1000)[:, None], examples.y)


def read_batch(path: Path) -> Examples:
    """Return one of CIFAR-10's batches: (N, 3, 32, 32), colours first.

    The batches are pickles. They are read as data, one operation after the other; nothing that they name is
    imported or called, so a hostile file can do no more than be refused.

    Raises:
        DatasetError: the file holds anything else than such a batch.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(f"{path}: too large for a batch of CIFAR-10; fetch it again")
        raw = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: it cannot be read ({error}); fetch it again") from None
    try:
        batch = _Pickle().run(raw)
        data, labels = batch[b"data"].value, _whole_numbers(batch[b"labels"])
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: not a batch of CIFAR-10's python version ({error}); fetch it again") from None
    if data.shape != (len(labels), 3072):
        raise DatasetError(f"{path}: data of {data.shape} and labels of {labels.shape} do not go together")
    return _examples(path, data.reshape(-1, 3, 32, 32), labels)


def _whole_numbers(labels: Any) -> Array:
    """Return a list of whole numbers as an array; one of lists could grow without end."""
    if type(labels) is not list or {type(label) for label in labels} - {int}:
        raise TypeError("the labels are not whole numbers")
    return np.array(labels, np.int64)


@dataclass
class _Made:
    """What a name is, or what a call of it would make; `value` once it has its state."""

    name: str
    value: Any = None


@dataclass
class _Pickle:
    """A stack machine for the few operations of Python 2's protocol 2 that the batches use, and no others."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self, data: bytes) -> Any:
        """Return what the bytes describe, or raise one of the errors that read_batch explains."""
        for operation, argument, _ in pickletools.genops(data):
            if operation.name not in _OPERATIONS:
                raise ValueError(f"{operation.name} is not allowed")
            _OPERATIONS[operation.name](self, argument)
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def tuple_of(self, number: int) -> None:
        if number > len(self.stack):
            raise IndexError("nothing left on the stack")
        self.stack[-number:] = [tuple(self.stack[-number:])]

    def named(self, name: str) -> None:
        if name not in _NAMES:
            raise ValueError(f"it names {name}, which is not allowed")
        self.stack.append(_Made(name))

    def extend(self, items: list[Any]) -> None:
        self.stack[-1].extend(items)

    def update(self, pairs: list[Any]) -> None:
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def reduce(self) -> None:
        """Note what a call would make; it is not made."""
        arguments, name = self.stack.pop(), self.stack.pop().name
        if name == _RECONSTRUCT and arguments == (_Made("numpy ndarray"), (0,), b"b"):
            self.stack.append(_Made("array"))
        elif name == "numpy dtype" and arguments == (b"u1", 0, 1):
            self.stack.append(_Made("bytes"))
        else:
            raise ValueError(f"a call of {name} is not allowed")

    def build(self) -> None:
        """Give an array its numbers: state (1, shape, dtype, Fortran order, bytes)."""
        state, made = self.stack.pop(), self.stack[-1]
        if made.name == "array":
            version, shape, dtype, fortran, raw = state
            if (version, dtype.name, fortran) != (1, "bytes", False):
                raise ValueError("an array of bytes in C order is expected")
            made.value = np.frombuffer(raw, np.uint8).reshape(shape)
        elif made.name != "bytes":
            raise ValueError(f"a state of {made.name} is not allowed")


_RECONSTRUCT = "numpy.core.multiarray _reconstruct"
_NAMES = (_RECONSTRUCT, "numpy ndarray", "numpy dtype")
_OPERATIONS: Mapping[str, Callable[[_Pickle, Any], Any]] = {
    **dict.fromkeys(("PROTO", "STOP"), lambda m, _: None),
    **dict.fromkeys(("BININT", "BININT1", "BININT2"), lambda m, number: m.stack.append(number)),
    **dict.fromkeys(("SHORT_BINSTRING", "BINSTRING"), lambda m, text: m.stack.append(text.encode("latin-1"))),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda m, index: m.memo.update({index: m.stack[-1]})),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda m, index: m.stack.append(m.memo[index])),
    "NONE": lambda m, _: m.stack.append(None),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.tuple_of(1),
    "TUPLE2": lambda m, _: m.tuple_of(2),
    "TUPLE3": lambda m, _: m.tuple_of(3),
    "APPENDS": lambda m, _: m.extend(m.since_mark()),
    "SETITEMS": lambda m, _: m.update(m.since_mark()),
    "GLOBAL": lambda m, name: m.named(name),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
}

"""Sets of images: split without overlap, the same everywhere, and read from files that cannot run code."""

from __future__ import annotations

import builtins
import gzip
import hashlib
import pickle
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch

from solutions import datasets
from solutions.datasets import Dataset, DatasetError, Examples

DIGITS_ARE = [
    ("724ff608a24c17eb", "5cfd0692277c03ac"),
    ("1f5f4a2386c4cdb7", "24934e0998a15848"),
    ("7326b2ef4c958339", "60cbd40249b26fac"),
]
SHAPES_ARE = ("952576f08d7c827b", [4, 5, 5, 4, 2, 0])


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.digits()


def parts(found: Dataset) -> tuple[Examples, Examples, Examples]:
    return found.train, found.validation, found.test


def fingerprint(array: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


# Orders and digits -----------------------------------------------------------------------------------------


def test_an_order_is_a_shuffle_that_never_changes() -> None:
    """A split that differed between machines would let test images into somebody's training."""
    assert datasets.order(6, "digits test").tolist() == [0, 4, 2, 3, 1, 5]
    assert sorted(datasets.order(1000, "a")) == list(range(1000))
    assert datasets.order(1000, "a").tolist() != datasets.order(1000, "b").tolist()


def test_digits_are_split_without_overlap(digits: Dataset) -> None:
    """Every one of the 1,797 digits is in one part, once, with its own label."""
    from sklearn.datasets import load_digits

    original = load_digits()
    known = {
        fingerprint(datasets.resized(image[None].astype(np.int64), 28, 16)): label
        for image, label in zip(original.images, original.target, strict=True)
    }
    assert [len(part) for part in parts(digits)] == [1200, 297, 300]
    seen = [fingerprint(image) for part in parts(digits) for image in part.x]
    assert len(set(seen)) == len(seen) == len(known)
    assert [known[key] for key in seen] == [label for part in parts(digits) for label in part.y]


def test_every_part_of_the_digits_has_every_class(digits: Dataset) -> None:
    """A part without a class could not tell whether a model knows it."""
    for part in parts(digits):
        assert np.bincount(part.y, minlength=10).min() >= 0.06 * len(part)
        assert (str(part.x.dtype), str(part.y.dtype), part.x.shape[1:]) == ("float32", "int64", (1, 28, 28))
        assert (part.x.min(), part.x.max()) == (0, 1)


def test_digits_are_the_same_on_every_machine(digits: Dataset) -> None:
    """A known error rate holds for these very numbers, bit by bit."""
    assert [(fingerprint(part.x), fingerprint(part.y)) for part in parts(digits)] == DIGITS_ARE


@pytest.mark.parametrize(("n", "size"), [(8, 28), (8, 9), (5, 3), (4, 4), (1, 6)])
def test_resizing_is_bilinear(n: int, size: int) -> None:
    """The documented method is a known one: PyTorch's, by another route."""
    images = np.arange(2 * n * n).reshape(2, n, n) * 7 % 17
    wanted = torch.nn.functional.interpolate(
        torch.tensor(images[:, None] / 16), size=size, mode="bilinear", align_corners=False
    )
    assert np.allclose(datasets.resized(images, size, 16)[:, None], wanted, rtol=0, atol=1e-6)


def test_without_scikit_learn_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded digits need one package more, and a user must learn which."""
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    monkeypatch.setattr(datasets, "find_spec", lambda name: None)
    with pytest.raises(DatasetError, match=r'scikit-learn is not installed.*pip install "convgrader\[data\]"'):
        datasets.digits()


def test_digits_elsewhere_in_the_package_are_found(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package may keep its file in another place one day: then the package is asked."""
    monkeypatch.setattr(datasets, "find_spec", lambda name: None)
    again = datasets.digits()
    assert [fingerprint(part.x) for part in parts(again)] == [fingerprint(part.x) for part in parts(digits)]


@pytest.mark.parametrize("error", [OSError("Name or service not known"), ValueError("no such dataset")])
def test_without_a_network_the_message_names_other_ways(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many machines that grade have no network: the files and the embedded set are the way out."""

    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fails)
    with pytest.raises(DatasetError, match=r"openml\.org: .*Check the network, or put MNIST's four files .*'digits'"):
        datasets.openml_mnist()


def test_the_package_takes_what_it_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What scikit-learn refuses before it looks for a network would read like a network that is missing."""

    def fails(*_: Any, **__: Any) -> None:
        raise URLError("nobody answers")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", fails)
    with pytest.raises(DatasetError, match=r"^MNIST could not be fetched from openml\.org: nobody answers\. "):
        datasets.openml_mnist(tmp_path)


def test_what_is_fetched_is_split_like_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last 10,000 rows are MNIST's test images; labels come as text."""
    rows = np.zeros((10_012, 784), np.int64)
    rows[:, 0] = np.arange(len(rows)) % 256
    labels = np.array([str(n % 10) for n in range(len(rows))])

    class Bunch:
        data, target = rows, labels

    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *args, **options: Bunch)
    found = datasets.load("mnist")
    assert [len(part) for part in parts(found)] == [10, 2, 10_000]
    assert found.test.y[:3].tolist() == [2, 3, 4]
    assert found.test.x[:3, 0, 0, 0].tolist() == pytest.approx([12 / 255, 13 / 255, 14 / 255])


# Shapes ----------------------------------------------------------------------------------------------------


def test_shapes_are_the_same_on_every_machine() -> None:
    """Quick checks must not depend on the machine either."""
    found = datasets.drawn_shapes(24, size=12)
    assert (fingerprint(found.x), found.y[:6].tolist()) == SHAPES_ARE


def test_shapes_are_balanced_and_told_apart() -> None:
    """A set in which two classes look the same, or one is missing, cannot be learned."""
    found = datasets.drawn_shapes(60, shift=0, noise=0)
    assert np.bincount(found.y).tolist() == [10] * 6
    means = [found.x[found.y == kind].mean(axis=0) for kind in range(6)]
    apart = [abs(a - b).max() for i, a in enumerate(means) for b in means[:i]]
    assert min(apart) > 0.7
    assert set(np.unique(found.x)) == {0, 1}


def test_shift_and_noise_do_what_they_say() -> None:
    """A shift moves a shape's centre, no further than asked; noise changes pixels, no more than asked."""
    calm, moved, noisy = (datasets.drawn_shapes(30, size=40, shift=s, noise=n) for s, n in ((0, 0), (0.2, 0), (0, 0.3)))

    def centre(image: Any) -> Any:
        return np.array([(np.indices(image.shape)[axis] * image).sum() / image.sum() for axis in (0, 1)])

    distances = [abs(centre(a[0]) - centre(b[0])).max() for a, b in zip(moved.x, calm.x, strict=True)]
    assert 6 < max(distances) < 8 + 1.5
    assert 0.29 < abs(noisy.x - calm.x).max() <= 0.3 + 1e-6


def test_parts_and_labels_of_shapes_differ() -> None:
    """The same images to train and to test would make every model look good."""
    found = datasets.load("shapes")
    images = [fingerprint(image) for part in parts(found) for image in part.x]
    assert len(set(images)) == len(images) == 900
    assert fingerprint(datasets.shapes(6, 6, seed=1).train.x) != fingerprint(datasets.shapes(6, 6).train.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 7}, "size=7 must be at least 8"),
        ({"number": -1}, "number=-1"),
        ({"shift": 0.6}, r"shift=0\.6 must be from 0 to 0\.5"),
        ({"noise": 1.5}, r"noise=1\.5 from 0 to 1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    """A shape that lies outside its image would be a class of black pictures."""
    with pytest.raises(ValueError, match=message):
        datasets.drawn_shapes(**{"number": 2, **options})


# MNIST -----------------------------------------------------------------------------------------------------


def idx(array: Any) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + bytes(array.astype(np.uint8).tobytes())


def write_mnist(folder: Path, *, dot: str = "-", packed: bool = False) -> dict[str, Any]:
    """Write four small files of MNIST's format and return what is in them."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for part, number in (("train", 12), ("t10k", 5)):
        images = (np.arange(number * 6).reshape(number, 3, 2) * 3) % 256
        for kind, array in ((f"images{dot}idx3", images), (f"labels{dot}idx1", np.arange(number) % 10)):
            raw = idx(array)
            name = f"{part}-{kind}-ubyte" + (".gz" if packed else "")
            (folder / name).write_bytes(gzip.compress(raw) if packed else raw)
        made[part] = images
    return made


@pytest.mark.parametrize("below", ["", "MNIST/raw", "mnist"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_mnist_is_read_in_all_its_spellings(dot: str, packed: bool, below: str, tmp_path: Path) -> None:
    """The files go round under two names, compressed or not, and torchvision puts them into MNIST/raw."""
    made = write_mnist(tmp_path / below, dot=dot, packed=packed)
    found = datasets.load("mnist", tmp_path)
    assert [len(part) for part in parts(found)] == [10, 2, 5]
    assert found.test.y.tolist() == [0, 1, 2, 3, 4]
    assert np.allclose(found.test.x, made["t10k"][:, None] / 255, rtol=0, atol=1e-7)
    together = np.concatenate([found.train.x, found.validation.x])
    first = np.round(together[:, 0, 0, 0] * 255).astype(int).tolist()
    assert sorted(first) == sorted(made["train"][:, 0, 0].tolist())
    assert [n // 18 % 10 for n in first] == [*found.train.y, *found.validation.y]


def test_missing_files_are_named_with_the_way_out(tmp_path: Path) -> None:
    """Who has no files must learn which names are looked for, where, and what works without them."""
    with pytest.raises(DatasetError, match=r"no file train-images-idx3-ubyte \(or with \.gz\), .*digits") as caught:
        datasets.mnist(tmp_path)
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    assert all(f"no file {name}-ubyte" in str(caught.value) for name in names)
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        DatasetError, match=r"^no file t10k-labels-idx1-ubyte \(or with \.gz\) in any of .* Put it there"
    ):
        datasets.mnist(tmp_path)
    with pytest.raises(DatasetError, match=r"no file data_batch_1, .*cifar-10-batches-py.*'digits' needs no"):
        datasets.cifar10(tmp_path)
    with pytest.raises(DatasetError, match="cifar10 is read from files: name the folder"):
        datasets.load("cifar10")
    with pytest.raises(DatasetError, match="no set called 'minst'; there are digits, shapes, mnist and cifar10"):
        datasets.load("minst", tmp_path)


def test_a_folder_that_may_not_be_looked_into_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class's files belong to somebody else more often than not."""

    def refused(*_: Any) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(DatasetError, match=r"/data: it cannot be looked into \(Permission denied\)"):
        datasets.mnist(Path("/data"))


GOOD_IMAGES = idx(np.zeros((12, 3, 2)))


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("train-images-idx3-ubyte", GOOD_IMAGES[:-1], "announces 72 bytes, and there are 71"),
        ("train-images-idx3-ubyte", GOOD_IMAGES + b"x", "announces 72 bytes, and there are more"),
        ("train-images-idx3-ubyte", GOOD_IMAGES[:9], "not an IDX file"),
        ("train-images-idx3-ubyte", b"", "not an IDX file"),
        ("train-images-idx3-ubyte", b"\0\0\x0d\3" + GOOD_IMAGES[4:], r"starts with 0x00000d03"),
        ("train-images-idx3-ubyte", idx(np.zeros(12)), r"with 3 axes \(it starts with 0x00000801\)"),
        ("train-images-idx3-ubyte", b"\0\0\x08\3" + b"\xff" * 12, "which is too many"),
        ("train-labels-idx1-ubyte", idx(np.zeros(11)), "11 labels for 12 images"),
        ("train-labels-idx1-ubyte", idx(np.full(12, 10)), "labels from 0 to 9 are expected"),
    ],
)
def test_a_damaged_idx_file_is_refused(name: str, raw: bytes, message: str, tmp_path: Path) -> None:
    """Half a download must not become half a set without a word."""
    write_mnist(tmp_path)
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(DatasetError, match=message):
        datasets.mnist(tmp_path)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-20], lambda raw: GOOD_IMAGES, lambda raw: raw[:12] + b"?" * 20])
def test_a_damaged_gz_file_is_refused(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Cut off, not compressed at all, or overwritten inside."""
    write_mnist(tmp_path, packed=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(gzip.compress(GOOD_IMAGES)))
    with pytest.raises(DatasetError, match=r"ubyte\.gz: .*fetch it again"):
        datasets.mnist(tmp_path)


# CIFAR-10 --------------------------------------------------------------------------------------------------


def text(value: bytes) -> bytes:
    """Return Python 2's pickle of a string."""
    return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value


def batch(images: Any, labels: list[int], *, name: bytes = b"cnumpy.core.multiarray\n_reconstruct\n") -> bytes:
    """Return the bytes of a batch, operation by operation as Python 2's cPickle wrote CIFAR-10's."""
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    count = b"M" + struct.pack("<H", len(labels))
    dtype = b"cnumpy\ndtype\nq\n" + text(b"u1") + b"K\0K\1\x87Rq\x0b(K\3" + text(b"|") + b"NNN"
    dtype += b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    array = name + b"q\7cnumpy\nndarray\nq\x08K\0\x85" + text(b"b") + b"\x87Rq\t(K\1" + count + b"M\0\x0c\x86"
    array += dtype + b"\x89" + text(images.astype(np.uint8).tobytes()) + b"tb"
    head = b"\x80\2}q\1(" + text(b"batch_label") + b"q\2" + text(b"training batch 1 of 5") + b"q\3"
    body = text(b"labels") + b"q\4]q\5(" + numbers + b"e" + text(b"data") + b"q\6" + array
    files = text(b"filenames") + b"q\x0c]q\r(" + b"".join(text(b"a%d.png" % n) for n in range(len(labels))) + b"e"
    return head + body + files + b"u."


IMAGES = (np.arange(2 * 3072).reshape(2, 3072) * 7) % 256


def test_a_batch_is_read_as_pickle_would_read_it(tmp_path: Path) -> None:
    """The tests' own file must be a real pickle, and the two readers must agree on it."""
    raw = batch(IMAGES, [3, 9])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy's old module name
        wanted = pickle.loads(raw, encoding="bytes")
    path = tmp_path / "data_batch_1"
    path.write_bytes(raw)
    got = datasets.read_batch(path)
    assert got.y.tolist() == wanted[b"labels"] == [3, 9]
    assert np.array_equal(np.round(got.x * 255).reshape(2, 3072), wanted[b"data"])
    assert got.x[0, 1, 0, 1] == np.float32(IMAGES[0, 1025] / 255), "green, row 0, column 1"


@pytest.mark.parametrize("below", ["", "cifar-10-batches-py"])
def test_cifar10_is_put_together_from_its_batches(below: str, tmp_path: Path) -> None:
    """Five batches train, a fifth of them validates, and the test batch stays apart."""
    folder = tmp_path / below
    folder.mkdir(exist_ok=True)
    for number in range(1, 6):
        (folder / f"data_batch_{number}").write_bytes(batch(IMAGES + number, [number, number]))
    (folder / "test_batch").write_bytes(batch(IMAGES, [0, 9]))
    found = datasets.load("cifar10", tmp_path)
    assert [len(part) for part in parts(found)] == [8, 2, 2]
    assert sorted([*found.train.y, *found.validation.y]) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found.test.y.tolist() == [0, 9]
    assert found.train.x.shape == (8, 3, 32, 32)
    assert len(found.classes) == 10


class Hostile:
    """What pickle would turn into a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_runs_nothing(protocol: int, tmp_path: Path) -> None:
    """A data set from the net must not be able to take over the machine that grades."""
    trace, path = tmp_path / "trace", tmp_path / "data_batch_1"
    raw = pickle.dumps({b"data": Hostile(trace), b"labels": [1]}, protocol)
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match=r"not a batch of CIFAR-10's python version .*is not allowed"):
        datasets.read_batch(path)
    assert not trace.exists()
    pickle.loads(raw)
    assert trace.exists(), "the file was harmless, so that refusing it shows nothing"


GOOD = batch(IMAGES, [3, 9])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not a batch"),
        (GOOD[:-1], "not a batch"),
        (GOOD[:3000], "not a batch"),
        (b"\x1f\x8b" + GOOD, "not a batch"),
        (batch(IMAGES, [3, 9], name=b"cos\nsystem\n"), "it names os system, which is not allowed"),
        (batch(IMAGES, [3, 9], name=b"cnumpy\ndtype\n"), "a call of numpy dtype is not allowed"),
        (batch(IMAGES[:1], [3, 9]), "not a batch"),
        (GOOD.replace(b"(K\1M", b"(K\2M"), "an array of bytes in C order is expected"),
        (batch(IMAGES, [3, 10]), "labels from 0 to 9 are expected"),
        (GOOD.replace(b"labels", b"fine_l"), "not a batch"),
        (GOOD.replace(b"u1", b"i1"), "a call of numpy dtype is not allowed"),
        (GOOD.replace(b"K\3K\x09e", b"]K\x09e"), "the labels are not whole numbers"),
        (b"\x80\2]q\1(h\1h\1eK\0K\0K\0b.", "not a batch"),
        (b"\x80\2\x87.", "nothing left on the stack"),
        (b"\x80\2cnumpy\nndarray\nN\x85b.", "not a batch"),
        (b"\x80\2cnumpy\nndarray\nNb.", "a state of numpy ndarray is not allowed"),
    ],
)
def test_a_damaged_batch_is_refused(raw: bytes, message: str, tmp_path: Path) -> None:
    """Cut, overwritten or made by somebody else: one message, and never a traceback."""
    path = tmp_path / "data_batch_1"
    path.write_bytes(raw)
    with pytest.raises(DatasetError, match=message):
        datasets.read_batch(path)


def test_a_batch_that_is_too_large_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of many gigabytes would take all memory before its first operation."""
    path = tmp_path / "data_batch_1"
    path.write_bytes(GOOD)
    monkeypatch.setattr(datasets, "LARGEST", 100)
    with pytest.raises(DatasetError, match="too large for a batch"):
        datasets.read_batch(path)

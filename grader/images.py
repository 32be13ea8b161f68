"""Pictures made of pixels: read from an instructor's file, and written as PNG for a page.

A file is data from anywhere. Its size is known from its header before a pixel of it is unpacked, so that a small file
cannot become gigabytes; what is read is whole numbers, and nothing of the file reaches a page but those.
"""

from __future__ import annotations

import base64
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_BYTES = 32 << 20  # of a file
MOST_SIDE = 4096  # pixels; together at most MOST_PIXELS
MOST_PIXELS = 2_000_000
FORMATS = ("PNG", "JPEG")
_PPM = re.compile(rb"P6\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s")


@dataclass(frozen=True)
class Image:
    """A colour image: its file's name, and rows of pixels as bytes, three a pixel (red, green, blue)."""

    name: str
    height: int
    width: int
    data: bytes

    @property
    def pixels(self) -> npt.NDArray[Any]:
        """The image as an array: (H, W, 3) uint8, read-only."""
        import numpy as np

        return np.frombuffer(self.data, np.uint8).reshape(self.height, self.width, 3)


@dataclass(frozen=True)
class Plate:
    """A picture for a page: `pixels()` is (H, W) or (H, W, 3) uint8, and `alt` says in words what is to be seen.

    The pixels are asked for only where they are shown, so that a page of text costs nothing.
    """

    caption: str
    alt: str
    pixels: Callable[[], Any]


def read_image(path: Path, least: tuple[int, int] = (1, 1)) -> Image:
    """Return a PNG, JPEG or PPM (P6, up to 255) as a colour image of at least (height, width) pixels.

    PNG and JPEG take Pillow, which is optional; PPM takes nothing. A picture with an alpha channel stands on white.

    Raises:
        InputError: no such file, no such format, a damaged file, or one that is too small or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: it cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: it has more than {MOST_BYTES >> 20} MB", hint="Save the picture smaller.")
    if data.startswith(b"P6"):
        return _ppm(path, data, least)
    return _by_pillow(path, data, least)


def _ppm(path: Path, data: bytes, least: tuple[int, int]) -> Image:
    header = _PPM.match(data)
    if header is None or int(header[3]) != 255:
        raise _damaged(path, "a PPM begins with P6, width, height and 255")
    width, height = int(header[1]), int(header[2])
    _check_size(path, (height, width), least)
    pixels = data[header.end() : header.end() + 3 * height * width]
    if len(pixels) < 3 * height * width:
        raise _damaged(path, "it ends before its last pixel")
    return Image(path.name, height, width, pixels)


def _by_pillow(path: Path, data: bytes, least: tuple[int, int]) -> Image:
    try:
        from PIL import Image as Pillow
    except ImportError:
        raise InputError(
            f"{path}: reading PNG and JPEG takes Pillow, which is not installed",
            hint='Install it: pip install "convgrader[images]". A PPM (P6) is read without it.',
        ) from None
    import io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of many pixels; they are counted below
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as opened:
                _check_size(path, (opened.height, opened.width), least)
                if opened.has_transparency_data:
                    clear = opened.convert("RGBA")
                    white = Pillow.new("RGBA", clear.size, "white")
                    colours = Pillow.alpha_composite(white, clear).convert("RGB")
                else:
                    colours = opened.convert("RGB")
                return Image(path.name, colours.height, colours.width, colours.tobytes())
    except InputError:
        raise
    except Pillow.DecompressionBombError:
        raise _too_large(path, "far too many pixels") from None
    except Exception as error:  # a damaged file can make a decoder raise anything
        raise _damaged(path, "PNG, JPEG and PPM (P6) are read") from error


def _check_size(path: Path, size: tuple[int, int], least: tuple[int, int]) -> None:
    shown = f"{size[0]:,} x {size[1]:,} pixels (height x width)"
    if size[0] < least[0] or size[1] < least[1]:
        raise InputError(f"{path}: it has {shown}; at least {least[0]} x {least[1]} are needed")
    if max(size) > MOST_SIDE or size[0] * size[1] > MOST_PIXELS:
        raise _too_large(path, shown)


def _too_large(path: Path, shown: str) -> InputError:
    return InputError(
        f"{path}: it has {shown}; at most {MOST_PIXELS:,} pixels are taken, and {MOST_SIDE:,} a side",
        hint="Save the picture smaller.",
    )


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"{path}: it cannot be read as a picture: {why}")


# Writing ---------------------------------------------------------------------------------------------------


def png(pixels: Any) -> bytes:
    """Return (H, W) grey or (H, W, 3) colour bytes as a PNG.

    Raises:
        ValueError: another shape or dtype.

    >>> import numpy as np
    >>> png(np.zeros((2, 3), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    if str(pixels.dtype) != "uint8" or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)):
        raise ValueError(f"pixels: {pixels.dtype} of shape {pixels.shape}; uint8 of (H, W) or (H, W, 3) is needed")
    return _png(pixels.tobytes(), pixels.shape)


@lru_cache(maxsize=32)  # one picture stands on many pages
def _png(data: bytes, shape: tuple[int, ...]) -> bytes:
    """Each row is written as what it differs from the row above (filter 2), which packs pictures well."""
    import numpy as np

    rows = np.frombuffer(data, np.uint8).reshape(shape[0], -1)
    lines = np.full((shape[0], rows.shape[1] + 1), 2, np.uint8)
    lines[0, 1:] = rows[:1]
    lines[1:, 1:] = rows[1:] - rows[:-1]  # modulo 256, as the format has it
    header = struct.pack(">IIBBBBB", shape[1], shape[0], 8, 2 if len(shape) == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def data_uri(pixels: Any) -> str:
    """Return pixels as the address of an embedded PNG."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()

"""Pictures: files from anywhere are read as pixels or refused in a sentence, and what is written is a real PNG."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Pillow

from exercises import feature_maps as topic
from exercises.contracts._scene import SHOWCASE
from exercises.contracts.feature_maps import FEATURE_MAPS
from exercises.feature_maps import EXERCISE, filters_shown, shown_maps
from grader.cli.main import cli
from grader.errors import InputError
from grader.exercise import Level
from grader.functions.cases import case_set
from grader.functions.judge import judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.images import MOST_BYTES, Image, png, read_image
from grader.outcome import Outcome
from grader.report.record import check
from grader.sheet import render_key, render_sheet, render_stub
from grader.variant import AnyVariant, Seeded, draw_variant
from solutions.feature_maps import feature_maps, feature_maps_in_bands
from solutions.scenes import scene
from solutions.twins.feature_maps import kernel_flipped

SMALL = scene(20, 30)


@pytest.fixture(scope="module")
def variant() -> AnyVariant:
    return draw_variant(EXERCISE, Level.STANDARD, Seeded(1))


def saved(path: Path, mode: str = "RGB", **options: Any) -> Path:
    Pillow.fromarray(SMALL).convert(mode).save(path, **options)
    return path


def ppm(path: Path, pixels: Any = SMALL, header: bytes = b"") -> Path:
    path.write_bytes((header or b"P6 # a comment\n30 20\n255\n") + pixels.tobytes())
    return path


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def claims(height: int, width: int, *more: bytes) -> bytes:
    """A PNG whose header claims so many pixels, whatever it holds."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    packed = chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + packed + chunk(b"IEND", b"")


# Reading ---------------------------------------------------------------------------------------------------


def test_every_format_gives_the_pixels(tmp_path: Path) -> None:
    """What is shown is the picture that was chosen: bit by bit where the format keeps bits."""
    for path in (
        ppm(tmp_path / "a.ppm"),
        saved(tmp_path / "a.png"),
        saved(tmp_path / "wrong-suffix.txt", format="PNG"),
    ):
        assert np.array_equal(read_image(path).pixels, SMALL), path
    lossy = read_image(saved(tmp_path / "a.jpg", quality=95)).pixels
    assert np.abs(lossy.astype(int) - SMALL).mean() < 12
    grey = read_image(saved(tmp_path / "grey.png", "L")).pixels
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert read_image(saved(tmp_path / "palette.png", "P")).pixels.shape == (20, 30, 3)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    """Dropping the alpha channel would show colours that nobody sees in the picture."""
    Pillow.new("RGBA", (30, 20), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png").pixels.min() == 255


HOSTILE = {
    "empty": (b"", "cannot be read as a picture"),
    "text": (b"hello, world\n" * 9, "cannot be read as a picture"),
    "pickle": (b"\x80\x04\x95", "cannot be read as a picture"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read as a picture"),
    "gif": (b"GIF89a\x1e\x00\x14\x00\x00\x00\x00;", "cannot be read as a picture"),
    "bomb": (claims(60_000, 60_000), "far too many pixels; at most 2,000,000 pixels"),
    "many": (claims(4000, 4000), "4,000 x 4,000 pixels .height x width.; at most 2,000,000 pixels"),
    "huge": (claims(2**31 - 1, 2**31 - 1), "cannot be read as a picture|at most 2,000,000 pixels"),
    "long": (claims(13, 5000), "13 x 5,000 pixels .*4,096 a side"),
    "text bomb": (claims(20, 20, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(80 << 20), 9))), "cannot be read"),
    "profile bomb": (claims(1999, 13, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(80 << 20), 9))), "cannot be read"),
    "cut": (png(SMALL)[:-60], "cannot be read as a picture"),
    "small": (png(scene(20, 12)), "it has 20 x 12 pixels .height x width.; at least 13 x 13 are needed"),
    "ppm cut": (b"P6 30 20 255\n" + bytes(99), "it ends before its last pixel"),
    "ppm bomb": (b"P6 99999999 99999999 255\n", "at most 2,000,000 pixels"),
    "ppm deep": (b"P6 30 20 65535\n" + bytes(3600), "a PPM begins with P6, width, height and 255"),
    "ppm words": (b"P6 thirty twenty 255\n", "a PPM begins with P6"),
    "large": (b"P6" + bytes(MOST_BYTES), "more than 32 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    """A picture comes from anywhere: no file may end in a traceback or in gigabytes of memory."""
    data, message = HOSTILE[name]
    path = tmp_path / "file.png"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_image(path, (13, 13))


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """A wrong path is the commonest mistake."""
    with pytest.raises(InputError, match=r"none\.png: it cannot be read: No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(InputError, match="it cannot be read: Is a directory"):
        read_image(tmp_path)


def test_without_pillow_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow is optional: a PPM is read without it, and for the rest its name is said."""
    path = saved(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InputError, match="takes Pillow, which is not installed") as caught:
        read_image(path)
    assert "convgrader[images]" in caught.value.hint
    assert read_image(ppm(tmp_path / "a.ppm")).height == 20


# Writing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pixels", [SMALL, SMALL[..., 1], SMALL[:1, :1], SMALL[::-1, ::2, 0]], ids=lambda p: p.shape)
def test_a_written_png_is_read_back_by_another_library(pixels: Any) -> None:
    """Browsers are strict: checksums, filters and sizes must all be right."""
    with Pillow.open(io.BytesIO(png(pixels))) as opened:
        opened.verify()
    assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(png(pixels)))), pixels)


def test_what_is_no_picture_is_not_written() -> None:
    """A map of floats must be stretched first; writing its bytes would show noise."""
    with pytest.raises(ValueError, match=r"float64 of shape \(2, 2\)"):
        png(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"shape \(2, 2, 4\)"):
        png(np.zeros((2, 2, 4), np.uint8))


# On the sheet and in the key -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(13, 13), (14, 13), (52, 20), (53, 17), (57, 21), (97, 14), (101, 30)])
def test_bands_are_the_whole(size: tuple[int, int]) -> None:
    """A seam between bands would be a line in the picture that no filter made."""
    image = scene(*size).transpose(2, 0, 1) / 255
    filters = np.sin(np.arange(2 * 3 * 81.0)).reshape(2, 3, 9, 9) / 9
    for tiles in (1, 3, 8):
        for one, other in zip(
            feature_maps_in_bands(image, filters, np.ones(2), 5, tiles),
            feature_maps(image, filters, np.ones(2), 5),
            strict=True,
        ):
            assert one.shape == other.shape
            assert np.allclose(one, other, rtol=0, atol=1e-12)


def test_the_pictures_are_the_references_maps(variant: AnyVariant) -> None:
    """The handout's sizes, and numbers that PyTorch finds as well."""
    import torch

    maps, pooled = shown_maps(variant.p, None)
    assert (maps.shape, pooled.shape) == ((2, 631, 508), (2, 126, 101))
    image = torch.from_numpy(scene().transpose(2, 0, 1).copy()).double()[None] / 255
    wanted = torch.sigmoid(torch.nn.functional.conv2d(image, torch.from_numpy(filters_shown(variant.p)).double()))
    assert np.allclose(maps, wanted[0].numpy(), rtol=0, atol=1e-4)
    assert np.allclose(pooled, torch.nn.functional.avg_pool2d(wanted, 5)[0].numpy(), rtol=0, atol=1e-4)


def test_sheet_and_key_show_them_with_words(variant: AnyVariant) -> None:
    """Four pictures on the sheet, four more in the key, each described for those who do not see it."""
    sheet, key = (render(variant, medium="html") for render in (render_sheet, render_key))
    assert (sheet.count("data:image/png"), key.count("data:image/png")) == (4, 8)
    assert "img-src data:" in sheet
    for text in (render_key(variant), key):
        assert "a house with a red roof" in text
        assert "Feature map 1, 631 × 508" in text
        assert "Pooled map 0, 126 × 101" in text
    assert "Worked out" not in sheet


def test_another_picture_changes_what_is_seen_and_nothing_else(variant: AnyVariant) -> None:
    """The marks must not depend on the picture: same numbers, same id, same stub."""
    image = Image("own.png", 60, 40, scene(60, 40).tobytes())
    own, other = (render_key(variant, medium="html", image=given) for given in (None, image))
    pictures = [page.count("data:image/png") for page in (own, other)]
    assert pictures == [8, 8]
    assert "Feature map 1, 52 × 32" in other
    assert "the image that was chosen for this sheet" in other
    assert "house" not in other
    assert "60 × 40 pixels become 52 × 32 entries" in other
    text = render_sheet(variant, image=image).split("To look at")[0]
    assert text == render_sheet(variant).split("To look at")[0]
    assert topic.shown_maps(variant.p, image)[1].shape == (2, 10, 6)


def test_a_report_shows_what_a_function_makes_of_a_picture() -> None:
    """The student's own maps, as the report's record has them; what is no map is left out, and never an error."""
    call = SHOWCASE.call()
    maps, pooled = feature_maps(*call.args)
    assert maps.size * call.args[1][0].size < 100_000, "every submission makes it, loops in Python too"
    found = check(SHOWCASE.show(call, (maps, pooled)))["maps"]
    assert {name: np.shape(stack) for name, stack in found.items()} == {
        "channels of a picture": (3, 40, 34),
        "feature maps of it": (2, 38, 32),
        "pooled maps of it": (2, 19, 16),
    }
    assert np.array_equal(np.array(found["channels of a picture"])[1], scene(40, 34)[..., 1])
    grey = (maps[1] - maps[1].min()) / (maps[1].max() - maps[1].min()) * 255
    assert np.abs(np.array(found["feature maps of it"])[1] - grey).max() <= 0.5
    flat = np.zeros_like(maps), np.full(pooled.shape, 10**18)
    assert np.max(SHOWCASE.show(call, flat)["maps"]["feature maps of it"]) == 0
    hostile = (None, "maps", maps, (maps,), (maps, maps), (maps, None), (maps * np.nan, pooled), (maps > 0, pooled))
    for value in hostile:
        assert SHOWCASE.show(call, value) == {}


def hands_in(function: Any) -> Any:
    runner = Runner(lambda: LocalSession({"feature_maps": function}))
    return judge(case_set(FEATURE_MAPS, b"seen"), runner, "feature_maps", Fraction(1), trials=5)


def test_the_record_comes_with_the_verdict_and_not_from_what_dies() -> None:
    """A wrong function is shown as well, since its maps tell why; one that raises has nothing to show."""
    right, wrong = hands_in(feature_maps), hands_in(kernel_flipped)
    assert right.outcome is Outcome.CORRECT
    assert set(right.record["maps"]) == set(wrong.record["maps"])
    assert right.record["maps"]["feature maps of it"] != wrong.record["maps"]["feature maps of it"]
    assert wrong.score == 0

    def nothing(*given: Any) -> Any:
        raise ValueError(len(given))

    assert hands_in(nothing).record == {}


def test_who_is_right_shows_it_in_the_process_that_is_there() -> None:
    """A process more costs more than the picture; but what is wrong may have spoilt its own, and more may follow."""
    for function, last, number in ((feature_maps, True, 1), (feature_maps, False, 2), (kernel_flipped, True, 3)):
        opened: list[LocalSession] = []

        def session(function: Any = function, opened: list[LocalSession] = opened) -> LocalSession:
            opened.append(LocalSession({"feature_maps": function}))
            return opened[-1]

        cases = case_set(FEATURE_MAPS, b"seen")
        result = judge(cases, Runner(session), "feature_maps", Fraction(1), trials=5, last=last)
        assert result.record
        assert len(opened) == number


def generate(*words: str) -> Any:
    return CliRunner().invoke(cli, ["generate", "--seed", "1", *words])


def test_the_command_shows_an_image_of_ones_own(tmp_path: Path, variant: AnyVariant) -> None:
    """From the file to the page, with the stub as ever."""
    done = generate("--topic", "feature_maps", "--image", str(saved(tmp_path / "a.png")), "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "20 by 30 pixels in colour" in (tmp_path / "out/feature_maps.md").read_text()
    assert (tmp_path / "out/feature_maps.py").read_text() == render_stub(variant)


def test_the_command_refuses_what_it_cannot_show(tmp_path: Path) -> None:
    """Nothing is written when the picture is no picture, or when no topic shows one."""
    out = tmp_path / "out"
    (tmp_path / "tiny.ppm").write_bytes(b"P6 12 13 255\n" + bytes(3 * 156))
    done = generate("--topic", "feature_maps", "--image", str(tmp_path / "tiny.ppm"), "-o", str(out))
    assert isinstance(done.exception, InputError)
    assert "at least 13 x 13" in done.exception.message
    done = generate("--topic", "padding", "--image", str(saved(tmp_path / "a.png")), "-o", str(out))
    assert done.exit_code == 2
    assert "none of these topics shows a picture" in done.output
    assert not out.exists()

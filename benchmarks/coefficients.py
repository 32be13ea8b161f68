"""`python -m benchmarks.coefficients`: what logistic regression learns of digits; writes exercises/measured/.

Two are fitted: on digits of 28 × 28 pixels, whose coefficients are kept as coarse pictures, and on digits of 4 × 4
pixels, whose coefficients are rounded to whole numbers, so that a person can work with them. The digits that neither
was fitted to are kept too, in 4 × 4 pixels.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.shifted import digest, held_out
from solutions import baselines, datasets
from solutions.datasets import Array, Dataset

FILE = Path(__file__).resolve().parents[1] / "exercises" / "measured" / "baselines_coefficients.json"
SIDE, WHITE = 4, 4  # of the small digits: pixels along a side, and the largest value of a pixel
CONTRAST = 1.2  # means over tiles are greyer than strokes; what exceeds white is white
SCALE = 2  # by how much coefficients are multiplied before they are rounded: the largest class stays the largest
SHOWN = 7  # pixels along a side of the pictures


def tiled(x: Array, side: int) -> Array:
    """Return the means over square tiles: x (N, H, H) to (N, side, side)."""
    tile = x.shape[-1] // side
    return np.asarray(x.reshape(len(x), side, tile, side, tile).mean((2, 4)))


def small(x: Array) -> Array:
    """Return images (N, 1, 28, 28) from 0 to 1 as whole numbers from 0 to WHITE: (N, SIDE * SIDE)."""
    values = np.clip(CONTRAST * tiled(x[:, 0].astype(float), SIDE), 0, 1)
    return np.asarray(np.floor(WHITE * values + 0.5).astype(int).reshape(len(x), -1))


def greys(coefficients: Array) -> list[list[str]]:
    """Return coefficients (classes, 28 * 28) as coarse pictures, rows of digits: 0 the lowest, 9 the highest."""
    planes = tiled(coefficients.reshape(len(coefficients), 28, 28), SHOWN)
    tones = np.floor(4.5 + 4.5 * planes / np.abs(planes).max() + 0.5).astype(int)
    return [["".join(map(str, row)) for row in tone] for tone in tones]


def fitted(found: Dataset) -> tuple[Any, Array, Array]:
    """Return the logistic regression on small digits, and its coefficients and intercepts as whole numbers."""
    model = baselines.logistic().fit(small(found.train.x), found.train.y)
    weights, biases = (np.rint(SCALE * values).astype(int) for values in (model.coef_, model.intercept_))
    return model, weights, biases


def percent(right: Array) -> float:
    return round(100 * float(right.mean()), 1)


def measure() -> dict[str, Any]:
    """Fit both and return the document."""
    import sklearn

    found = datasets.digits()
    held = held_out(found)
    whole = baselines.fitted(baselines.recipes()[0], found.train, seed=0)
    few, weights, biases = fitted(found)
    x = small(held.x)
    return {
        "command": "python -m benchmarks.coefficients",
        "data": {"set": found.name, "digest": digest(found), "trained on": len(found.train), "tested on": len(held)},
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "accuracy": {
            "28 × 28 pixels": percent(baselines.predicted(whole, held.x) == held.y),
            "4 × 4 pixels": percent(few.predict(x) == held.y),
            "4 × 4 pixels, rounded": percent((x @ weights.T + biases).argmax(1) == held.y),
        },
        "parameters": {"28 × 28 pixels": baselines.parameters(whole), "4 × 4 pixels": baselines.parameters(few)},
        "white": WHITE,
        "coefficients": [" ".join(map(str, row)) for row in weights.tolist()],
        "intercepts": " ".join(map(str, biases.tolist())),
        "digits": sorted({f"{y} {''.join(map(str, row))}" for y, row in zip(held.y, x.tolist(), strict=True)}),
        "pictures": greys(whole.coef_),
    }


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=FILE, help="The file to write.")
def main(output: Path) -> None:
    """Measure what logistic regression learns of digits, large and small."""
    found = measure()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, accuracy in found["accuracy"].items():
        click.echo(f"logistic regression, {name}: {accuracy} % of {found['data']['tested on']} digits")


if __name__ == "__main__":
    main(prog_name=f"{Path(sys.executable).name} -m benchmarks.coefficients")

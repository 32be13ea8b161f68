"""`python -m benchmarks.shifted`: how far three models fall on shifted digits; writes exercises/measured/.

Each model is trained on the digits as they are. Every held-out digit is then shown to it at every position up to
`MOST` pixels away, so that no draw of shifts is in the figures. Intervals are over digits: all positions of one digit
count as one observation, since they succeed and fail together.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import numpy as np

from solutions import baselines, datasets
from solutions.datasets import Array, Dataset, Examples
from solutions.shifts import positions, shift_images

FILE = Path(__file__).resolve().parents[1] / "exercises" / "measured" / "shifted_digits.json"
SHARE = 10  # percent of the side by which digits are shifted at most
MOST = 4  # pixels, for the curve
Z = 1.96  # of a 95 % interval


def held_out(found: Dataset) -> Examples:
    """Return what no model is trained on; nothing is chosen by the validation part here, so it is tested on too."""
    return Examples(
        np.concatenate([found.validation.x, found.test.x]), np.concatenate([found.validation.y, found.test.y])
    )


def digest(found: Dataset) -> str:
    """Return a fingerprint of all images and labels."""
    state = hashlib.sha256()
    for part in (found.train, found.validation, found.test):
        state.update(np.ascontiguousarray(part.x).tobytes() + part.y.astype("<i8").tobytes())
    return state.hexdigest()[:16]


def hits(model: Any, held: Examples) -> dict[tuple[int, int], Array]:
    """Return for each position which digits the model knows there: (N,) bool."""
    return {by: baselines.predicted(model, shift_images(held.x, *by)) == held.y for by in positions(MOST)}


def within(seen: Mapping[tuple[int, int], Array], most: int) -> Array:
    """Return each digit's share of positions up to `most` pixels away at which it is known: (N,)."""
    return np.asarray(np.mean([seen[by] for by in positions(most)], axis=0))


def estimate(per_digit: Array) -> dict[str, float]:
    """Return mean and 95 % interval in percent, from one number for each digit."""
    mean, half = float(np.mean(per_digit)), Z * float(np.std(per_digit, ddof=1)) / math.sqrt(len(per_digit))
    return {
        name: round(100 * value, 1) for name, value in (("mean", mean), ("low", mean - half), ("high", mean + half))
    }


def summary(recipe: baselines.Recipe, count: int, runs: Sequence[Mapping[tuple[int, int], Array]], most: int) -> Any:
    falls = [100 * float(np.mean(within(seen, 0) - within(seen, most))) for seen in runs]
    return {
        "name": recipe.name,
        "trained": recipe.optimizer + (f", {recipe.epochs} epochs" if recipe.epochs else ""),
        "parameters": count,
        "as they are": estimate(np.mean([within(seen, 0) for seen in runs], axis=0)),
        "shifted": estimate(np.mean([within(seen, most) for seen in runs], axis=0)),
        "fall": estimate(np.mean([within(seen, 0) - within(seen, most) for seen in runs], axis=0)),
        "fall of every seed": [round(fall, 1) for fall in falls],
        "by distance": [
            round(100 * float(np.mean([within(seen, far) for seen in runs])), 1) for far in range(MOST + 1)
        ],
    }


def measure(seeds: int) -> dict[str, Any]:
    """Train every model for every seed and return the document."""
    import sklearn
    import torch

    torch.set_num_threads(1)
    found = datasets.digits()
    held, most = held_out(found), found.train.x.shape[-1] * SHARE // 100
    models, per_digit = [], []
    for recipe in baselines.recipes():
        runs, count = [], 0
        for seed in range(1, (seeds if recipe.epochs else 1) + 1):
            model = baselines.fitted(recipe, found.train, seed=seed)
            count = baselines.parameters(model)
            runs.append(hits(model, held))
            click.echo(f"{recipe.name}, seed {seed}: {100 * within(runs[-1], 0).mean():.1f} % as they are", err=True)
        models.append(summary(recipe, count, runs, most))
        per_digit.append(np.mean([within(seen, 0) - within(seen, most) for seen in runs], axis=0))
    return {
        "command": f"python -m benchmarks.shifted --seeds {seeds}",
        "data": {"set": found.name, "digest": digest(found), "trained on": len(found.train), "tested on": len(held)},
        "side": found.train.x.shape[-1],
        "share": SHARE,
        "pixels": most,
        "positions": (2 * most + 1) ** 2,
        "seeds": seeds,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "torch": torch.__version__,
        },
        "models": models,
        "margins": list(margins([model["name"] for model in models], per_digit)),
    }


def margins(names: Sequence[str], falls: Sequence[Array]) -> Iterator[dict[str, Any]]:
    """Yield by how much more one model falls than another, digit for digit, for every pair."""
    ordered = sorted(range(len(names)), key=lambda at: -float(falls[at].mean()))
    for one, other in combinations(ordered, 2):
        yield {"more": names[one], "less": names[other], **estimate(falls[one] - falls[other])}


@click.command()
@click.option("--seeds", type=click.IntRange(2, 100), default=8, show_default=True, help="Trainings of each network.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=FILE, help="The file to write.")
def main(seeds: int, output: Path) -> None:
    """Measure how far logistic regression, an MLP and a CNN fall on shifted digits."""
    found = measure(seeds)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for model in found["models"]:
        fall = model["fall"]
        click.echo(f"{model['name']}: falls by {fall['mean']} points ({fall['low']} to {fall['high']})")


if __name__ == "__main__":
    main(prog_name=f"{Path(sys.executable).name} -m benchmarks.shifted")

"""Three models that a convolutional network is measured against and with: logistic regression, an MLP and a CNN.

The networks are those of the course handout, with its optimizers; images are (N, C, H, W) float32 from 0 to 1. PyTorch
and scikit-learn are imported where they are used: exercises that only speak of these models need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from solutions import counting
from solutions.datasets import Array, DatasetError, Examples

if TYPE_CHECKING:
    import torch

CLASSES = 10
HIDDEN = (256, 128, 64)
BATCH = 64
ITERATIONS = 2000  # at most, of the solver of logistic regression


def logistic() -> Any:
    """Return scikit-learn's LogisticRegression, not fitted: one weight a pixel and class, and one bias a class.

    Raises:
        DatasetError: scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise DatasetError('scikit-learn is not installed. Install it: pip install "convgrader[data]"') from None
    return LogisticRegression(max_iter=ITERATIONS)


def mlp(hidden: Sequence[int] = HIDDEN, *, inputs: int = 28 * 28, classes: int = CLASSES) -> torch.nn.Sequential:
    """Return dense layers with ReLU between them and log-softmax at the end; images are flattened first."""
    from torch import nn

    sizes = (inputs, *hidden, classes)
    dense: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(sizes):
        dense += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*dense[:-1], nn.LogSoftmax(dim=1))


def cnn(*, channels: int = 1, size: int = 28, classes: int = CLASSES) -> torch.nn.Sequential:
    """Return convolutions of 10 and 20 filters of 5 by 5, each max-pooled, dropout, then 50 units and log-softmax.

    Raises:
        ValueError: the image is too small for both convolutions and poolings.
    """
    from torch import nn

    side = ((size - 4) // 2 - 4) // 2
    if side < 1:
        raise ValueError(f"size={size} must be at least 16: two convolutions of 5 by 5 and two poolings take that much")
    return nn.Sequential(
        nn.Conv2d(channels, 10, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(10, 20, 5),
        nn.Dropout2d(),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(20 * side * side, 50),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(50, classes),
        nn.LogSoftmax(dim=1),
    )


def parameters(model: Any) -> int:
    """Return how many numbers a model has learned: of a network, or of a fitted logistic regression."""
    if hasattr(model, "coef_"):
        return int(model.coef_.size + model.intercept_.size)
    return sum(parameter.numel() for parameter in model.parameters())


def hidden_parameters(units: int, inputs: int, classes: int) -> int:
    """Return the parameters of an MLP with one hidden layer of so many units.

    >>> hidden_parameters(27, 784, 10)
    21475
    """
    return counting.mlp_parameters((inputs, units, classes))


def resized(count: int, inputs: int, classes: int) -> int:
    """Return the hidden units, at least 1, that bring an MLP with one hidden layer nearest to `count` parameters.

    Every unit has a weight from each input, a bias and a weight to each class; the biases of the classes are there in
    any case. Of two that are equally near, the smaller one.

    >>> resized(21840, 784, 10)
    27
    """
    each = inputs + classes + 1
    below = max(1, (count - classes) // each)
    return min((below, below + 1), key=lambda units: abs(hidden_parameters(units, inputs, classes) - count))


# Training --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipe:
    """A model with the way it is trained; `epochs` 0 stands for a solver that runs until it is done."""

    name: str
    build: Callable[[], Any]
    optimizer: str = ""  # in words, for a table
    epochs: int = 0


def recipes() -> tuple[Recipe, ...]:
    """Return the three models in the order of the handout; epochs are those at which small sets are learned."""
    return (
        Recipe("logistic regression", logistic, "L-BFGS, L2 penalty"),
        Recipe("MLP", mlp, "SGD, rate 0.01, momentum 0.5", 200),
        Recipe("CNN", cnn, "Adam, rate 0.001", 60),
    )


def fitted(recipe: Recipe, examples: Examples, *, seed: int, batch: int = BATCH) -> Any:
    """Return the recipe's model, trained; the same seed gives the same model on one machine and version of PyTorch.

    Logistic regression has one best solution, and does not depend on the seed.
    """
    if not recipe.epochs:
        return recipe.build().fit(examples.x.reshape(len(examples), -1), examples.y)
    with seeded(seed) as generator:
        model = recipe.build()
        train(model, examples, _optimizer(recipe, model), recipe.epochs, generator, batch=batch)
    return model


def train(
    model: torch.nn.Module,
    examples: Examples,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    generator: torch.Generator,
    *,
    batch: int = BATCH,
) -> None:
    """Train a network that ends with log-softmax by the negative log-likelihood, shuffled anew every epoch."""
    import torch

    x, y = torch.from_numpy(examples.x), torch.from_numpy(examples.y)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(y), generator=generator).split(batch):  # type: ignore[no-untyped-call]  # torch
            optimizer.zero_grad()
            torch.nn.functional.nll_loss(model(x[rows]), y[rows]).backward()  # type: ignore[no-untyped-call]  # torch
            optimizer.step()
    model.eval()


def predicted(model: Any, x: Array) -> Array:
    """Return the class that a trained model gives each image: (N,) int64."""
    if hasattr(model, "coef_"):
        return np.asarray(model.predict(x.reshape(len(x), -1)), np.int64)
    import torch

    with torch.inference_mode():
        return np.asarray(model(torch.from_numpy(np.ascontiguousarray(x))).argmax(dim=1).numpy(), np.int64)


@contextmanager
def seeded(seed: int) -> Iterator[torch.Generator]:
    """Seed PyTorch for initialisation and dropout, which take no generator, and leave its state as it was after it."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


def _optimizer(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    import torch

    if recipe.optimizer.startswith("SGD"):
        return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    return torch.optim.Adam(model.parameters(), lr=0.001)

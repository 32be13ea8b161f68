"""Networks in PyTorch from lists of layers, and how a batch is learned: the right step, and wrong ones of students.

A step is a function (model, optimizer, x, y) that returns the loss. PyTorch is imported when a network is built or a
step is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Layer = Mapping[str, Any]
Step = Callable[[Any, Any, Any, Any], Any]
Loss = Callable[[Any, Any], Any]
Start = Callable[[Any], Any]


MODULES = {
    "conv2d": "Conv2d",
    "linear": "Linear",
    "batch_norm2d": "BatchNorm2d",
    "max_pool2d": "MaxPool2d",
    "avg_pool2d": "AvgPool2d",
    "flatten": "Flatten",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "dropout": "Dropout",
}


def sequential(layers: Sequence[Layer]) -> Any:
    """Return a torch.nn.Sequential of layers as `solutions.counting` describes them, freshly initialised.

    What a layer says besides its type goes to the module of torch.nn as it is; a softmax is over the classes.

    >>> sequential([{"type": "linear", "in_features": 4, "out_features": 2}, {"type": "softmax"}])
    Sequential(
      (0): Linear(in_features=4, out_features=2, bias=True)
      (1): Softmax(dim=1)
    )
    """
    from torch import nn

    found = []
    for layer in layers:
        options = {name: value for name, value in layer.items() if name != "type"}
        if layer["type"] in ("softmax", "log_softmax"):
            options["dim"] = 1
        found.append(getattr(nn, MODULES[layer["type"]])(**options))
    return nn.Sequential(*found)


def starter(name: str, options: Mapping[str, Any]) -> Start:
    """Return start(model), which makes the optimizer of torch.optim of this name."""

    def start(model: Any) -> Any:
        import torch

        return getattr(torch.optim, name)(model.parameters(), **options)

    return start


def loss_of(name: str, **options: Any) -> Loss:
    """Return a function (outputs, classes), the loss of torch.nn.functional of this name."""

    def value(outputs: Any, y: Any) -> Any:
        import torch

        return getattr(torch.nn.functional, name)(outputs, y, **options)

    return value


def descent(value_of: Loss) -> Step:
    """Return a step in the right order, down what this makes of outputs and classes."""

    def take(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        model.train()
        optimizer.zero_grad()
        value = value_of(model(x), y)
        value.backward()
        optimizer.step()
        return value.detach()

    return take


def step(loss: str = "cross_entropy") -> Step:
    """Return the right step: forget the gradients, take the mean loss, its gradients, and one step down."""
    return descent(loss_of(loss))


# Wrong steps -----------------------------------------------------------------------------------------------


def softmax_first(loss: str = "cross_entropy") -> Step:
    """Return a step whose outputs go through a softmax before a loss that takes one itself."""
    value = loss_of(loss)
    return descent(lambda outputs, y: value(outputs.softmax(1), y))


def summed(loss: str = "cross_entropy") -> Step:
    """Return a step down the sum of the batch's losses, not their mean."""
    return descent(loss_of(loss, reduction="sum"))


def averaged_twice(loss: str = "cross_entropy") -> Step:
    """Return a step that divides the mean loss by the number of examples once more."""
    value = loss_of(loss)
    return descent(lambda outputs, y: value(outputs, y) / len(y))


def without_zero_grad(loss: str = "cross_entropy") -> Step:
    """Return a step that adds its gradients to those of all the steps before."""

    def take(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        model.train()
        value = loss_of(loss)(model(x), y)
        value.backward()
        optimizer.step()
        return value.detach()

    return take


def step_before_backward(loss: str = "cross_entropy") -> Step:
    """Return a step that moves by the gradients of the batch before; the first one moves nothing."""

    def take(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        model.train()
        optimizer.step()
        optimizer.zero_grad()
        value = loss_of(loss)(model(x), y)
        value.backward()
        return value.detach()

    return take


def zero_grad_before_step(loss: str = "cross_entropy") -> Step:
    """Return a step that forgets the gradients before it uses them: nothing moves but for a weight decay."""

    def take(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        model.train()
        value = loss_of(loss)(model(x), y)
        value.backward()
        optimizer.zero_grad()
        optimizer.step()
        return value.detach()

    return take


def without_rate(loss: str = "cross_entropy") -> Step:
    """Return a step that subtracts the gradient itself: no learning rate, no optimizer."""

    def take(model: Any, optimizer: Any, x: Any, y: Any) -> Any:  # noqa: ARG001 - the optimizer is what it leaves out
        import torch

        model.train()
        model.zero_grad()
        value = loss_of(loss)(model(x), y)
        value.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= parameter.grad
        return value.detach()

    return take


def uphill(loss: str = "cross_entropy") -> Step:
    """Return a step up the loss: its gradients with the sign changed."""

    def take(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        model.train()
        optimizer.zero_grad()
        value = loss_of(loss)(model(x), y)
        (-value).backward()
        optimizer.step()
        return value.detach()

    return take


# Accuracy --------------------------------------------------------------------------------------------------


def accuracy(model: Any, x: Any, y: Any) -> float:
    """Return the share of x (N, ...) whose largest output is that of its class y (N,), in evaluation mode."""
    import torch

    model.eval()
    with torch.no_grad():
        return float((model(x).argmax(1) == y).double().mean())


# Wrong evaluations -----------------------------------------------------------------------------------------


def accuracy_in_training(model: Any, x: Any, y: Any) -> float:
    """Return the share read rightly in training mode."""
    import torch

    model.train()
    with torch.no_grad():
        return float((model(x).argmax(1) == y).double().mean())


def right_ones(model: Any, x: Any, y: Any) -> float:
    """Return how many are read rightly, not their share."""
    return accuracy(model, x, y) * len(x)


def percent(model: Any, x: Any, y: Any) -> float:
    """Return the share in percent."""
    return 100 * accuracy(model, x, y)


def error(model: Any, x: Any, y: Any) -> float:
    """Return the share read wrongly."""
    return 1 - accuracy(model, x, y)


def mean_of_batches(model: Any, x: Any, y: Any, batch: int) -> float:
    """Return the mean of the batches' shares, in which an example of the smaller last batch counts for more."""
    import torch

    shares = [accuracy(model, *part) for part in zip(torch.split(x, batch), torch.split(y, batch), strict=True)]
    return sum(shares) / len(shares)


def over_whole_batches(model: Any, x: Any, y: Any, batch: int) -> float:
    """Return the right ones of all, divided by the examples that whole batches would have: too many."""
    return accuracy(model, x, y) * len(x) / (-(-len(x) // batch) * batch)


def mean_loss(model: Any, x: Any, y: Any) -> float:
    """Return the mean cross-entropy: a loss is no share."""
    import torch

    model.eval()
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(model(x), y))

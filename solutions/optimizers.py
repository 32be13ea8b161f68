"""One step of an optimizer: plain and with momentum, Nesterov, AdaGrad, RMSprop, Adam, each with weight decay.

w is the weights, g the gradient of the loss at w, both arrays of one shape (or single numbers). Nothing is
modified: every step returns new weights and the new state. The rules and names are PyTorch's (`torch.optim`); weight
decay adds `weight_decay * w` to the gradient, as there. Floating arrays keep their precision, whole numbers in arrays
become float64, and fractions stay exact, except for a root that is not rational.

>>> from fractions import Fraction
>>> adagrad_step(Fraction(2), Fraction(4), Fraction(9), lr=Fraction(1, 2), eps=0)
(Fraction(8, 5), Fraction(25, 1))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Number = Any  # a number, or a NumPy array of them


def sgd_step(
    w: Number, g: Number, v: Number, lr: Number, momentum: Number = 0, weight_decay: Number = 0
) -> tuple[Number, Number]:
    """Return (weights, velocity) after one step of gradient descent with momentum.

    The velocity is what is added to the weights: v = momentum*v - lr*(g + weight_decay*w), then w = w + v. With a
    constant lr the weights are PyTorch's, whose buffer is -v/lr.

    >>> sgd_step(2.0, 4.0, 1.0, lr=0.5, momentum=0.5)
    (0.5, -1.5)
    """
    w, g, v = map(widen, (w, g, v))
    v = momentum * v - lr * (g + weight_decay * w)
    return w + v, v


def nesterov_step(
    w: Number, g: Number, v: Number, lr: Number, momentum: Number, weight_decay: Number = 0
) -> tuple[Number, Number]:
    """Return (weights, velocity) after one step of PyTorch's Nesterov momentum, with the gradient g at w.

    The velocity is that of `sgd_step`; the weights move by one more application of it.

    >>> nesterov_step(2.0, 4.0, 1.0, lr=0.5, momentum=0.5)
    (-0.75, -1.5)
    """
    w, g, v = map(widen, (w, g, v))
    push = lr * (g + weight_decay * w)
    v = momentum * v - push
    return w + momentum * v - push, v


def look_ahead_step(
    w: Number, gradient: Callable[[Number], Number], v: Number, lr: Number, momentum: Number
) -> tuple[Number, Number]:
    """Return (weights, velocity) after one step of Nesterov momentum as it is taught.

    The gradient is that of the place where the old velocity leads: v = momentum*v - lr*gradient(w + momentum*v), then
    w = w + v. `nesterov_step` follows w + momentum*v along the same path.

    >>> look_ahead_step(2.0, lambda w: 2 * w, 1.0, lr=0.5, momentum=0.5)
    (0.0, -2.0)
    """
    v = momentum * v - lr * gradient(w + momentum * v)
    return w + v, v


def adagrad_step(
    w: Number, g: Number, s: Number, lr: Number = 1e-2, eps: Number = 1e-10, weight_decay: Number = 0
) -> tuple[Number, Number]:
    """Return (weights, sum of squares) after one step of AdaGrad (Duchi, Hazan & Singer 2011).

    >>> adagrad_step(2.0, 4.0, 9.0, lr=0.5, eps=0)
    (1.6, 25.0)
    """
    w, g, s = map(widen, (w, g, s))
    g = g + weight_decay * w
    s = s + g * g
    return w - lr * g / (root(s) + eps), s


def rmsprop_step(
    w: Number,
    g: Number,
    v: Number,
    lr: Number = 1e-2,
    alpha: Number = 0.99,
    eps: Number = 1e-8,
    weight_decay: Number = 0,
) -> tuple[Number, Number]:
    """Return (weights, average of squares) after one step of RMSprop (Tieleman & Hinton 2012).

    >>> rmsprop_step(2.0, 4.0, 34.0, lr=0.5, alpha=0.5, eps=0)
    (1.6, 25.0)
    """
    w, g, v = map(widen, (w, g, v))
    g = g + weight_decay * w
    v = alpha * v + (1 - alpha) * (g * g)
    return w - lr * g / (root(v) + eps), v


def adam_step(
    w: Number,
    g: Number,
    m: Number,
    v: Number,
    t: int,
    lr: Number = 1e-3,
    betas: tuple[Number, Number] = (0.9, 0.999),
    eps: Number = 1e-8,
    weight_decay: Number = 0,
) -> tuple[Number, Number, Number]:
    """Return (weights, average of gradients, average of squares) after step t of Adam (Kingma & Ba 2015).

    t counts from 1. The averages returned are not corrected for their start at zero; the step uses m/(1 - beta1**t)
    and v/(1 - beta2**t).

    Raises:
        ValueError: t is less than 1.

    >>> adam_step(2.0, 4.0, 0.0, 0.0, t=1, lr=0.5, betas=(0.5, 0.75), eps=1)
    (1.6, 2.0, 4.0)
    """
    if t < 1:
        raise ValueError(f"t={t} must be at least 1")
    beta1, beta2 = betas
    w, g, m, v = map(widen, (w, g, m, v))
    g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * (g * g)
    corrected_m, corrected_v = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * corrected_m / (root(corrected_v) + eps), m, v


def widen(value: Number) -> Number:
    """Return an array of whole numbers in float64, so that bytes do not wrap around; anything else as it is."""
    return (
        value.astype(np.float64) if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iu" else value
    )


def root(value: Number) -> Number:
    """Return the square root: exact for a fraction or integer that has a rational one, entry by entry for an array.

    >>> root(Fraction(9, 4)), root(2.25)
    (Fraction(3, 2), 1.5)
    """
    if isinstance(value, int | Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if (top * top, bottom * bottom) == (value.numerator, value.denominator):
            return Fraction(top, bottom)
    return np.sqrt(value) if isinstance(value, np.ndarray | np.generic) else math.sqrt(value)

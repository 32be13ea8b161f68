"""Wrong optimizer steps, each with one mistake that students make. All have the signature of the right ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

from solutions.optimizers import adagrad_step, adam_step, nesterov_step, rmsprop_step, sgd_step

Step = Callable[..., Any]


class Given:
    """The arguments of a call by name, and the right step for them, with some arguments changed."""

    def __init__(self, step: Step, arguments: Mapping[str, Any]) -> None:
        self._step = step
        self._arguments = dict(arguments)

    def __getattr__(self, name: str) -> Any:
        return self._arguments[name]

    @property
    def memory(self) -> tuple[str, ...]:
        """The names of the arrays that a step hands on to the next, besides the weights."""
        return tuple(name for name in ("m", "s", "v") if name in self._arguments)

    def right(self, **changes: Any) -> Any:
        return self._step(**{**self._arguments, **changes})

    @property
    def decayed(self) -> Any:
        """The gradient with the weight decay in it."""
        return self.g + self.weight_decay * self.w

    def move(self, push: Any, by: Any) -> Any:
        """Return w - lr * push / by."""
        return self.w - self.lr * np.asarray(push) / np.asarray(by)


def mistaken(step: Step) -> Callable[[Callable[[Given], Any]], Step]:
    """Make a function of the step's own signature from a wrong rule; divisions by zero are part of some of them."""
    signature = inspect.signature(step)

    def decorate(rule: Callable[[Given], Any]) -> Step:
        @wraps(rule)
        def twin(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            with np.errstate(all="ignore"):
                return rule(Given(step, bound.arguments))

        return twin

    return decorate


# Mistakes of every step ------------------------------------------------------------------------------------


def _uphill(a: Given) -> Any:
    """The gradient added, not subtracted."""
    return a.right(lr=-a.lr)


def _rate_forgotten(a: Given) -> Any:
    """A learning rate of 1."""
    return a.right(lr=1)


def _decay_forgotten(a: Given) -> Any:
    """No weight decay."""
    return a.right(weight_decay=0)


def _decay_sign(a: Given) -> Any:
    """The decay subtracted from the gradient, so that weights grow."""
    return a.right(weight_decay=-a.weight_decay)


def _decay_decoupled(a: Given) -> Any:
    """The weights shrunk directly, as in AdamW: velocity and averages know nothing of the decay."""
    moved, *memory = a.right(weight_decay=0)
    return moved - a.lr * a.weight_decay * a.w, *memory


def _memory_not_returned(a: Given) -> Any:
    """The old velocity, sum or averages handed back."""
    return a.right()[0], *(1 * getattr(a, name) for name in a.memory)


def _swapped(a: Given) -> Any:
    """The results in the opposite order."""
    return a.right()[::-1]


def _whole_numbers_kept(a: Given) -> Any:
    """Cut off to whole numbers where the weights are whole."""
    return tuple(np.asarray(r).astype(a.w.dtype) if a.w.dtype.kind in "iu" else r for r in a.right())


def _single_precision(a: Given) -> Any:
    """Computed in float32 whatever the input is."""
    narrow = {name: np.asarray(getattr(a, name), np.float32) for name in ("w", "g", *a.memory)}
    return tuple(np.asarray(r, np.float32).astype(np.float64) for r in a.right(**narrow))


EVERY = {
    rule.__name__.strip("_").replace("_", "-"): rule
    for rule in (
        _uphill,
        _rate_forgotten,
        _decay_forgotten,
        _decay_sign,
        _decay_decoupled,
        _memory_not_returned,
        _swapped,
        _whole_numbers_kept,
        _single_precision,
    )
}


def common(step: Step) -> dict[str, Step]:
    """Return the mistakes that every step invites, made in this one, by name."""
    return {name: mistaken(step)(rule) for name, rule in EVERY.items()}


# Gradient descent --------------------------------------------------------------------------------------------


@mistaken(sgd_step)
def sgd_rate_twice(a: Given) -> Any:
    """The velocity, which holds the rate, times the rate again."""
    _, v = a.right()
    return a.w + a.lr * v, v


@mistaken(sgd_step)
def sgd_momentum_forgotten(a: Given) -> Any:
    """The old velocity plays no part."""
    return a.right(momentum=0)


@mistaken(sgd_step)
def sgd_momentum_sign(a: Given) -> Any:
    """The old velocity subtracted."""
    return a.right(momentum=-a.momentum)


@mistaken(sgd_step)
def sgd_momentum_always(a: Given) -> Any:
    """All of the old velocity kept, whatever the momentum."""
    return a.right(momentum=1)


@mistaken(sgd_step)
def sgd_dampened(a: Given) -> Any:
    """The gradient weighted by 1 - momentum, as in an average."""
    return a.right(lr=a.lr * (1 - a.momentum))


@mistaken(sgd_step)
def sgd_velocity_subtracted(a: Given) -> Any:
    """The velocity subtracted from the weights."""
    _, v = a.right()
    return a.w - v, v


@mistaken(sgd_step)
def sgd_old_velocity_added(a: Given) -> Any:
    """The weights moved by the velocity before the step."""
    return a.w + a.v, a.right()[1]


@mistaken(sgd_step)
def sgd_buffer(a: Given) -> Any:
    """PyTorch's buffer in place of the velocity: without the rate, and with the other sign."""
    v = a.momentum * a.v + a.decayed
    return a.w - a.lr * v, v


@mistaken(sgd_step)
def sgd_nesterov(a: Given) -> Any:
    """Nesterov's momentum: the weights are moved ahead once more."""
    return nesterov_step(a.w, a.g, a.v, a.lr, a.momentum, a.weight_decay)


@mistaken(sgd_step)
def sgd_decay_without_rate(a: Given) -> Any:
    """The decay not multiplied by the learning rate."""
    return a.right(weight_decay=a.weight_decay / a.lr)


@mistaken(sgd_step)
def sgd_decay_after(a: Given) -> Any:
    """The weights shrunk after the step, the velocity left without decay."""
    w, v = a.right(weight_decay=0)
    return w * (1 - a.lr * a.weight_decay), v


@mistaken(sgd_step)
def sgd_decay_times_gradient(a: Given) -> Any:
    """The decay applied to the product of gradient and weight."""
    return a.right(g=a.g * (1 + a.weight_decay * a.w), weight_decay=0)


@mistaken(sgd_step)
def sgd_decay_without_weight(a: Given) -> Any:
    """The decay added to the gradient without the weight."""
    return a.right(g=a.g + a.weight_decay, weight_decay=0)


@mistaken(sgd_step)
def sgd_decay_of_size(a: Given) -> Any:
    """The decay applied to the weights' absolute values."""
    return a.right(g=a.g + a.weight_decay * np.abs(a.w), weight_decay=0)


# AdaGrad -----------------------------------------------------------------------------------------------------


@mistaken(adagrad_step)
def adagrad_square_forgotten(a: Given) -> Any:
    """The gradients' sizes added up, not their squares."""
    s = a.s + np.abs(a.decayed)
    return a.move(a.decayed, np.sqrt(s) + a.eps), s


@mistaken(adagrad_step)
def adagrad_root_forgotten(a: Given) -> Any:
    """Divided by the sum of squares itself."""
    s = a.s + a.decayed**2
    return a.move(a.decayed, s + a.eps), s


@mistaken(adagrad_step)
def adagrad_eps_inside(a: Given) -> Any:
    """eps under the root."""
    s = a.s + a.decayed**2
    return a.move(a.decayed, np.sqrt(s + a.eps)), s


@mistaken(adagrad_step)
def adagrad_eps_forgotten(a: Given) -> Any:
    """No eps, so that zero is divided by zero."""
    s = a.s + a.decayed**2
    return a.move(a.decayed, np.sqrt(s)), s


@mistaken(adagrad_step)
def adagrad_old_sum(a: Given) -> Any:
    """Divided by the root of the sum before this step."""
    s = a.s + a.decayed**2
    return a.move(a.decayed, np.sqrt(a.s) + a.eps), s


@mistaken(adagrad_step)
def adagrad_sum_replaced(a: Given) -> Any:
    """The earlier squares forgotten."""
    return a.right(s=0 * a.s)


@mistaken(adagrad_step)
def adagrad_averaged(a: Given) -> Any:
    """A running average of the squares, as in RMSprop."""
    return rmsprop_step(a.w, a.g, a.s, a.lr, 0.9, a.eps, a.weight_decay)


@mistaken(adagrad_step)
def adagrad_decay_not_squared(a: Given) -> Any:
    """The squares added up without the decay."""
    s = a.s + a.g * a.g
    return a.move(a.decayed, np.sqrt(s) + a.eps), s


# RMSprop -----------------------------------------------------------------------------------------------------


@mistaken(rmsprop_step)
def rmsprop_shares_swapped(a: Given) -> Any:
    """alpha weighs the new square, not the old average."""
    return a.right(alpha=1 - a.alpha)


@mistaken(rmsprop_step)
def rmsprop_summed(a: Given) -> Any:
    """All squares added up, as in AdaGrad."""
    return adagrad_step(a.w, a.g, a.v, a.lr, a.eps, a.weight_decay)


@mistaken(rmsprop_step)
def rmsprop_new_share_forgotten(a: Given) -> Any:
    """The new square not weighted by 1 - alpha."""
    v = a.alpha * a.v + a.decayed**2
    return a.move(a.decayed, np.sqrt(v) + a.eps), v


@mistaken(rmsprop_step)
def rmsprop_square_forgotten(a: Given) -> Any:
    """An average of the gradients' sizes, not of their squares."""
    v = a.alpha * a.v + (1 - a.alpha) * np.abs(a.decayed)
    return a.move(a.decayed, np.sqrt(v) + a.eps), v


@mistaken(rmsprop_step)
def rmsprop_root_forgotten(a: Given) -> Any:
    """Divided by the average of squares itself."""
    v = a.alpha * a.v + (1 - a.alpha) * a.decayed**2
    return a.move(a.decayed, v + a.eps), v


@mistaken(rmsprop_step)
def rmsprop_eps_inside(a: Given) -> Any:
    """eps under the root."""
    v = a.alpha * a.v + (1 - a.alpha) * a.decayed**2
    return a.move(a.decayed, np.sqrt(v + a.eps)), v


@mistaken(rmsprop_step)
def rmsprop_eps_forgotten(a: Given) -> Any:
    """No eps, so that zero is divided by zero."""
    v = a.alpha * a.v + (1 - a.alpha) * a.decayed**2
    return a.move(a.decayed, np.sqrt(v)), v


@mistaken(rmsprop_step)
def rmsprop_old_average(a: Given) -> Any:
    """Divided by the root of the average before this step."""
    v = a.alpha * a.v + (1 - a.alpha) * a.decayed**2
    return a.move(a.decayed, np.sqrt(a.v) + a.eps), v


def rmsprop_keras_defaults(
    w: Any, g: Any, v: Any, lr: float = 1e-3, alpha: float = 0.9, eps: float = 1e-7, weight_decay: float = 0.0
) -> Any:
    """The defaults of Keras: a rate of 0.001, alpha 0.9 and eps 1e-7."""
    return rmsprop_step(w, g, v, lr, alpha, eps, weight_decay)


# Adam --------------------------------------------------------------------------------------------------------


def averages(a: Given) -> tuple[Any, Any]:
    """Return the right averages, not corrected."""
    beta1, beta2 = a.betas
    return beta1 * a.m + (1 - beta1) * a.decayed, beta2 * a.v + (1 - beta2) * a.decayed**2


def corrected(a: Given, m: Any, v: Any) -> tuple[Any, Any]:
    """Return averages corrected for their start at zero."""
    return m / (1 - a.betas[0] ** a.t), v / (1 - a.betas[1] ** a.t)


@mistaken(adam_step)
def adam_not_corrected(a: Given) -> Any:
    """The averages used without the correction for their start at zero."""
    m, v = averages(a)
    return a.move(m, np.sqrt(v) + a.eps), m, v


@mistaken(adam_step)
def adam_gradients_not_corrected(a: Given) -> Any:
    """Only the average of squares corrected."""
    m, v = averages(a)
    return a.move(m, np.sqrt(corrected(a, m, v)[1]) + a.eps), m, v


@mistaken(adam_step)
def adam_squares_not_corrected(a: Given) -> Any:
    """Only the average of gradients corrected."""
    m, v = averages(a)
    return a.move(corrected(a, m, v)[0], np.sqrt(v) + a.eps), m, v


@mistaken(adam_step)
def adam_corrected_as_at_first(a: Given) -> Any:
    """The correction of the first step at every step."""
    return a.right(t=1)


@mistaken(adam_step)
def adam_one_step_late(a: Given) -> Any:
    """t counted from 0: the correction of the step after."""
    return a.right(t=a.t + 1)


@mistaken(adam_step)
def adam_corrected_returned(a: Given) -> Any:
    """The corrected averages handed back, to be corrected again."""
    w, m, v = a.right()
    return w, *corrected(a, m, v)


@mistaken(adam_step)
def adam_gradient_for_average(a: Given) -> Any:
    """The gradient itself in place of its average."""
    m, v = averages(a)
    return a.move(a.decayed, np.sqrt(corrected(a, m, v)[1]) + a.eps), m, v


@mistaken(adam_step)
def adam_betas_swapped(a: Given) -> Any:
    """The first beta for the squares, the second for the gradients."""
    return a.right(betas=a.betas[::-1])


@mistaken(adam_step)
def adam_new_share_forgotten(a: Given) -> Any:
    """What is new not weighted by 1 - beta."""
    m, v = a.betas[0] * a.m + a.decayed, a.betas[1] * a.v + a.decayed**2
    top, square = corrected(a, m, v)
    return a.move(top, np.sqrt(square) + a.eps), m, v


@mistaken(adam_step)
def adam_square_forgotten(a: Given) -> Any:
    """An average of the gradients' sizes, not of their squares."""
    m, _ = averages(a)
    v = a.betas[1] * a.v + (1 - a.betas[1]) * np.abs(a.decayed)
    top, square = corrected(a, m, v)
    return a.move(top, np.sqrt(square) + a.eps), m, v


@mistaken(adam_step)
def adam_root_forgotten(a: Given) -> Any:
    """Divided by the average of squares itself."""
    m, v = averages(a)
    top, square = corrected(a, m, v)
    return a.move(top, square + a.eps), m, v


@mistaken(adam_step)
def adam_eps_inside(a: Given) -> Any:
    """eps under the root."""
    m, v = averages(a)
    top, square = corrected(a, m, v)
    return a.move(top, np.sqrt(square + a.eps)), m, v


@mistaken(adam_step)
def adam_eps_before_correction(a: Given) -> Any:
    """eps added to the root before it is corrected."""
    m, v = averages(a)
    top, square = corrected(a, m, v)
    return a.move(top, np.sqrt(square) + a.eps / np.sqrt(1 - a.betas[1] ** a.t)), m, v


@mistaken(adam_step)
def adam_eps_forgotten(a: Given) -> Any:
    """No eps, so that zero is divided by zero."""
    m, v = averages(a)
    top, square = corrected(a, m, v)
    return a.move(top, np.sqrt(square)), m, v


@mistaken(adam_step)
def adam_old_averages(a: Given) -> Any:
    """The step made with the averages before it."""
    top, square = corrected(a, a.m, a.v)
    return a.move(top, np.sqrt(square) + a.eps), *averages(a)

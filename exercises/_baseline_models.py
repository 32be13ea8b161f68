"""The models of `baselines`: what is built and trained, what is wrong with others, and how students are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from math import prod
from typing import Any

from exercises import _models
from exercises._models import CLASSES, EXAMPLE
from grader.authoring import ModelTwin, Plan, StepTwin
from solutions import baselines, counting, networks, training

TOPIC = "baselines"


@dataclass(frozen=True)
class Setup:
    """Models that are built and how one is trained: one of few, since what is reached was measured for each."""

    key: str
    widths: tuple[int, int, int]  # units of the MLP's hidden layers
    filters: tuple[int, int]
    hidden: int
    dropped: Fraction  # the share of maps, and of units
    rate: float
    batch: int
    epochs: int

    @property
    def features(self) -> int:
        """The numbers that the dense layers of the CNN get."""
        return self.filters[1] * 4 * 4

    @property
    def parameters(self) -> int:
        """Of the CNN."""
        return counting.count_parameters(cnn_layers(self))

    @property
    def resized(self) -> int:
        """The hidden units of the MLP that is resized to the CNN."""
        return baselines.resized(self.parameters, prod(EXAMPLE), len(CLASSES))


HALF = Fraction(1, 2)
SETUPS = (
    Setup("f10-f20-h50", (256, 128, 64), (10, 20), 50, HALF, rate=0.003, batch=32, epochs=5),
    Setup("f8-f24-h64", (200, 100, 50), (8, 24), 64, Fraction(2, 5), rate=0.003, batch=40, epochs=5),
    Setup("f12-f16-h40", (160, 120, 80), (12, 16), 40, Fraction(1, 4), rate=0.0025, batch=25, epochs=4),
)
RELU: networks.Layer = {"type": "relu"}
LOG_SOFTMAX: networks.Layer = {"type": "log_softmax"}


def mlp_layers(widths: Sequence[int], act: networks.Layer | None = RELU) -> list[networks.Layer]:
    """Return dense layers of these units after the image, with an activation between them, and log-softmax."""
    found: list[networks.Layer] = [networks.FLATTEN]
    for layer in networks.dense(prod(EXAMPLE), *widths, len(CLASSES)):
        found += [layer, act] if act else [layer]
    return [*(found[:-1] if act else found), LOG_SOFTMAX]


def cnn_layers(
    s: Setup,
    activations: Sequence[networks.Layer | None] = (RELU, RELU, RELU),
    pools: Sequence[networks.Layer] = (networks.max_pool(2), networks.max_pool(2)),
    padding: int = 0,
) -> list[networks.Layer]:
    """Return the CNN without its dropout, which has no parameters: with 10 and 20 filters that of the handout."""
    one, two = s.filters
    first, second = networks.dense(two * _models.side_after(pools, padding) ** 2, s.hidden, len(CLASSES))
    found = [
        *(networks.conv(1, one, 5, padding=padding), pools[0], activations[0]),
        *(networks.conv(one, two, 5, padding=padding), pools[1], activations[1]),
        *(networks.FLATTEN, first, activations[2], second, LOG_SOFTMAX),
    ]
    return [layer for layer in found if layer is not None]


def with_dropout(
    layers: Sequence[networks.Layer], maps: float = 0, units: float = 0, entries: float = 0, outputs: float = 0
) -> Any:
    """Return the network of these layers with dropout after the second convolution and before the last dense layer.

    maps, entries: shares of whole maps, or of single numbers in them, after the second convolution. units, outputs:
    shares before and after the last dense layer. 0 for no dropout.
    """
    from torch import nn

    modules = list(training.sequential(layers))
    second, last = (
        max(at for at, module in enumerate(modules) if isinstance(module, kind)) for kind in (nn.Conv2d, nn.Linear)
    )
    added_after = (
        (last, nn.Dropout, outputs),
        (last - 1, nn.Dropout, units),
        (second, nn.Dropout, entries),
        (second, nn.Dropout2d, maps),
    )
    for at, kind, share in added_after:
        if share:
            modules.insert(at + 1, kind(share))
    return nn.Sequential(*modules)


def over_the_batch(layers: Sequence[networks.Layer]) -> Any:
    """Return the network of these layers with its log-softmax over the examples of the batch."""
    from torch import nn

    return nn.Sequential(*list(training.sequential(layers))[:-1], nn.LogSoftmax(dim=0))


def unbiased(layers: Sequence[networks.Layer]) -> list[networks.Layer]:
    return [layer | {"bias": False} if layer["type"] in ("linear", "conv2d") else layer for layer in layers]


NO_LOG_SOFTMAX = "Log-softmax is missing: nll_loss takes logarithms of probabilities, not logits."
SOFTMAX = "This is softmax: nll_loss takes the logarithms, of log_softmax."
OVER_THE_BATCH = "This takes log-softmax over the batch (dim=0); its classes are dim=1."


def ends(layers: Sequence[networks.Layer]) -> list[tuple[str, Callable[[], Any], str]]:
    """Return a dense network with wrong ends."""
    *body, _ = layers
    return [
        ("no-log-softmax", _models.built(body), NO_LOG_SOFTMAX),
        ("softmax-at-the-end", _models.built([*body, {"type": "softmax"}]), SOFTMAX),
        ("log-softmax-over-the-batch", partial(over_the_batch, layers), OVER_THE_BATCH),
        ("relu-at-the-end", _models.built([*body, RELU, LOG_SOFTMAX]), "There is no ReLU after the last dense layer."),
    ]


def wrong_mlps(widths: Sequence[int], others: Mapping[str, tuple[Sequence[int], str]]) -> tuple[ModelTwin, ...]:
    """Return models that students build instead of the MLP; `others` have other widths, by name, with their hints."""
    layers = mlp_layers(widths)
    activations = "sigmoids", "tanh"
    twins = [
        *ends(layers),
        ("no-activation", _models.built(mlp_layers(widths, None)), "Between the dense layers there are ReLUs."),
        *(
            (name.removesuffix("s"), _models.built(mlp_layers(widths, {"type": name.removesuffix("s")})), hint)
            for name, hint in ((name, f"The activations are ReLUs, not {name}.") for name in activations)
        ),
        ("no-biases", _models.built(unbiased(layers)), "Every dense layer has biases."),
        *((name, _models.built(mlp_layers(wrong)), hint) for name, (wrong, hint) in others.items()),
    ]
    return tuple(ModelTwin(*one) for one in twins)


def wrong_wide(s: Setup) -> tuple[ModelTwin, ...]:
    one, two, three = s.widths
    without_first = mlp_layers(s.widths)
    del without_first[2]
    others = {
        "last-hidden-missing": ((one, two), f"Between {two} units and the classes there is a layer of {three}."),
        "layers-swapped": (s.widths[::-1], f"The first layer has {one} units, the last hidden one {three}."),
        "hidden-layer-twice": ((one, two, three, three), f"There is one layer of {three} units."),
    }
    first = ModelTwin("first-relu-missing", _models.built(without_first), "There is a ReLU after the first layer.")
    return (*wrong_mlps(s.widths, others), first)


def wrong_resized(s: Setup) -> tuple[ModelTwin, ...]:
    units, each = s.resized, prod(EXAMPLE) + len(CLASSES) + 1
    others = {
        "one-unit-more": ((units + 1,), f"A unit brings {each} parameters: one less comes nearer to the CNN's count."),
        "one-unit-less": ((units - 1,), f"A unit brings {each} parameters: one more comes nearer to the CNN's count."),
        "as-wide-as-the-cnn": (
            (s.hidden,),
            "These are the units of the CNN's dense layer: with a whole image before them they have far more weights.",
        ),
        "not-resized": (s.widths, "This is the first MLP: one hidden layer is asked for, of the CNN's size."),
    }
    return wrong_mlps((units,), others)


def wrong_cnns(s: Setup) -> tuple[ModelTwin, ...]:
    """Return models that students build instead of the CNN."""
    whole_cnn = cnn_layers(s)
    share = float(s.dropped)
    dropped = {"maps": share, "units": share}
    pool, mean = networks.max_pool(2), networks.avg_pool(2)
    swapped = replace(s, filters=s.filters[::-1])
    narrow = [layer | {"kernel_size": 3} if layer["type"] == "conv2d" else layer for layer in whole_cnn]
    narrow[7] = networks.dense(s.filters[1] * 25, s.hidden)[0]
    *body, _ = whole_cnn
    without_dense = [*whole_cnn[:7], *networks.dense(s.features, len(CLASSES)), LOG_SOFTMAX]
    over = partial(_over_the_batch, whole_cnn, dropped)
    twins: list[tuple[str, Callable[[], Any], str]] = [
        *(
            (name, partial(with_dropout, layers, **dropped), hint)
            for name, layers, hint in (
                ("no-log-softmax", body, NO_LOG_SOFTMAX),
                ("softmax-at-the-end", [*body, {"type": "softmax"}], SOFTMAX),
                ("mean-pooling", cnn_layers(s, pools=(mean, mean)), "The sheet asks for max pooling, twice."),
                ("second-pooling-mean", cnn_layers(s, pools=(pool, mean)), "The second pooling takes the maximum too."),
                ("first-relu-missing", cnn_layers(s, (None, RELU, RELU)), "A ReLU follows the first convolution."),
                ("second-relu-missing", cnn_layers(s, (RELU, None, RELU)), "A ReLU follows the second convolution."),
                ("dense-relu-missing", cnn_layers(s, (RELU, RELU, None)), "A ReLU stands between the dense layers."),
                ("no-activation", cnn_layers(s, (None, None, None)), "There is no ReLU at all: three are asked for."),
                ("sigmoid", cnn_layers(s, [{"type": "sigmoid"}] * 3), "The activations are ReLUs, not sigmoids."),
                ("padded", cnn_layers(s, padding=2), "There is no padding: the maps are smaller than what comes in."),
                ("filters-swapped", cnn_layers(swapped), f"The first convolution has {s.filters[0]} filters."),
                ("kernel-three", narrow, "The filters are 5 × 5."),
                ("no-biases", unbiased(whole_cnn), "Convolutions and dense layers have biases."),
            )
        ),
        ("log-softmax-over-the-batch", over, OVER_THE_BATCH),
        (
            "no-hidden-dense",
            partial(with_dropout, without_dense, maps=share),
            f"Between the maps and the classes there is a dense layer of {s.hidden} units.",
        ),
        ("no-dropout", partial(with_dropout, whole_cnn), "Both dropouts are missing, or they never drop anything."),
        (
            "no-dropout-of-maps",
            partial(with_dropout, whole_cnn, units=share),
            "There is a dropout of whole maps after the second convolution.",
        ),
        (
            "no-dropout-of-units",
            partial(with_dropout, whole_cnn, maps=share),
            "There is a dropout before the last dense layer.",
        ),
        (
            "dropout-of-entries",
            partial(with_dropout, whole_cnn, entries=share, units=share),
            "After the convolution whole maps are dropped (Dropout2d), not single numbers in them.",
        ),
        *(
            (name, partial(with_dropout, whole_cnn, maps=float(other), units=float(other)), hint)
            for name, other, hint in (
                ("half-as-much-dropped", s.dropped / 2, "Twice as much is dropped: look at the shares."),
                ("share-kept", 1 - s.dropped, "This is the share kept: nn.Dropout takes the one that is dropped."),
            )
            if other != s.dropped
        ),
    ]
    return tuple(ModelTwin(*one) for one in twins)


def _over_the_batch(layers: Sequence[networks.Layer], dropped: Mapping[str, float]) -> Any:
    from torch import nn

    return nn.Sequential(*list(with_dropout(layers, **dropped))[:-1], nn.LogSoftmax(dim=0))


def plan_of(s: Setup, build: Callable[[], Any], wrong: tuple[ModelTwin, ...], *, noisy: bool = False) -> Plan:
    told = {"lr": s.rate}
    probabilities = StepTwin(
        "probabilities-to-nll-loss",
        "nll_loss takes log-probabilities as the model gives them: without another softmax or exp before it.",
        training.softmax_first("nll_loss"),
    )
    starts = _models.wrong_starts("Adam", told, ("AdamW", "SGD", "RMSprop"))
    return Plan(
        key=s.key,
        example=EXAMPLE,
        classes=CLASSES,
        build=build,
        start=training.starter("Adam", told),
        step=training.step("nll_loss"),
        data=_models.digits,
        others=_models.OTHERS,
        loss="nll_loss",
        last="LogSoftmax",
        noisy=noisy,
        wrong_models=wrong,
        wrong_steps=(*_models.wrong_steps("nll_loss"), *starts, probabilities),
        batch=s.batch,
        epochs=s.epochs,
        practice=(prod(EXAMPLE), 12, len(CLASSES)),
        measured=_models.measured(TOPIC, s.key),
        words=_models.WORDS,
    )


@cache
def mlp_plans() -> tuple[Plan, ...]:
    return tuple(plan_of(s, _models.built(mlp_layers(s.widths)), wrong_wide(s)) for s in SETUPS)


@cache
def resized_plans() -> tuple[Plan, ...]:
    return tuple(plan_of(s, _models.built(mlp_layers((s.resized,))), wrong_resized(s)) for s in SETUPS)


@cache
def cnn_plans() -> tuple[Plan, ...]:
    found = []
    for s in SETUPS:
        build = partial(with_dropout, cnn_layers(s), maps=float(s.dropped), units=float(s.dropped))
        found.append(plan_of(s, build, wrong_cnns(s), noisy=True))
    return tuple(found)


# How students are told -----------------------------------------------------------------------------------

ENDS = f"""\
It takes a batch (N, 1, 28, 28) float32 and returns log-probabilities (N, {len(CLASSES)}), for nll_loss. A
Sequential, a class of your own, functions: any torch.nn.Module that computes this is right.

Returns:
    a torch.nn.Module"""

MLP_DOC = f"""\
Return a new MLP, freshly initialised as PyTorch does it.

Its layers, in this order:

1. the image flattened in a row
2. dense layers of {{{{ p.setup.widths[0] }}}}, {{{{ p.setup.widths[1] }}}} and {{{{ p.setup.widths[2] }}}} units with \
biases, each followed by a ReLU
3. a dense layer with biases, one unit a class
4. log-softmax over the classes

{ENDS}"""

RESIZED_DOC = f"""\
Return a new MLP of the size of your CNN, freshly initialised as PyTorch does it.

Its layers, in this order:

1. the image flattened in a row
2. one hidden dense layer with biases, followed by a ReLU
3. a dense layer with biases, one unit a class
4. log-softmax over the classes

The hidden layer has as many units as bring the number of parameters of the whole network as near
as possible to that of build_cnn()'s, be it a few more or less.

{ENDS}"""

CNN_DOC = f"""\
Return a new CNN with dropout, freshly initialised as PyTorch does it.

Its layers, in this order:

1. a convolution of {{{{ p.setup.filters[0] }}}} filters 5 × 5 with biases, stride 1, no padding
2. max pooling of 2 × 2, tiles side by side, then ReLU
3. a convolution of {{{{ p.setup.filters[1] }}}} filters 5 × 5 with biases, stride 1, no padding
4. dropout of whole maps, each with probability {{{{ p.setup.dropped | num }}}} (torch.nn.Dropout2d)
5. max pooling of 2 × 2, then ReLU
6. all maps flattened in a row, as torch.flatten does
7. a dense layer of {{{{ p.setup.hidden }}}} units with biases, then ReLU
8. dropout of single units, each with probability {{{{ p.setup.dropped | num }}}} (torch.nn.Dropout)
9. a dense layer with biases, one unit a class
10. log-softmax over the classes

Dropout drops in training mode alone, and multiplies what it keeps by 1 / (1 - p) there, as
PyTorch's does.

{ENDS}"""

TRAIN_DOC = _models.training_doc(
    "Train a model that gives log-probabilities by Adam.",
    (
        "The loss is the mean negative log-likelihood of a batch (nll_loss), of what the model returns.",
        "torch.optim.Adam with the learning rate {{ p.setup.rate }} and nothing else changed.",
        "Dropout draws from PyTorch's own generator: call torch.manual_seed(seed) first, so that the seed decides "
        "what is dropped.",
    ),
    outputs="log-probabilities (N, 10)",
    trained="your CNN",
)

"""What is done with a student's model inside the student's process, and with the reference's inside ours.

Imports nothing of the grader: the sandbox's worker runs this file by path. Every function here takes `names`, the
globals of the module that was handed in, and returns plain data. What it returns from a student's process is that
process' word and no more: `grader.models.judge` believes only what it can compute itself from it.
"""

from __future__ import annotations

import copy
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

Names = Mapping[str, Any]
How = Mapping[str, Any]  # builder: a name or ""; practice, last: see `practice`; double, device, loss, epoch

STEPS_KEPT = 8  # updates whose weights are recorded
SHOWN = 64  # feature maps of a layer that are handed over at most
DRIVER = 1 << 30  # bytes of a GPU that a process takes before its first tensor, for the driver and the libraries
NO_GPU = "the GPU cannot be used: "

_settled: list[bool] = []  # has this process settled how a GPU computes?


# Making and filling models ----------------------------------------------------------------------------------


def make(names: Names, how: How, seed: int = 0) -> Any:
    """Return a new model: the student's, or the practice model where no builder is named."""
    if how.get("device", "cpu") != "cpu":
        settle(how)
    torch.manual_seed(seed)
    builder = how["builder"]
    model = names[builder]() if builder else practice(how["practice"], how["last"])
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"{builder} returned no torch.nn.Module")
    model = model.to(how.get("device", "cpu"))
    return model.double() if how.get("double") else model


def settle(how: How) -> None:
    """Make a GPU compute the same every time, and take no more than a share of its memory.

    What has no way to compute that is the same every time is computed all the same: PyTorch would refuse to go back
    through some layers (`nn.AdaptiveAvgPool2d` is one) that are right on the processor.

    Raises:
        OSError: the GPU cannot be used; it says why after NO_GPU.
    """
    if _settled:
        return
    device = torch.device(how["device"])
    try:
        torch.zeros(1, device=device)
        everything = torch.cuda.get_device_properties(device).total_memory
    except (RuntimeError, AssertionError) as error:  # the latter where PyTorch was built without CUDA
        raise OSError(f"{NO_GPU}{str(error).strip().splitlines()[0]}") from None
    share = float(how.get("share", 1.0))
    torch.cuda.set_per_process_memory_fraction(max(share - DRIVER / everything, share / 2), device)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    _settled.append(True)


def practice(sizes: Sequence[int], last: str) -> Any:
    """Return a small dense network, for a look at how something learns.

    `sizes` are its widths, inputs first; `last` is a module of torch.nn that ends it, over the classes, or "".
    """
    layers: list[Any] = [torch.nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    layers[-1:] = [getattr(torch.nn, last)(dim=1)] if last else []
    return torch.nn.Sequential(*layers)


def tensor(values: Any, how: How) -> Any:
    """Return an array as a tensor on the device: floating ones in the precision asked for, others as they are."""
    made = torch.from_numpy(np.ascontiguousarray(values))
    if made.is_floating_point():
        made = made.double() if how.get("double") else made.float()
    return made.to(how.get("device", "cpu"))


def array(value: Any) -> Any:
    return value.detach().cpu().contiguous().numpy().copy()


def fill(model: Any, weights: Mapping[str, Any] | None) -> Any:
    """Put these values into the parameters of these names."""
    if weights is not None:
        own = dict(model.named_parameters())
        with torch.no_grad():
            for name, values in weights.items():
                own[name].copy_(torch.from_numpy(np.ascontiguousarray(values)))
    return model


def weights_of(model: Any) -> dict[str, Any]:
    return {name: array(value) for name, value in model.named_parameters()}


# What a model is --------------------------------------------------------------------------------------------


class Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch does not declare it
    """Notes what every operation makes: those that use parameters, and those that make it smaller."""

    def __init__(self, model: Any, *, keep: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch does not declare it
        self.owners = {p.untyped_storage().data_ptr(): name for name, p in model.named_parameters() if p.numel()}
        self.stages: list[dict[str, Any]] = []
        self.used: list[str] = []
        self.keep = keep
        self.kept: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = result[0] if isinstance(result, tuple) else result
        if isinstance(made, torch.Tensor):
            self.note(func.overloadpacket.__name__, made, list(_tensors(args)))
        return result

    def note(self, operation: str, made: Any, inputs: list[Any]) -> None:
        places = [value.untyped_storage().data_ptr() for value in inputs]
        new = [self.owners[place] for place in places if place in self.owners]
        if made.untyped_storage().data_ptr() in places:  # a view: nothing was computed
            return
        self.used += [name for name in dict.fromkeys(new) if name not in self.used]
        largest = max((value.numel() for value, place in zip(inputs, places, strict=True)), default=0)
        if not new and (made.numel() >= largest or made.dim() < 2):
            return
        shape = list(made.shape[1:])
        last = self.stages[-1] if self.stages else None
        if operation in ("add", "add_") and len(new) == 1 and last and last["parameters"] and last["shape"] == shape:
            last["parameters"] += new  # a bias added by itself
            self.kept[-1:] = [made]
            return
        self.stages.append({"operation": operation, "shape": shape, "parameters": new})
        self.kept.append(made if self.keep else None)


def _tensors(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def describe(names: Names, how: How, x: Any) -> dict[str, Any]:
    """Return what a fresh model is made of and makes of a batch: x (N, ...).

    `parameters` are (name, shape) in the order in which the forward pass uses them, `unused` those it does not.
    `stages` are the operations that use parameters or shrink what they get, with the shape for one example.
    """
    model = make(names, how).eval()
    with torch.no_grad(), Trace(model) as trace:
        out = model(tensor(x, how))
    shapes = {name: list(value.shape) for name, value in model.named_parameters()}
    return {
        "parameters": [[name, shapes[name]] for name in trace.used],
        "unused": [[name, shape] for name, shape in shapes.items() if name not in trace.used],
        "frozen": [name for name, value in model.named_parameters() if not value.requires_grad],
        "stages": trace.stages,
        "output": list(out.shape),
        "dtype": str(out.dtype).removeprefix("torch."),
    }


def outputs(names: Names, how: How, weights: Any, xs: Sequence[Any]) -> list[Any]:
    """Return what the model in evaluation mode makes of each batch, with these weights."""
    model = fill(make(names, how), weights).eval()
    with torch.no_grad():
        return [array(model(tensor(x, how))) for x in xs]


def spread(names: Names, how: How, weights: Any, x: Any, times: int) -> Any:
    """Return how each output varies in training mode, over so many passes: (2, N, K), means and standard deviations."""
    model = fill(make(names, how), weights).train()
    with torch.no_grad():
        found = torch.stack([model(tensor(x, how)) for _ in range(times)])
    return array(torch.stack([found.mean(0), found.std(0)]))


def loss_of(model: Any, how: How, x: Any, y: Any) -> Any:
    return getattr(torch.nn.functional, how["loss"])(model(x), y)


def gradients(names: Names, how: How, weights: Any, x: Any, y: Any) -> dict[str, Any]:
    """Return the loss and its gradient for every parameter (None where none arrives), in evaluation mode."""
    model = fill(make(names, how), weights).eval()
    loss = loss_of(model, how, tensor(x, how), tensor(y, how))
    loss.backward()
    found = {name: None if p.grad is None else array(p.grad) for name, p in model.named_parameters()}
    return {"loss": float(loss.detach()), "gradients": found}


def beginnings(names: Names, how: How, x: Any, y: Any, seeds: Sequence[int]) -> list[float]:
    """Return the loss of freshly built models, one a seed."""
    losses = []
    for seed in seeds:
        model = make(names, how, seed).eval()
        with torch.no_grad():
            losses.append(float(loss_of(model, how, tensor(x, how), tensor(y, how))))
    return losses


def by_heart(names: Names, how: How, weights: Any, x: Any, y: Any, steps: int) -> list[float]:
    """Learn one batch by heart with Adam; return the loss before and after."""
    model = fill(make(names, how), weights).eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    inputs, labels = tensor(x, how), tensor(y, how)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model, how, inputs, labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        losses.append(float(loss_of(model, how, inputs, labels)))
    return [losses[0], losses[-1]]


# How a model is trained -------------------------------------------------------------------------------------


@contextmanager
def watched(model: Any, look: Callable[[Any, Any], None]) -> Iterator[None]:
    """Call look(model, x) before every forward pass, also of a copy that the training makes."""
    kind = type(model)

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        with torch._C._DisableFuncTorch():  # torch.func may be transforming this pass, but not the look at it
            look(self, plain(args[0] if args else next(iter(kwargs.values()), None)))
        return kind.forward(self, *args, **kwargs)

    model.__class__ = type(kind.__name__, (kind,), {"forward": forward})
    try:
        yield
    finally:
        model.__class__ = kind


def trained(returned: Any, model: Any) -> Any:
    """Return the model that `train` returned, alone or first in a tuple; else the one that it was given."""
    found = returned[0] if isinstance(returned, tuple) and returned else returned
    return found if isinstance(found, torch.nn.Module) else model


def flat(model: Any) -> Any:
    """Return all parameters in one row, as float64."""
    return torch.cat([plain(p).detach().reshape(-1) for p in model.parameters()]).double().cpu()


def plain(value: Any) -> Any:
    """Return the values inside a tensor that torch.func is transforming, which alone can be read; others as is."""
    while isinstance(value, torch.Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(value):
        value = torch._C._functorch.get_unwrapped(value)
    return value


def rehearse(names: Names, how: How, trainer: str, weights: Any, x: Any, y: Any, seed: int) -> dict[str, Any]:
    """Train on a few examples and note every forward pass.

    `passes` holds for each: which rows of x it was given (-1: none of them), training mode, gradients wanted, and
    whether the weights had changed since the one before. `weights` are the parameters, one row of float64 each,
    before the first passes with gradients, and at the end; `moved`: whether they changed after the last pass.
    """
    model = fill(make(names, how), weights)
    inputs, labels = tensor(x, how), tensor(y, how)
    rows = {key: number for number, key in enumerate(_keys(inputs))}
    passes: list[list[Any]] = []
    kept: list[Any] = []
    last = [flat(model)]

    def look(seen: Any, batch: Any) -> None:
        known = _keys(batch) if isinstance(batch, torch.Tensor) and batch.dim() else []
        found = [rows.get(key, -1) for key in known]
        now = flat(seen)
        changed = now.shape != last[0].shape or not torch.equal(now, last[0])
        passes.append([found, bool(seen.training), torch.is_grad_enabled(), changed])
        if torch.is_grad_enabled() and len(kept) < 2 * STEPS_KEPT:
            kept.append(now)
        last[0] = now

    with watched(model, look):
        end = trained(names[trainer](model, inputs, labels, seed=seed, device=how.get("device", "cpu")), model)
    return {
        "passes": passes,
        "weights": torch.stack(kept).numpy() if kept else np.zeros((0, 0)),
        "end": flat(end).numpy(),
        "moved": not torch.equal(flat(end), last[0]),
        "same": end is model or bool(torch.equal(flat(end), flat(model))),
        "training": bool(end.training),
    }


def _keys(batch: Any) -> list[bytes]:
    """Return the bytes of each row, by which it is known again; a batch leaves a GPU at once."""
    return [row.tobytes() for row in batch.detach().to("cpu", torch.float32).contiguous().numpy()]


def learn(names: Names, how: How, trainer: str, x: Any, y: Any, seed: int, held: Any, probe: int) -> dict[str, Any]:
    """Train on all examples; return the classes then read off `held`, and after every epoch on the way.

    `on_held` and `on_learned` are (epochs, N): the classes of the held-out examples and of the first `probe`
    learned ones after each epoch: each time that how["epoch"] rows more were learned.
    """
    model = make(names, how, seed)
    inputs, labels, unseen = tensor(x, how), tensor(y, how), tensor(held, how)
    on_held: list[Any] = []
    on_learned: list[Any] = []
    seen = [0]
    epoch = how.get("epoch") or len(inputs)

    def look(current: Any, batch: Any) -> None:
        if not torch.is_grad_enabled() or not current.training or not isinstance(batch, torch.Tensor):
            return
        if any(plain(p) is not p for p in current.parameters()):  # of torch.func: no model to measure on the way
            return
        if seen[0] and seen[0] // epoch > len(on_held) and len(on_held) < 200:
            with unobserved(current):
                on_held.append(classes(current, unseen))
                on_learned.append(classes(current, inputs[:probe]))
        seen[0] += len(batch)

    started = time.monotonic()
    torch.manual_seed(seed)
    with watched(model, look):
        end = trained(names[trainer](model, inputs, labels, seed=seed, device=how.get("device", "cpu")), model)
    seconds = time.monotonic() - started
    end.eval()
    on_held.append(classes(end, unseen))
    on_learned.append(classes(end, inputs[:probe]))
    found = {
        "classes": on_held[-1],
        "on_held": np.stack(on_held),
        "on_learned": np.stack(on_learned),
        "seconds": seconds,
    }
    return {**found, **insides(end, unseen[:1])}


def weigh(names: Names, how: How, weights: Mapping[str, Any], held: Any) -> dict[str, Any]:
    """Load weights that were handed in, every name and shape of them, and return the classes read off `held`."""
    model = make(names, how)
    model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in weights.items()})
    unseen = tensor(held, how)
    model.eval()
    return {"classes": classes(model, unseen), **insides(model, unseen[:1])}


@contextmanager
def unobserved(model: Any) -> Iterator[None]:
    """Leave the modes of all modules and the generators as they were."""
    modes = [(module, module.training) for module in model.modules()]
    kind = type(model)
    model.__class__ = kind.__mro__[1]
    model.eval()
    gpus = {p.device for p in model.parameters() if p.device.type == "cuda"}  # not all, each of which would be started
    try:
        with torch.random.fork_rng(gpus), torch.no_grad():
            yield
    finally:
        model.__class__ = kind
        for module, mode in modes:
            module.training = mode


def classes(model: Any, x: Any) -> Any:
    """Return the class with the largest output for each row: (N,) uint8."""
    with torch.no_grad():
        found = [model(part).argmax(1) for part in torch.split(x, 512)]
    return array(torch.cat(found).to(torch.uint8))


def insides(model: Any, x: Any) -> dict[str, Any]:
    """Return the first kernels (F, KH, KW) and what the first stages make of one example: each (F, H, W)."""
    kernels = next(((n, p) for n, p in model.named_parameters() if p.dim() == 4), None)
    if kernels is None:
        return {}
    with torch.no_grad(), Trace(model, keep=True) as trace:
        model(x)
    maps = [[s["operation"], array(k[0][:SHOWN]).astype(np.float32)] for s, k in _planes(trace)]
    return {"filters": [kernels[0], array(kernels[1][:SHOWN, 0]).astype(np.float32)], "maps": maps[:2]}


def _planes(trace: Trace) -> Iterator[tuple[dict[str, Any], Any]]:
    for stage, kept in zip(trace.stages, trace.kept, strict=True):
        if kept.dim() == 4:
            yield stage, kept


# One step, and an evaluation --------------------------------------------------------------------------------


def steps(names: Names, how: How, trainer: str, weights: Any, batches: Sequence[Any]) -> dict[str, Any]:
    """Call train_step(model, optimizer, x, y) on each batch (x, y); return the losses and the weights after each.

    `modes`: whether the model was in training mode, for every pass with gradients.
    """
    model = fill(make(names, how), weights)
    name, options = how["optimizer"]
    optimizer = getattr(torch.optim, name)(model.parameters(), **options)
    model.eval()
    losses, after, modes = [], [], []

    def look(seen: Any, batch: Any) -> None:  # noqa: ARG001 - the form of `watched`
        if torch.is_grad_enabled():
            modes.append(bool(seen.training))

    with watched(model, look):
        for x, y in batches:
            got = names[trainer](model, optimizer, tensor(x, how), tensor(y, how))
            losses.append(array(got) if isinstance(got, torch.Tensor) else got)
            after.append(flat(model).numpy())
    return {"losses": losses, "weights": np.stack(after), "modes": modes}


def evaluations(names: Names, how: How, function: str, weights: Any, sets: Sequence[Any]) -> dict[str, Any]:
    """Call evaluate(model, x, y) on each set, the model left in training mode before; note what it changes."""
    model = fill(make(names, how), weights)
    before = copy.deepcopy(model.state_dict())
    results, modes, grads = [], [], []

    def look(seen: Any, batch: Any) -> None:  # noqa: ARG001 - the form of `watched`
        modes.append(bool(seen.training))
        grads.append(torch.is_grad_enabled() and any(p.requires_grad for p in seen.parameters()))

    with watched(model, look):
        for x, y in sets:
            model.train()
            got = names[function](model, tensor(x, how), tensor(y, how))
            results.append(array(got) if isinstance(got, torch.Tensor) else got)
    same = all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    return {"results": results, "training": modes, "gradients": grads, "unchanged": same}


def leave(names: Names) -> None:  # noqa: ARG001 - the form of all operations
    """End this process: after a fault on a GPU it can compute nothing there any more."""
    os._exit(0)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "leave": leave,
    "describe": describe,
    "outputs": outputs,
    "spread": spread,
    "gradients": gradients,
    "beginnings": beginnings,
    "by_heart": by_heart,
    "rehearse": rehearse,
    "learn": learn,
    "weigh": weigh,
    "steps": steps,
    "evaluations": evaluations,
}

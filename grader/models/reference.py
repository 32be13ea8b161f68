"""The reference's way through a plan: the training loop that every exercise states, run with the plan's own step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grader.model import Plan


def trainer(plan: Plan, step: Callable[..., Any] | None = None, start: Callable[..., Any] | None = None) -> Any:
    """Return train(model, x, y, *, seed, device) as the plan wants it, or with another step or start."""
    take, begin = step or plan.step, start or plan.start

    def train(model: Any, x: Any, y: Any, *, seed: int, device: str) -> None:
        import torch

        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(x), generator=generator)
        order = order[int(len(x) * plan.held_back) :]
        model.to(device)
        optimizer = begin(model)
        for _ in range(plan.epochs):
            model.train()
            for rows in torch.split(order[torch.randperm(len(order), generator=generator)], plan.batch):
                take(model, optimizer, x[rows].to(device), y[rows].to(device))
        model.eval()

    return train


def names(plan: Plan) -> Mapping[str, Any]:
    """Return what a right module defines, as the operations on models look it up."""
    found: dict[str, Any] = {"build_model": plan.build, "train": trainer(plan), "train_step": plan.step}
    return {**found, "evaluate": plan.evaluate} if plan.evaluate else found

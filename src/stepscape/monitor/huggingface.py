"""The monitor as a callback of the Trainer of Hugging Face, which only this module imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.errors import Unavailable, bad, shown
from stepscape.monitor.batches import on_device
from stepscape.monitor.monitor import Monitor
from stepscape.monitor.probe import Loss
from stepscape.objectives.require_loss import require_loss

try:
    from transformers import TrainerCallback
except ImportError:
    raise Unavailable("Transformers is not installed; pip install 'transformers[torch]'") from None

__all__ = ["HuggingFaceMonitor"]


class HuggingFaceMonitor(TrainerCallback):  # type: ignore[misc]
    """Watch a model in a Trainer: ``Trainer(..., callbacks=[HuggingFaceMonitor(batch)])``.

    It measures after a step of the optimizer, that is after the last of the batches whose gradients are
    accumulated. It logs nothing by itself: give ``sinks`` or ``file``. With several processes the first one
    measures. The Trainer clips gradients at ``max_grad_norm=1.0`` unless told otherwise, and tells nobody by
    how much: rows leave ``clipped`` open, and an edge ratio then is that of an unclipped step.

    Parameters
    ----------
    batch : mapping or list of mappings
        What the data collator returns, with labels; moved to the device of the training.
    loss : callable, optional
        (model, batch) → scalar mean loss; by default ``model(**batch).loss``.
    every, budget, **settings
        As in `Monitor`.

    Attributes
    ----------
    monitor : Monitor, optional
        Of the present or last training; None before it and on all processes but the first.

    Raises
    ------
    InputError
        For a wrong argument: for ``batch`` and ``loss`` at once, for others when training starts. Label
        smoothing changes the loss outside the model and needs ``loss``.
    Unavailable
        On import, if Transformers is not installed.
    """

    def __init__(
        self,
        batch: Any,
        loss: Loss | None = None,
        every: str | int = "auto",
        budget: float = 0.05,
        **settings: Any,
    ) -> None:
        if loss is None:
            _require_collated(batch)
        else:
            require_loss(loss)
        self._batch, self._loss = batch, loss
        self._settings = {"every": every, "budget": budget, **settings}
        self.monitor: Monitor | None = None

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: Any
    ) -> None:
        """Make the monitor, when the optimizer is there and a checkpoint is restored."""
        if not state.is_world_process_zero:
            return
        if self._loss is None and args.label_smoothing_factor:
            must = "be given where label_smoothing_factor is not 0"
            raise bad("loss", must, "none", "the model's own loss has no smoothing")
        batch = on_device(self._batch, args.device)
        self.monitor = Monitor(model, self._loss or own_loss, batch, optimizer, **self._settings)

    def on_step_end(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        """Hand a step of the optimizer to the monitor, unless the scaler of a loss in float16 skipped it."""
        if self.monitor is not None and not getattr(optimizer, "step_was_skipped", False):
            self.monitor.step(state.global_step, None if args.max_grad_norm else 1.0)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the monitor."""
        if self.monitor is not None:
            self.monitor.close()


def _require_collated(batch: Any) -> None:
    """Refuse what a model cannot take as ``model(**batch)``, and rows of a data set in place of batches."""
    several = isinstance(batch, list | tuple)
    given = batch if several else [batch]
    must = "be what the data collator returns, with labels"
    then = "give collate([dataset[i] for i in range(32)])"
    if not given or not all(isinstance(each, Mapping) for each in given):
        raise bad("batch", must, shown(batch), then)
    if several and not all(any(getattr(value, "ndim", 0) > 1 for value in each.values()) for each in given):
        raise bad("batch", must, "rows that are not collated", then)


def own_loss(model: Any, batch: Any) -> Any:
    """Return the mean loss that a model of Hugging Face computes from its labels.

    Raises
    ------
    InputError
        If it computes none.
    """
    found = model(**batch).loss
    if found is None:
        raise bad("batch", "hold labels, from which the model computes its loss", "none", "or give loss=")
    return found

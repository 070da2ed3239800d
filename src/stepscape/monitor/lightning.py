"""The monitor as a callback of Lightning, which only this module imports."""

from __future__ import annotations

from typing import Any

from stepscape.errors import Unavailable, bad, shown
from stepscape.monitor.batches import on_device
from stepscape.monitor.monitor import Monitor
from stepscape.monitor.probe import Loss
from stepscape.objectives.require_loss import require_loss
from stepscape.objectives.require_torch import require_torch

try:
    from lightning.pytorch import Callback
except ImportError:
    try:
        from pytorch_lightning import Callback
    except ImportError:
        raise Unavailable("Lightning is not installed; pip install lightning") from None

__all__ = ["LightningMonitor"]


class LightningMonitor(Callback):  # type: ignore[misc]
    """Watch a LightningModule in training: ``Trainer(callbacks=[LightningMonitor(loss, batch)])``.

    It measures after the last micro-batch of a step, when ``trainer.global_step`` has advanced, and takes
    clipping by norm into account. It logs nothing by itself: give ``sinks`` or ``file``. With several
    processes the first one measures.

    Parameters
    ----------
    loss : callable
        (module, batch) → scalar mean loss. ``training_step`` is none, because it may log and count.
    batch : batch or list of batches
        As in `Monitor`; moved to the device of the module.
    every, budget, **settings
        As in `Monitor`.
    optimizer : int, optional
        Number of the optimizer to watch; needed if the module has several.

    Attributes
    ----------
    monitor : Monitor, optional
        Of the present or last training; None before it and on all processes but the first.

    Raises
    ------
    InputError
        For a wrong argument: for ``loss`` and ``optimizer`` at once, for others when training starts.
    Unavailable
        On import, if Lightning is not installed.
    """

    def __init__(
        self,
        loss: Loss | None = None,
        batch: Any = None,
        every: str | int = "auto",
        budget: float = 0.05,
        *,
        optimizer: int | None = None,
        **settings: Any,
    ) -> None:
        if not callable(loss):
            must = "be a function of the module and a batch that returns the mean loss"
            raise bad("loss", must, shown(loss), "training_step may log and count, so that it is none")
        require_loss(loss)
        self._loss, self._batch = loss, batch
        self._chosen = optimizer
        self._settings = {"every": every, "budget": budget, **settings}
        self._made = 0  # steps of the optimizer, as of the last hook
        self._clip: Any = None
        self._scale = 1.0  # of the loss in float16, before the step
        self.monitor: Monitor | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Make the monitor, when the optimizer is there and a checkpoint is restored."""
        self._made = trainer.global_step
        if trainer.is_global_zero:
            strategy = trainer.strategy
            batch = on_device(self._batch, strategy.root_device)
            optimizer = _optimizer(trainer.optimizers, self._chosen)
            self.monitor = Monitor(strategy.model, self._loss, batch, optimizer, **self._settings)

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Note what clipping, which follows, will multiply the gradient by, and the scale of the loss."""
        if self.monitor is not None:
            self._clip, self._scale = _clip_coefficient(trainer, optimizer), _loss_scale(trainer)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Hand a step of the optimizer to the monitor, unless the scaler of a loss in float16 skipped it."""
        if self.monitor is not None and trainer.global_step > self._made:
            self._made = trainer.global_step
            if _loss_scale(trainer) >= self._scale:  # it is lowered after a step that is skipped
                self.monitor.step(self._made, self._clip)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Close the monitor, also after an exception."""
        if self.monitor is not None:
            self.monitor.close()


def _optimizer(optimizers: list[Any], chosen: int | None) -> Any:
    """Return the only optimizer, or the chosen one."""
    if chosen is None and len(optimizers) != 1:
        must = "be a number where a module has not just one"
        raise bad("optimizer", must, "none", f"it has {len(optimizers)}")
    number = chosen or 0
    if number not in range(len(optimizers)):
        raise bad("optimizer", f"be a number below {len(optimizers)}", shown(number))
    return optimizers[number]


def _loss_scale(trainer: Any) -> float:
    """Return what a loss in float16 is multiplied by; 1 where there is no scaler."""
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    return 1.0 if scaler is None else float(scaler.get_scale())


def _clip_coefficient(trainer: Any, optimizer: Any) -> Any:
    """Return min(1, c/‖g‖) as a tensor or a number; None if clipping is not by the norm.

    The norm is computed without writing to the gradients.
    """
    most = trainer.gradient_clip_val
    if not trainer.lightning_module.automatic_optimization:
        return None
    if not most:
        return 1.0
    if trainer.gradient_clip_algorithm not in (None, "norm"):
        return None
    norm = require_torch().linalg.vector_norm
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if not gradients:
        return 1.0
    device = gradients[0].device
    total = norm(require_torch().stack([norm(gradient.detach()).to(device) for gradient in gradients]))
    return (most / (total + 1e-6)).clamp(max=1.0)  # the small number is PyTorch's

"""How does a run of Lightning turn the runtime mode on?

    trainer = Trainer(callbacks=[RuntimeChecks()])     # of `lightning` or of `pytorch_lightning`
    trainer.fit(model, batches)                        # warns where training_step gives a loss what it does not take

Fitting, validating and testing are watched from their start to their end or to an exception; what was found is told once more at the end. The
validation inside of a fit is looked at where a step of the optimizer would be, and in the sanity check before the first one.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from torchlint.config import Settings
from torchlint.runtime.summary import tell
from torchlint.runtime.watching import Action, checks

if TYPE_CHECKING:
    from lightning.pytorch import Callback
else:

    def _callback() -> type:
        """The base class of the package that the program uses, or else of the one that is installed."""
        packages = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}
        used = [each for each in packages if each in sys.modules] or [each for each in packages if find_spec(each) is not None]
        if not used:
            raise ImportError("torchlint.runtime.lightning needs Lightning: pip install lightning")
        name = packages[used[0]]
        return __import__(name, fromlist=["Callback"]).Callback

    Callback = _callback()

FOUND = "torchlint_findings"
"""The name under which the number of findings is logged."""


class RuntimeChecks(Callback):
    """Watch what a trainer does.

    action, every, warmup, settings  as of `torchlint.runtime.checks`
    run  what was watched last: run.result().findings
    """

    def __init__(self, action: Action = "warn", every: int = 50, warmup: int = 20, *, settings: Settings | None = None) -> None:
        super().__init__()
        self._arguments = (action, every, warmup, settings)
        self._make()
        self._stage: str | None = None

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin("fit")

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        self._end("fit", trainer)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin("validate")

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        self._end("validate", trainer)

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        self._begin("test")

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        self._end("test", trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._end(self._stage, trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._log(pl_module)

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._log(pl_module)

    def on_test_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._log(pl_module)

    def _make(self) -> None:
        action, every, warmup, settings = self._arguments
        self.run = checks(action, every, warmup, settings=settings)

    def _begin(self, stage: str) -> None:
        """Watch from here on; a validation inside of a fit belongs to it."""
        if self._stage is None:
            self._make()
            self._stage = stage
            self.run.__enter__()

    def _end(self, stage: str | None, trainer: Any) -> None:
        if self._stage is None or self._stage != stage:
            return
        self._stage = None
        self.run.close()
        if trainer.is_global_zero:
            tell(self.run)

    def _log(self, pl_module: Any) -> None:
        if self._stage is not None:
            pl_module.log(FOUND, float(len(self.run.result().findings)), reduce_fx="max")

    def __getstate__(self) -> dict[str, Any]:
        """Trainers that spawn processes pickle their callbacks: what was watched stays here."""
        return {"_arguments": self._arguments}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._arguments = state["_arguments"]
        self._make()
        self._stage = None

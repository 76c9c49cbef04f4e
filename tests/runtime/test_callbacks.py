"""Do the callbacks for Lightning and Hugging Face watch what the real trainers do, from start to end?"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import _get_current_function_mode_stack
from torch.utils.data import DataLoader, TensorDataset

from torchlint.model import Finding
from torchlint.runtime import TorchlintWarning, Violation

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error::torchlint.runtime.TorchlintWarning"),
]
STEPS = 3


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither a mode on the stack nor a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    yield
    assert _get_current_function_mode_stack() == []  # type: ignore[no-untyped-call]
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def data() -> list[tuple[Tensor, Tensor]]:
    return list(zip(torch.linspace(-1, 1, 24).reshape(6, 4), torch.arange(6) % 3, strict=True))


def batches() -> DataLoader[Any]:
    return DataLoader(TensorDataset(*(torch.stack(each) for each in zip(*data(), strict=True))), batch_size=2)


def at(finding: Finding, text: str) -> bool:
    """Whether a finding points at a line of this file with that text."""
    lines = Path(__file__).read_text().splitlines()
    return finding.location.path.endswith("test_callbacks.py") and text in lines[finding.location.line - 1]


def lightning_module(package: Any, softmax: bool, fails: bool = False) -> Any:
    """A tiny module; with `softmax`, all its losses get probabilities."""

    class Tiny(package.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Any:
            return self.net(x).softmax(1) if softmax else self.net(x)

        def training_step(self, batch: Any, number: int) -> Tensor:
            x, y = batch
            loss = F.cross_entropy(self(x), y)  # in training
            if fails:
                raise KeyError("the step has failed")
            return loss

        def validation_step(self, batch: Any, number: int) -> None:
            F.cross_entropy(self(batch[0]), batch[1])  # in validation

        def test_step(self, batch: Any, number: int) -> None:
            F.cross_entropy(self(batch[0]), batch[1])  # in the test

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Tiny()


def trainer_of(package: Any, callback: Any) -> Any:
    return package.Trainer(
        accelerator="cpu", max_epochs=1, limit_train_batches=STEPS, limit_val_batches=1, limit_test_batches=1, num_sanity_val_steps=0,
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, callbacks=[callback],
    )  # fmt: skip


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def package(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


@pytest.fixture
def lightning(package: Any) -> Any:
    from torchlint.runtime import lightning

    return lightning


@pytest.mark.parametrize("softmax", [True, False])
def test_lightning_fit(package: Any, lightning: Any, softmax: bool, capsys: pytest.CaptureFixture[str]) -> None:
    callback = lightning.RuntimeChecks("collect")
    trainer = trainer_of(package, callback)
    trainer.fit(lightning_module(package, softmax), batches(), batches())
    found = callback.run.result().findings
    assert [finding.code for finding in found] == (["TL101", "TL101"] if softmax else [])
    assert trainer.callback_metrics["torchlint_findings"] == len(found)
    said = capsys.readouterr().err
    if softmax:
        assert at(found[0], "# in training")
        assert at(found[1], "# in validation")
        assert found[0].times == STEPS
        assert "error[TL101] softmax-before-cross-entropy" in said
        assert f"torchlint: 2 findings; looked at {STEPS} of {STEPS} optimizer steps" in said
    else:
        assert "torchlint: nothing found" in said


def test_lightning_validate_and_test(package: Any, lightning: Any, capsys: pytest.CaptureFixture[str]) -> None:
    callback = lightning.RuntimeChecks("collect")
    trainer, module = trainer_of(package, callback), lightning_module(package, softmax=True)
    trainer.validate(module, batches(), verbose=False)
    (finding,) = callback.run.result().findings
    assert at(finding, "# in validation")
    trainer.test(module, batches(), verbose=False)
    (finding,) = callback.run.result().findings
    assert at(finding, "# in the test")
    assert capsys.readouterr().err.count("torchlint: 1 finding\n") == 2


def test_lightning_ends_with_an_exception(package: Any, lightning: Any, capsys: pytest.CaptureFixture[str]) -> None:
    callback = lightning.RuntimeChecks("collect")
    with pytest.raises(KeyError, match="the step has failed"):
        trainer_of(package, callback).fit(lightning_module(package, softmax=True, fails=True), batches())
    assert [finding.code for finding in callback.run.result().findings] == ["TL101"]
    assert "torchlint: 1 finding" in capsys.readouterr().err
    with pytest.raises(Violation, match="TL101"):
        trainer_of(package, lightning.RuntimeChecks("raise")).fit(lightning_module(package, softmax=True), batches())
    with pytest.raises(TorchlintWarning, match="TL101"):
        trainer_of(package, lightning.RuntimeChecks()).fit(lightning_module(package, softmax=True), batches())


def test_lightning_samples(package: Any, lightning: Any) -> None:
    callback = lightning.RuntimeChecks("collect", every=2, warmup=1)
    trainer_of(package, callback).fit(lightning_module(package, softmax=True), batches())
    assert callback.run.sampler.looked_at == 2
    assert pickle.loads(pickle.dumps(callback)).run.result().findings == []


class Classifier(nn.Module):
    """What a Trainer takes: a module that gives a dict."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.net = nn.Linear(4, 3)
        self.softmax = softmax

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        out = self.net(x)
        return {"logits": out.softmax(1) if self.softmax else out}


def hugging_face_trainer(callback: Any, folder: Path, softmax: bool, fails: bool = False) -> Any:
    package: Any = pytest.importorskip("transformers")

    class Training(package.Trainer):  # type: ignore[misc]
        def compute_loss(self, model: nn.Module, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
            outputs = model(**inputs)
            loss = F.cross_entropy(outputs["logits"], inputs["labels"])  # in compute_loss
            if fails:
                raise KeyError("the step has failed")
            return (loss, outputs) if return_outputs else loss

    arguments = package.TrainingArguments(
        output_dir=str(folder), max_steps=STEPS, per_device_train_batch_size=2, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True
    )
    rows = [{"x": x, "labels": y} for x, y in data()]
    return Training(model=Classifier(softmax), args=arguments, train_dataset=rows, callbacks=[callback])


@pytest.fixture
def huggingface() -> Any:
    pytest.importorskip("transformers")
    return importlib.import_module("torchlint.runtime.huggingface")


@pytest.mark.parametrize("softmax", [True, False])
def test_hugging_face_train(huggingface: Any, tmp_path: Path, softmax: bool, capsys: pytest.CaptureFixture[str]) -> None:
    callback = huggingface.RuntimeChecks("collect")
    hugging_face_trainer(callback, tmp_path, softmax).train()
    found = callback.run.result().findings
    assert [finding.code for finding in found] == (["TL101"] if softmax else [])
    for finding in found:
        assert at(finding, "# in compute_loss")
        assert finding.times == STEPS
    said = capsys.readouterr().err
    assert f"looked at {STEPS} of {STEPS} optimizer steps" in said
    assert ("error[TL101] softmax-before-cross-entropy" in said) is softmax


def test_hugging_face_actions(huggingface: Any, tmp_path: Path) -> None:
    with pytest.raises(Violation, match="TL101"), huggingface.RuntimeChecks("raise") as callback:
        hugging_face_trainer(callback, tmp_path, softmax=True).train()
    with pytest.raises(TorchlintWarning, match="TL101"), huggingface.RuntimeChecks() as callback:
        hugging_face_trainer(callback, tmp_path, softmax=True).train()


def test_hugging_face_after_an_exception(huggingface: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callback = huggingface.RuntimeChecks("collect")
    with pytest.raises(KeyError, match="the step has failed"):
        hugging_face_trainer(callback, tmp_path, softmax=True, fails=True).train()
    assert "torchlint" not in capsys.readouterr().err  # nobody has told the callback
    hugging_face_trainer(callback, tmp_path, softmax=False).train()
    said = capsys.readouterr().err
    assert said.index("torchlint: 1 finding") < said.index("torchlint: nothing found")
    with pytest.raises(KeyError):
        hugging_face_trainer(callback, tmp_path, softmax=True, fails=True).train()
    callback.close()
    assert "torchlint: 1 finding" in capsys.readouterr().err

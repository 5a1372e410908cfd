"""The training loop of the voice detector: batches made on the device, a mean of the weights, checkpoints.

Batch k follows from the seed and k alone, so a run continued from a checkpoint sees what an unbroken run
would have seen. The time limit decides when it ends: the rate of learning falls with the time used, not
with a count of steps, as the speed of the machine is not known beforehand.
"""

import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import nn

from training.vad import augment, material, measure, network
from training.vad.network import WINDOW, SileroVad


@dataclass
class Options:
    """Everything a run depends on."""

    minutes: float  # of training, synthesis and final table not counted
    utterances: int  # to speak for training; the test bank has a tenth, at least 64
    batch: int
    seconds: float  # of each recording
    device: str
    seed: int = 1
    rate: float = 2e-3
    processes: int | None = None
    checkpoint_s: float = 45.0  # between checkpoints
    recordings: int = 192  # of the final table, per condition
    real: list[Path] = field(default_factory=list)  # folders of real recordings


class Run:
    """A training run in a folder: checkpoint.pt, model.safetensors, loss.png, results.md and .json."""

    def __init__(self, options: Options, folder: Path) -> None:
        self.options, self.folder = options, folder
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        self.network = SileroVad().to(options.device)
        self.mean = SileroVad().to(options.device).eval()  # exponential mean of the weights: what is exported
        self.mean.load_state_dict(self.network.state_dict())
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trained, lr=options.rate, betas=(0.9, 0.98), weight_decay=1e-3)
        self.step = 0
        self.used_s = 0.0  # seconds of training so far, over all runs
        self.curve: list[tuple[int, float, float]] = []  # step, seconds, loss
        self._resume()

    @property
    def checkpoint(self) -> Path:
        """Where the state of the run is kept."""
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.used_s, self.curve = state["step"], state["used_s"], state["curve"]
        print(f"continued from step {self.step}, {self.used_s:.0f} s of training", flush=True)

    def save(self) -> None:
        """Writes the checkpoint and the weights; a kill in between leaves the older ones."""
        state = {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "used_s": self.used_s,
            "curve": self.curve,
        }
        draft = self.checkpoint.with_suffix(".new")
        torch.save(state, draft)
        draft.replace(self.checkpoint)
        network.save(self.mean, self.folder / "model.safetensors")

    def _set_rate(self) -> None:
        part = min(1.0, self.used_s / (self.options.minutes * 60))
        warm = min(1.0, (self.step + 1) / 100)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.rate * warm * max(0.01, 0.5 + 0.5 * math.cos(math.pi * part))

    def _update(self, bank: material.Bank) -> torch.Tensor:
        """One step; the loss as a tensor, so that a GPU need not be waited for."""
        options = self.options
        samples = int(options.seconds * material.RATE_HZ) // WINDOW * WINDOW
        x, share = augment.training_batch(bank, options.batch, samples, options.seed * 1_000_003 + self.step)
        logits, _ = self.network(x)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, share)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        with torch.no_grad():
            keep = min(0.998, 1 - 1 / (self.step + 1))
            for mean, current in zip(self.mean.parameters(), self.network.parameters()):
                mean.lerp_(current, 1 - keep)
        return loss.detach()

    def train(self, bank: material.Bank) -> None:
        """Until the minutes are used up."""
        limit_s = self.options.minutes * 60
        saved = last = time.monotonic()
        losses: list[torch.Tensor] = []
        while self.used_s < limit_s:
            self._set_rate()
            losses.append(self._update(bank))
            now = time.monotonic()
            self.used_s += now - last
            last = now
            if len(losses) == 20:
                self._note(losses)
                losses = []
            if now - saved > self.options.checkpoint_s:
                self.save()
                saved = now
        self._note(losses)
        self.save()

    def _note(self, losses: list[torch.Tensor]) -> None:
        if not losses:
            return
        loss = torch.stack(losses).mean().item()
        if not math.isfinite(loss):
            raise RuntimeError(f"the loss is {loss} at step {self.step}; the last checkpoint is still sound")
        self.curve.append((self.step, self.used_s, loss))
        if len(self.curve) % 5 == 0 or len(losses) < 20:
            print(f"step {self.step} {self.used_s:.0f} s loss {loss:.4f}", flush=True)

    def draw(self) -> None:
        """loss.png, where matplotlib is present."""
        try:
            import matplotlib
        except ImportError:
            print("no matplotlib here: no loss.png; results.json holds the curve", flush=True)
            return
        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(7, 4))
        axes.plot([step for step, _, _ in self.curve], [loss for _, _, loss in self.curve])
        axes.set(
            xlabel="step", ylabel="binary cross-entropy", yscale="log", title="voice detector, training loss"
        )
        axes.grid(True, which="both", alpha=0.3)
        figure.tight_layout()
        figure.savefig(self.folder / "loss.png", dpi=110)
        pyplot.close(figure)


def run(options: Options, folder: Path) -> dict:
    """The whole job: speak, train, export, measure. Returns the figures written to results.json."""
    if options.device.startswith("cuda"):
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    started = time.monotonic()
    bank = material.make_bank("train", options.seed, options.utterances, options.device, options.processes)
    tests = max(64, options.utterances // 10)
    unseen = material.make_bank("test", options.seed, tests, options.device, options.processes)
    spoken_s = time.monotonic() - started
    print(f"{bank.hours:.2f} h to train on, {unseen.hours:.2f} h to test on, {spoken_s:.0f} s", flush=True)
    job = Run(options, folder)
    job.train(bank)
    job.draw()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    text, values = measure.report(job.mean, unseen, options.seed + 77, options.recordings, options.real)
    values["run"] = {
        **{key: value for key, value in asdict(options).items() if key != "real"},
        "steps": job.step,
        "training_s": round(job.used_s, 1),
        "synthesis_s": round(spoken_s, 1),
        "training_hours": round(bank.hours, 3),
        "curve": job.curve,
    }
    measure.write_report(folder, "results", text, values)
    print(text, flush=True)
    return values

"""The training loop: three stages by the clock, one network, speech renewed on the way.

Attention between text and 30 s of sound does not find its alignment from nothing. CTC on the
encoder does, quickly, on short windows; attention then follows. So the windows grow (5, 15, 30 s)
while the weight of CTC falls.
All schedules run on the share of the training time that has passed, whatever the speed of the machine.
"""

from __future__ import annotations

import copy
import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from training.asr import scene
from training.asr.material import Producer
from training.asr.network import Config, Whisper
from training.asr.pool import SpeechPool
from training.asr.tokens import Tokens
from training.asr.windows import IGNORED, Plan, Shape
from training.muon import Muon

WEIGHT_DECAY = 0.02


@dataclass(frozen=True)
class Stage:
    """A stretch of training. Rates are interpolated along a cosine, weights of CTC along a line."""

    name: str
    until: float  # share of the training time at its end
    shape: Shape
    rate: tuple[float, float]
    ctc: tuple[float, float]
    silent_share: float
    harm: tuple[float, float]  # share of rooms, filters and noise
    wanted: float = math.inf  # attention loss without which the stage goes on, until `latest`
    latest: float = 0.0  # share of the training time


def stages(scale: float = 1.0) -> tuple[Stage, ...]:
    """The recipe; `scale` shrinks the batches."""

    def size(batch: int) -> int:
        return max(2, round(batch * scale))

    return (
        Stage(
            "5 s",
            0.22,
            Shape(5, size(256), 96, 72),
            (1.5e-3, 1.1e-3),
            (0.7, 0.5),
            0.03,
            (0.2, 0.8),
            1.2,
            0.36,
        ),
        Stage("15 s", 0.46, Shape(15, size(128), 256, 180), (1.1e-3, 8e-4), (0.4, 0.3), 0.06, (0.8, 1.0)),
        Stage("30 s", 1.0, Shape(30, size(64), 448, 260), (8e-4, 1e-5), (0.3, 0.1), 0.08, (1.0, 1.0)),
    )


@dataclass
class Settings:
    """What a run is told."""

    out: Path
    seed: int = 1
    scale: float = 1.0
    compile: bool = True
    pool_slots: int = 1800
    noises: int = 512
    rooms: int = 4096
    save_every_s: float = 120
    report_every_s: float = 15
    check_every_s: float = 180


@dataclass
class Progress:
    """What a resumed run continues from."""

    step: int = 0
    trained_s: float = 0.0
    heard_s: float = 0.0


class Trainer:
    """Owns network, averaged network, optimiser and schedule."""

    def __init__(self, config: Config, tokens: Tokens, settings: Settings, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.config, self.tokens, self.settings, self.device = config, tokens, settings, device
        self.model = Whisper(config, tokens.text_size).to(device)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        layers = [*self.model.encoder.layers.parameters(), *self.model.decoder.layers.parameters()]
        inner = [p for p in layers if p.dim() == 2]
        self.muon = Muon(inner, WEIGHT_DECAY)
        taken = {id(p) for p in inner}
        matrices = [p for p in trained if p.dim() > 1 and id(p) not in taken]
        others = [p for p in trained if p.dim() <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}],
            lr=1e-3,
            betas=(0.9, 0.98),
            eps=1e-8,
            fused=True,
        )
        self.trained = trained
        self.stages = stages(settings.scale)
        self.progress = Progress()
        self.history: list[dict] = []
        self.log_file = settings.out / "train.log"

    def log(self, line: str) -> None:
        text = f"[{time.strftime('%H:%M:%S')} step {self.progress.step}] {line}"
        print(text, flush=True)
        with self.log_file.open("a") as file:
            file.write(text + "\n")

    # Files ------------------------------------------------------------------

    def save(self) -> None:
        """Writes checkpoint.pt; a crash while writing leaves the former one."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "muon": self.muon.state(),
            "progress": asdict(self.progress),
            "history": self.history,
            "config": asdict(self.config),
        }
        path = self.settings.out / "checkpoint.pt"
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)

    def resume(self) -> bool:
        """Continues from checkpoint.pt when there is one."""
        path = self.settings.out / "checkpoint.pt"
        if not path.exists():
            return False
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.muon.restore(state["muon"])
        self.progress = Progress(**state["progress"])
        self.history = state["history"]
        self.log(f"resumed after {self.progress.trained_s:.0f} s of training")
        return True

    # Loop -------------------------------------------------------------------

    def run(
        self,
        pool: SpeechPool,
        producer: Producer,
        banks: scene.Banks,
        stop_at: float,
        check: Callable[[], None],
    ) -> None:
        """Trains until the clock (time.monotonic) shows `stop_at`; the schedule ends there.

        check: called every few minutes; what it raises is logged and training goes on.
        """
        total_s = self.progress.trained_s + max(1.0, stop_at - time.monotonic())
        for index, stage in enumerate(self.stages):
            passed = self.progress.trained_s / total_s
            if passed < stage.until:
                # A stage before this one may have taken longer than it should.
                begin = (
                    max(self.stages[index - 1].until, min(passed, self.stages[index - 1].latest))
                    if index
                    else 0.0
                )
                self._run_stage(stage, begin, total_s, pool, producer, banks, check)
        self.save()

    def _compiled(self, stage: Stage, banks: scene.Banks) -> None:
        """Lets torch.compile fuse the layers for this stage's shape; without it when that fails."""
        layers = [*self.model.encoder.layers, *self.model.decoder.layers]
        for layer in layers:
            layer._compiled_call_impl = None
        if not (self.settings.compile and self.device.type == "cuda"):
            return
        began = time.monotonic()
        torch._dynamo.reset()  # forgets the shapes of the stage before
        for layer in layers:
            layer.compile(dynamic=False)
        shape = stage.shape
        try:
            mel = torch.zeros(shape.batch, 80, shape.window_s * 100, device=self.device)
            ids = torch.zeros(shape.batch, shape.positions, dtype=torch.long, device=self.device)
            with torch.autocast(self.device.type, torch.bfloat16):
                encoded = self.model.encoder(
                    mel, torch.zeros(shape.batch, dtype=torch.long, device=self.device)
                )
                loss = self.model.decoder(ids, encoded).float().mean()
            loss.backward()
            self.model.zero_grad(set_to_none=True)
            torch.cuda.synchronize()
            self.log(f"compiled in {time.monotonic() - began:.0f} s")
        except Exception as error:  # compilers fail in many ways; training goes on without
            for layer in layers:
                layer._compiled_call_impl = None
            self.model.zero_grad(set_to_none=True)
            self.log(f"not compiled: {type(error).__name__}: {str(error)[:300]}")

    def _run_stage(
        self,
        stage: Stage,
        begin: float,
        total_s: float,
        pool: SpeechPool,
        producer: Producer,
        banks: scene.Banks,
        check: Callable[[], None],
    ) -> None:
        settings, progress = self.settings, self.progress
        self.log(f"stage {stage.name}: batches of {stage.shape.batch}")
        last = saved = reported = checked = time.monotonic()  # compiling counts as training time
        self.model.train()
        self._compiled(stage, banks)
        seed = settings.seed * 7919 + progress.step
        r = random.Random(seed)
        pool.planners.begin(stage.shape, seed, stage.silent_share)
        began_s, losses, waited, steps = progress.trained_s, [], 0.0, 0
        attention = math.inf  # mean before the last report
        while (passed := progress.trained_s / total_s) < stage.until or (
            attention > stage.wanted and passed < stage.latest
        ):
            share = min(1.0, (passed - begin) / (stage.until - begin))
            rate = _cosine(stage.rate, share) * min(1.0, (progress.step + 1) / 500)
            before = time.monotonic()
            plan = pool.planners.next()
            waited += time.monotonic() - before
            losses.append(self._step(plan, stage, share, rate, pool, banks, r))
            progress.step += 1
            progress.heard_s += stage.shape.batch * stage.shape.window_s
            steps += 1
            if pool.room(progress.step) and (slot := producer.take()) is not None:
                pool.add(slot)
            if steps % 128 == 0:
                banks.renew()
            if steps % 8 == 0 and self.device.type == "cuda":
                torch.cuda.current_stream().synchronize()  # keeps the clock honest and the queue short
            now = time.monotonic()
            progress.trained_s += now - last
            last = now
            if now - reported > settings.report_every_s:
                attention = self._report(
                    stage, losses, rate, steps / (progress.trained_s - began_s), waited, pool
                )
                losses, waited, reported = [], 0.0, now
            if now - saved > settings.save_every_s:
                self.save()
                saved = time.monotonic()
            if now - checked > settings.check_every_s:
                try:
                    check()
                except Exception as error:
                    self.log(f"check failed: {type(error).__name__}: {str(error)[:300]}")
                checked = time.monotonic()

    def _step(
        self,
        plan: Plan,
        stage: Stage,
        share: float,
        rate: float,
        pool: SpeechPool,
        banks: scene.Banks,
        r: random.Random,
    ) -> Tensor:
        """One update. Returns both losses [2], still on the device."""
        shape = stage.shape
        batch = scene.labels(plan, self.device)
        with torch.no_grad():
            harm = stage.harm[0] + (stage.harm[1] - stage.harm[0]) * share
            wave = scene.assemble(plan, pool.samples)
            wave = scene.record(wave, batch.speech, banks, r, harm)
            mel = scene.to_features(wave, batch.end, banks, r)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            encoded = self.model.encoder(mel, batch.shift)
            logits = self.model.decoder(batch.inputs, encoded)
            pieces = self.model.ctc_logits(encoded)
        attention = F.cross_entropy(
            logits.flatten(0, 1).float(), batch.outputs.flatten(), ignore_index=IGNORED
        )
        ctc = self._ctc(pieces, batch)
        weight = stage.ctc[0] + (stage.ctc[1] - stage.ctc[0]) * share
        balance = 0.5 if shape.window_s <= 5 else 1.0
        (balance * attention + weight * ctc).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        # A step whose gradient is not finite is left out, decided on the device.
        broken = ~torch.isfinite(norm)
        self.optimiser.found_inf = broken.float()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.muon.step(rate, broken)
        self.model.zero_grad(set_to_none=True)
        self._update_average()
        return torch.stack([attention.detach(), ctc.detach()])

    def _ctc(self, logits: Tensor, batch: scene.Batch) -> Tensor:
        """Mean over the windows with text of the loss per piece."""
        steps = torch.full_like(batch.piece_counts, logits.shape[1])
        each = F.ctc_loss(
            logits.float().log_softmax(-1).transpose(0, 1),
            batch.pieces,
            steps,
            batch.piece_counts,
            blank=self.tokens.text_size,
            reduction="none",
            zero_infinity=True,
        )
        counts = batch.piece_counts.to(each.device, non_blocking=True)
        return (each * (counts > 0) / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)

    def _update_average(self) -> None:
        decay = min(0.9995, (1 + self.progress.step) / (20 + self.progress.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)

    def _report(
        self, stage: Stage, losses: list[Tensor], rate: float, speed: float, waited: float, pool: SpeechPool
    ) -> float:
        """Logs the means since the last report; returns that of the attention loss."""
        attention, ctc = torch.stack(losses).mean(0).tolist()
        row = {
            "stage": stage.name,
            "step": self.progress.step,
            "trained_s": round(self.progress.trained_s, 1),
            "attention": round(attention, 4),
            "ctc": round(ctc, 4),
            "rate": rate,
            "steps_per_s": round(speed, 2),
            "pool_hours": round(pool.hours(), 1),
            "slots": pool.received,
        }
        self.history.append(row)
        self.log(
            f"{stage.name} attention {attention:.3f} ctc {ctc:.3f} rate {rate:.1e} {speed:.1f} steps/s, "
            f"waited {waited:.1f} s for plans, pool {row['pool_hours']} h of {pool.received} slots, "
            f"heard {self.progress.heard_s / 3600:.0f} h"
        )
        (self.settings.out / "history.json").write_text(json.dumps(self.history))
        return attention


def _cosine(ends: tuple[float, float], share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return ends[1] + (ends[0] - ends[1]) * 0.5 * (1 + math.cos(math.pi * share))

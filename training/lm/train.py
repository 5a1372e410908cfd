"""The training of the language model: one device, limited by time, can be resumed.

The rate of learning and the longest example follow the share of the time that has passed: short documents
first, because copying out of a transcript is learned there many times faster, then all.
"""

import argparse
import concurrent.futures
import contextlib
import math
import os
import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from training.lm.data import BUCKETS, Batches, Stream
from training.lm.evaluate import LONGEST_ANSWER, evaluate, table
from training.lm.export import export, load
from training.lm.network import Config, Qwen3
from training.lm.optimizer import Optimizer
from training.lm.report import report, write_record
from training.lm.vocabulary import train_vocabulary

WARM_UP = 0.02  # of the time
LAST_RATE = 0.02  # of the peak
# Up to which share of the time: the longest example.
LENGTHS = ((0.05, 512), (0.1, 1024), (0.16, 1536), (1.1, BUCKETS[-1]))
TINY = Config(512, 32, 64, 2, 4, 2, 16)  # for tests of the script
LOG_STEPS = 50
PROBE_DOCUMENTS = 12  # per language, at every checkpoint


def options() -> argparse.Namespace:
    cpus = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="python3 -m training.train_lm", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, required=True, help="where the model goes, in files of at most 16 MiB"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/lm"), help="checkpoint and vocabulary of this run"
    )
    parser.add_argument(
        "--minutes", type=float, default=20.0, help="of training; the evaluation comes on top"
    )
    parser.add_argument("--checkpoint-minutes", type=float, default=4.0)
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --work, if there is one"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--workers", type=int, default=max(1, min(8, cpus - 2)), help="processes that make examples"
    )
    parser.add_argument("--batch-tokens", type=int, default=65536)
    parser.add_argument("--uses", type=float, default=1.0, help="how often an example is used, about")
    parser.add_argument("--rate", type=float, default=4e-3, help="peak rate of learning")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard-documents", type=int, default=384)
    parser.add_argument("--vocabulary-documents", type=int, default=4000, help="per language")
    parser.add_argument("--documents", type=int, default=100, help="of the final evaluation, per language")
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile the blocks; eager where that fails"
    )
    parser.add_argument("--tiny", action="store_true", help="a network of no use, to try the script")
    return parser.parse_args()


def rate_at(progress: float, peak: float) -> float:
    """Linear warm-up, then half a cosine."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 0.01)
    through = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return peak * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * through)))


def longest_at(progress: float) -> int:
    return next(length for share, length in LENGTHS if min(progress, 1.0) < share)


class Trainer:
    def __init__(self, chosen: argparse.Namespace):
        self.options = chosen
        self.device = torch.device(chosen.device)
        self.config = TINY if chosen.tiny else Config()
        self.most = (
            16 if chosen.tiny else LONGEST_ANSWER
        )  # tokens of an answer: an untrained network never ends
        self.stop = threading.Event()
        self.step = 0
        self.spent = 0.0  # seconds of training before this process
        self.losses: list[list[float]] = []
        self.probes: list[dict] = []
        self.first_shard = 0
        self.checkpoint = chosen.work / "checkpoint.pt"
        chosen.work.mkdir(parents=True, exist_ok=True)
        if self.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = True

        state = None
        if chosen.resume and self.checkpoint.is_file():
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.tokenizer = self._vocabulary(state is not None)
        generator = torch.Generator().manual_seed(chosen.seed)
        self.network = Qwen3(self.config)
        self.network.initialise(generator)
        self.network.to(self.device)
        self.optimizer = Optimizer(self.network)
        if state is not None:
            self._restore(state)

    def _vocabulary(self, resumed: bool) -> Tokenizer:
        path = self.options.work / "tokenizer.json"
        if not (resumed and path.is_file()):
            started = time.monotonic()
            tokenizer = train_vocabulary(
                self.config.vocab_size, self.options.vocabulary_documents, self.options.seed
            )
            tokenizer.save(str(path))
            print(
                f"vocabulary of {tokenizer.get_vocab_size()} in {time.monotonic() - started:.0f} s",
                flush=True,
            )
        return Tokenizer.from_file(str(path))

    # ---- checkpoints

    def _restore(self, state: dict) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent = state["step"], state["seconds"]
        self.losses, self.probes = state["losses"], state["probes"]
        self.first_shard = state["shard"]
        print(f"resumed at step {self.step}, {self.spent / 60:.1f} min", flush=True)

    def save(self, batches: Batches, seconds: float) -> None:
        """Checkpoint into --work, the model as it is into --out."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": seconds,
            "losses": self.losses,
            "probes": self.probes,
            "shard": batches.oldest + 1,
        }
        unfinished = self.checkpoint.with_suffix(".part")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)
        export(self.network, self.tokenizer, self.options.out)

    # ---- training

    def ready(self, batches: Batches, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The next batch on its way to the device; out of pinned memory, so that nobody waits for it."""
        batch = batches.draw(longest)
        tokens, weights = torch.from_numpy(batch.tokens), torch.from_numpy(batch.weights)
        if self.device.type == "cuda":
            tokens, weights = tokens.pin_memory(), weights.pin_memory()
        return tokens.to(self.device, non_blocking=True), weights.to(self.device, non_blocking=True)

    def loss(self, tokens: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Weighted cross entropy of the next token; the decoder runs in bfloat16 on CUDA."""
        weights = weights[:, 1:].reshape(-1)
        mixed = contextlib.nullcontext()
        if self.device.type == "cuda":
            mixed = torch.autocast("cuda", dtype=torch.bfloat16)
        with mixed:
            hidden = self.network(tokens[:, :-1])
        # Outside of autocast: the differences between likely tokens would be lost in bfloat16.
        logits = self.network.logits(hidden.float()).flatten(0, 1)
        losses = F.cross_entropy(logits, tokens[:, 1:].reshape(-1), reduction="none")
        return (losses * weights).sum() / weights.sum()

    def update(self, tokens: torch.Tensor, weights: torch.Tensor, progress: float) -> torch.Tensor:
        loss = self.loss(tokens, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step(rate_at(progress, self.options.rate))
        self.optimizer.zero_grad()
        self.step += 1
        return loss.detach()

    def compile(self, batches: Batches) -> None:
        """Compiles block by block, in place, for any length; a short and a long batch tell whether that
        works."""
        for block in self.network.model.layers:
            block.compile(dynamic=True)
        try:
            for longest in (512, BUCKETS[-1]):
                self.loss(*self.ready(batches, longest)).backward()
                self.optimizer.zero_grad()
            print("compiled", flush=True)
        except Exception as error:  # whatever the compiler raises: training in eager mode is better than none
            print(f"not compiled: {type(error).__name__}: {str(error)[:300]}", flush=True)
            for block in self.network.model.layers:
                block._compiled_call_impl = None
            self.optimizer.zero_grad()

    def train(self) -> None:
        chosen, began = self.options, time.monotonic()
        stream = Stream(
            chosen.work / "tokenizer.json",
            chosen.shard_documents,
            chosen.seed,
            chosen.workers,
            self.first_shard,
        )
        try:
            batches = Batches(iter(stream), chosen.batch_tokens, chosen.uses, chosen.seed + self.step)
            print(f"first shards after {time.monotonic() - began:.0f} s", flush=True)
            if chosen.compile:
                self.compile(batches)
            # Getting ready counts as time of the run, but not for the schedule.
            limit = max(1.0, chosen.minutes * 60 - (time.monotonic() - began))
            started = time.monotonic() - self.spent
            print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
            ahead = concurrent.futures.ThreadPoolExecutor(1)
            following = ahead.submit(self.ready, batches, longest_at(self.spent / limit))
            saved, drawn, since = time.monotonic(), 0, time.monotonic()
            sums: list[torch.Tensor] = []
            while (seconds := time.monotonic() - started) < limit and not self.stop.is_set():
                progress = seconds / limit
                tokens, weights = following.result()
                following = ahead.submit(self.ready, batches, longest_at(progress))
                sums.append(self.update(tokens, weights, progress))
                drawn += tokens.numel()
                if len(sums) == LOG_STEPS:
                    mean = torch.stack(sums).mean().item()
                    self.losses.append([self.step, seconds, mean])
                    speed = drawn / (time.monotonic() - since)
                    print(
                        f"step {self.step}  {seconds / 60:.2f} min  loss {mean:.4f}  "
                        f"{speed / 1000:.0f} k tokens/s  shard {batches.oldest}",
                        flush=True,
                    )
                    sums, drawn, since = [], 0, time.monotonic()
                    if not math.isfinite(mean):
                        raise RuntimeError(
                            f"the loss is {mean} at step {self.step}: lower --rate, then --resume"
                        )
                if time.monotonic() - saved > chosen.checkpoint_minutes * 60:
                    self.save(batches, time.monotonic() - started)
                    self.probe(seconds)
                    saved = since = time.monotonic()
                    drawn, sums = 0, []
            following.result()  # the batches are not touched any more
            ahead.shutdown()
            self.save(batches, time.monotonic() - started)
        finally:
            stream.close()

    def probe(self, seconds: float) -> None:
        """A look at how far it is, on a few documents; by a copy, which is not compiled."""
        network = Qwen3(self.config).to(self.device).eval()
        network.load_state_dict(self.network.state_dict())
        rows = evaluate(network, self.tokenizer, min(PROBE_DOCUMENTS, self.options.documents), most=self.most)
        self.probes.append({"seconds": seconds, "rows": [vars(row) for row in rows]})
        print(f"after {seconds / 60:.1f} min\n{table(rows)}", flush=True)

    def finish(self) -> None:
        """Evaluates the model as it was written, in bfloat16, and keeps the record of the run."""
        self.record([])
        if self.stop.is_set():
            return
        network, tokenizer = load(self.options.out)
        network.to(self.device).eval()
        started = time.monotonic()
        rows = evaluate(
            network, tokenizer, self.options.documents, self.options.work / "answers.jsonl", self.most
        )
        self.record(rows)
        print(f"evaluated in {time.monotonic() - started:.0f} s\n{table(rows)}", flush=True)

    def record(self, rows: list) -> None:
        settings = {
            key: str(value) if isinstance(value, Path) else value for key, value in vars(self.options).items()
        }
        settings |= {"config": asdict(self.config), "steps": self.step, "torch": torch.__version__}
        settings["parameters"] = sum(weight.numel() for weight in self.network.parameters())
        if self.device.type == "cuda":
            settings["device_name"] = torch.cuda.get_device_name(self.device)
        for folder in (self.options.out, self.options.work):
            write_record(folder, settings, self.losses, self.probes, rows)
        report(self.options.work)


def main() -> None:
    trainer = Trainer(options())
    signal.signal(signal.SIGTERM, lambda *_: trainer.stop.set())
    parameters = sum(weight.numel() for weight in trainer.network.parameters())
    print(f"{parameters / 1e6:.2f} M parameters on {trainer.device}, torch {torch.__version__}", flush=True)
    trainer.train()
    trainer.finish()

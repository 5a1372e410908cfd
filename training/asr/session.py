"""One run from nothing (or a checkpoint) to an exported and examined recogniser."""

from __future__ import annotations

import argparse
import io
import itertools
import json
import shutil
import tarfile
import time
from dataclasses import asdict
from pathlib import Path

import torch

from training.asr import alignment, examine, tokens as token_sets
from training.asr.export import MOST_BYTES, export
from training.asr.material import SLOT_SAMPLES, Producer, training_jobs
from training.asr.network import Config
from training.asr.planners import Planners
from training.asr.pool import SpeechPool
from training.asr.scene import Banks
from training.asr.tokens import LANGUAGES, Tokens
from training.asr.trainer import Settings, Trainer
from training.asr.windows import RATE_HZ
from training.corpus import sentences

TEXTS_FOR_TOKENS = 60_000  # of each language
PART_BYTES = 15_000_000  # of the checkpoint's pieces


def run(options: argparse.Namespace, began: float) -> None:
    """The whole work; `began` is the start on time.monotonic's clock."""
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device(options.device)
    tokens = _tokens(options)
    config = Config(tokens.size)
    settings = Settings(
        options.out,
        options.seed,
        compile=not options.no_compile,
        pool_slots=max(16, round(options.pool_hours * 3600 * RATE_HZ / SLOT_SAMPLES)),
    )
    if options.tiny:
        config = Config(tokens.size, 64, 2, 2, 128, 128)
        settings.scale, settings.noises, settings.rooms = 1 / 32, 16, 16
        settings.report_every_s, settings.save_every_s, settings.check_every_s = 2, 8, 15
    trainer = Trainer(config, tokens, settings, device)
    parameters = sum(p.numel() for name, p in trainer.model.named_parameters() if not name.startswith("ctc"))
    trainer.log(
        f"{parameters / 1e6:.2f} million parameters, {tokens.size} tokens, {torch.__version__} on {device}"
    )
    if options.resume:
        trainer.resume()
    producer = Producer(options.out / "tokenizer.json", options.processes)
    planners = Planners(options.out / "tokenizer.json", options.planners)
    try:
        _work(options, began, trainer, producer, planners)
    finally:
        planners.close()
        producer.close()


def _work(
    options: argparse.Namespace, began: float, trainer: Trainer, producer: Producer, planners: Planners
) -> None:
    tokens, settings, device = trainer.tokens, trainer.settings, trainer.device
    sets = examine.make_test_sets(producer, options.seed, options.test_hours)
    trainer.log(
        f"test sets after {time.monotonic() - began:.0f} s: {len(sets.single)} sentences, {len(sets.unseen)} "
        f"of unseen voices, {len(sets.packed)} packed windows"
    )
    examiner = examine.Examiner(tokens, sets, device, options.seed, 4 if options.tiny else 64)
    # A resumed run hears other speech than the one before.
    producer.start(training_jobs(options.seed + trainer.progress.step))
    banks = Banks(device, options.seed + trainer.progress.step, settings.rooms, settings.noises, 30 * RATE_HZ)
    pool = SpeechPool(settings.pool_slots, device, planners)
    enough = 4 if options.tiny else 32
    while pool.received < enough:
        pool.add(producer.take(wait=True))
    trainer.log(f"training begins after {time.monotonic() - began:.0f} s with {pool.hours():.1f} h of speech")

    def check() -> None:
        results = examiner.run(trainer.average, 4 if options.tiny else 200)
        trainer.log("check: " + ", ".join(f"{name} {value:.1%}" for name, value in results.figures.items()))
        _hand_over(options.out, trainer, [])

    stop_at = began + options.minutes * 60 - options.reserve
    trainer.run(pool, producer, banks, stop_at, check)
    trainer.log(
        f"trained for {trainer.progress.trained_s:.0f} s in {trainer.progress.step} steps, heard "
        f"{trainer.progress.heard_s / 3600:.0f} h, {pool.received} slots made"
    )
    finish(options.out, trainer, examiner, sets, 4 if options.tiny else None)


def finish(
    out: Path, trainer: Trainer, examiner: examine.Examiner, sets: examine.TestSets, most: int | None = None
) -> None:
    """Export first, then the long examination: whatever happens there, the model is safe."""
    model, tokens = trainer.average, trainer.tokens
    _hand_over(out, trainer, [])
    few = sets.single[:: max(1, len(sets.single) // (most or 200))]
    heads, shares = alignment.best_heads(model, tokens, few)
    size = _hand_over(out, trainer, heads)
    trainer.log(f"exported {size} bytes (at most {MOST_BYTES}), alignment heads {heads}, words hit {shares}")
    # What is examined is what was exported: float16 weights.
    model.load_state_dict({name: value.half().to(value.dtype) for name, value in model.state_dict().items()})
    results = examiner.run(model, most)
    text = f"{examine.table(results)}\n\n```\n{examine.samples(results)}\n```\n"
    (out / "return" / "evaluation.md").write_text(text)
    figures = {
        "figures": results.figures,
        "by_voice": results.by_voice,
        "heads": heads,
        "head_shares": shares,
        "bytes": size,
        "steps": trainer.progress.step,
        "trained_s": trainer.progress.trained_s,
        "heard_s": trainer.progress.heard_s,
    }
    (out / "return" / "evaluation.json").write_text(json.dumps(figures, indent=1) + "\n")
    trainer.log("evaluation\n" + text)
    trainer.log("finished")
    shutil.copy(out / "train.log", out / "return" / "train.log")


def _tokens(options: argparse.Namespace) -> Tokens:
    """The folder's token set, or a new one learned from training sentences."""
    path = options.out / "tokenizer.json"
    if not (options.resume and path.exists()):
        count = TEXTS_FOR_TOKENS // (30 if options.tiny else 1)
        texts = [t for name in LANGUAGES for t in itertools.islice(sentences(name, "train", 424242), count)]
        token_sets.train(texts, options.pieces).save(path)
    return token_sets.load(path)


def _hand_over(out: Path, trainer: Trainer, heads: list[list[int]]) -> int:
    """Fills the folder `return`: at most eight files below 16 MiB, all that is worth keeping so far.

    model.tar holds the exported directory; checkpoint-N.bin, joined, is a file of torch.save with the
    averaged network, history and progress. Returns the size of the exported directory in bytes.
    """
    target = out / "return"
    target.mkdir(exist_ok=True)
    heads = heads or [[trainer.config.decoder_layers - 1, h] for h in range(trainer.config.heads)]
    size = export(trainer.average, trainer.tokens, heads, out / "model")
    with tarfile.open(target / "model.tar", "w") as archive:
        archive.add(out / "model", "asr")
    stream = io.BytesIO()
    torch.save(
        {
            "average": trainer.average.state_dict(),
            "history": trainer.history,
            "config": asdict(trainer.config),
            "progress": asdict(trainer.progress),
        },
        stream,
    )
    data = stream.getvalue()
    for number, at in enumerate(range(0, len(data), PART_BYTES)):
        (target / f"checkpoint-{number}.bin").write_bytes(data[at : at + PART_BYTES])
    _curves(target, trainer.history)
    shutil.copy(out / "train.log", target / "train.log")
    return size


def _curves(target: Path, history: list[dict]) -> None:
    """loss.png; left out where there is no matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    minutes = [row["trained_s"] / 60 for row in history]
    for name in ("attention", "ctc"):
        axes.plot(minutes, [row[name] for row in history], label=name)
    axes.set(xlabel="minutes of training", ylabel="loss per token", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(target / "loss.png", dpi=120, bbox_inches="tight")
    pyplot.close(figure)

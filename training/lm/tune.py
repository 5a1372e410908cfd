"""A second, short training of a finished model, on a CPU if need be: answers in words nobody could expect.

python3 -m training.lm.tune out/lm -o out/lm-tuned --minutes 36

A model that saw the same word lists for long prefers their words to those of the transcript: it begins with
"Far" and goes on with "Farrell", whoever was there. Here most names, nouns and verbs of the documents are made
up, none is misheard, and the loss counts the answers only. Some dozens of steps of a few documents change that.
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from training.corpus import document
from training.corpus.writer import Style
from training.lm import chat, jobs
from training.lm.export import export, load
from training.lm.optimizer import Optimizer

LONGEST = 1400  # tokens of an example
POOL = 64  # examples sorted by length at a time, so that little is padding
WARM_UP_STEPS, LAST_RATE = 15, 0.03
RESTORING = 0.15  # share of the examples

Pair = tuple[list[int], list[int]]  # tokens of prompt and answer


def examples(tokenizer: Tokenizer, seed: int) -> Iterator[Pair]:
    """An endless stream; documents of other numbers than those of `data.py`."""
    index = 0
    while True:
        rng = random.Random(f"tune|{seed}|{index}")
        brief = 0.9 if rng.random() < 0.75 else 0.0
        style = Style(invented=rng.choice([0.3, 0.6, 0.9]), brief=brief)
        kinds = ["meeting"] if rng.random() < 0.65 else None
        made = document(rng.choice(["en", "vi"]), "train", 777 + seed, index, kinds, style)
        index += 1
        if rng.random() < RESTORING:
            example = jobs.restoring(made, rng, most_words=120)
        else:
            template = jobs.own_template(made) if rng.random() < 0.9 else rng.choice(sorted(made.facts))
            example = jobs.summary(made, template, rng)
        asked = tokenizer.encode(chat.prompt(example.job, example.transcript, rng.random() < 0.8)).ids
        answered = tokenizer.encode(example.answer + "<|im_end|>").ids
        if len(asked) + len(answered) <= LONGEST:
            yield asked, answered


def batches(stream: Iterator[Pair], tokens: int, rng: random.Random) -> Iterator[list[Pair]]:
    """Examples of like length, together at most `tokens` with their padding."""
    while True:
        pool = sorted((next(stream) for _ in range(POOL)), key=lambda pair: len(pair[0]) + len(pair[1]))
        groups: list[list[Pair]] = [[]]
        for pair in pool:
            if groups[-1] and (len(groups[-1]) + 1) * (len(pair[0]) + len(pair[1])) > tokens:
                groups.append([])
            groups[-1].append(pair)
        rng.shuffle(groups)
        yield from groups


def padded(group: list[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [B, T], and which of them are answers."""
    width = max(len(asked) + len(answered) for asked, answered in group)
    tokens = torch.zeros(len(group), width, dtype=torch.long)
    answers = torch.zeros(len(group), width, dtype=torch.bool)
    for row, (asked, answered) in enumerate(group):
        tokens[row, : len(asked) + len(answered)] = torch.tensor(asked + answered)
        answers[row, len(asked) : len(asked) + len(answered)] = True
    return tokens, answers


def tune(options: argparse.Namespace) -> None:
    network, tokenizer = load(options.model)
    device = torch.device(options.device)
    network.to(device).train()
    optimizer = Optimizer(network)
    if options.compile:
        for block in network.model.layers:
            block.compile(dynamic=True)
    began = saved = time.monotonic()
    losses: list[float] = []
    todo = batches(examples(tokenizer, options.seed), options.batch_tokens, random.Random(options.seed))
    for step, group in enumerate(todo, 1):
        part = (time.monotonic() - began) / (options.minutes * 60)
        if part >= 1:
            print(f"{step - 1} steps, loss of the last {sum(losses) / max(1, len(losses)):.4f}")
            break
        tokens, answers = (tensor.to(device) for tensor in padded(group))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            hidden = network(tokens[:, :-1])
        asked_for = answers[:, 1:]
        loss = F.cross_entropy(network.logits(hidden[asked_for].float()), tokens[:, 1:][asked_for])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step(options.rate * min(1, step / WARM_UP_STEPS) * max(LAST_RATE, 1 - part))
        optimizer.zero_grad()
        losses.append(loss.item())
        if step % 10 == 0:
            mean = sum(losses) / len(losses)
            print(f"step {step}  {part * options.minutes:.1f} min  loss {mean:.4f}", flush=True)
            losses = []
        if time.monotonic() - saved > options.checkpoint_minutes * 60:
            export(network, tokenizer, options.output)
            saved = time.monotonic()
    export(network, tokenizer, options.output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of the model to go on with")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=36.0)
    parser.add_argument("--checkpoint-minutes", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak rate of learning")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile the blocks")
    tune(parser.parse_args())


if __name__ == "__main__":
    main()

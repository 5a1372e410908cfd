"""How well a detector finds voice: on assembled recordings of unseen voices and texts, on sounds that
are no speech, and on real recordings with RTTM files. The operating point is the program's, a
probability of 0.5.
"""

import json
import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training import metrics
from training.metrics import Detection
from training.speech import effects, sounds
from training.vad import material
from training.vad.material import Bank
from training.vad.network import WINDOW, SileroVad

THRESHOLD = 0.5
SECONDS = 16
SNRS_DB = (20, 10, 5, 0)
_SAMPLES = SECONDS * material.RATE_HZ // WINDOW * WINDOW
_AT_ONCE = 64


@torch.no_grad()
def found(network: SileroVad, recordings: Tensor) -> np.ndarray:
    """[B, W] of bool: windows taken for voice."""
    parts = [torch.sigmoid(network(part)[0]) >= THRESHOLD for part in recordings.split(_AT_ONCE)]
    return torch.cat(parts).cpu().numpy()


def conditions(speech: Tensor, g: torch.Generator) -> dict[str, Tensor]:
    """The clean recordings [B, N] as heard under each condition of the table."""
    batch, samples = speech.shape
    floor = effects.coloured_noise(batch, samples, 1.0, g) * 1e-4
    heard = {"clean": speech + floor}
    noise, _ = effects.noise(batch, samples, g)
    for snr in SNRS_DB:
        heard[f"{snr} dB, all kinds of noise"] = effects.add_noise(speech, noise, float(snr))
    for kind in effects.NOISE_KINDS:
        noise = effects.noise_of_kind(kind, batch, samples, g)
        heard[f"10 dB, {kind}"] = effects.add_noise(speech, noise, 10.0)
    music = effects.unit_power(sounds.music(batch, samples, g))
    heard["10 dB, music"] = effects.add_noise(speech, music, 10.0)
    room = effects.reverberate(speech, effects.room_responses(batch, g))
    noise, _ = effects.noise(batch, samples, g)
    heard["10 dB, in a room"] = effects.add_noise(room, noise, 10.0)
    heard["10 dB, telephone"] = effects.telephone(effects.add_noise(speech, noise, 10.0), g)
    heard["10 dB, 25 dB softer"] = effects.add_noise(speech, noise, 10.0) * effects.decibels(-25.0)
    return heard


def synthetic(network: SileroVad, bank: Bank, recordings: int, seed: int) -> dict[str, Detection]:
    """Counts per condition on `recordings` recordings of 16 s from a bank of the test split."""
    device = bank.samples.device
    g = torch.Generator(device).manual_seed(seed)
    dice = random.Random(seed)
    totals: dict[str, Detection] = {}
    for first in range(0, recordings, _AT_ONCE):
        rows = min(_AT_ONCE, recordings - first)
        pieces = material.plan(bank, rows, _SAMPLES, material.PLAIN, dice)
        speech, voiced = material.assemble(bank, pieces, rows, _SAMPLES)
        truth = (material.window_labels(voiced) >= 0.5).cpu().numpy()
        for name, heard in conditions(speech, g).items():
            counts = metrics.detection(truth, found(network, effects.clip(heard)))
            totals[name] = totals.get(name, Detection()) + counts
    return totals


def non_speech(network: SileroVad, device: torch.device | str, each: int, seed: int) -> dict[str, Detection]:
    """Counts per kind of sound on `each` recordings of 16 s; only false alarms and rejections can occur."""
    g = torch.Generator(device).manual_seed(seed)
    totals = {}
    for kind, make in sounds.KINDS.items():
        x = effects.gain(make(each, _SAMPLES, g), effects.uniform(g, -40, -3, each))
        heard = found(network, effects.clip(x + 1e-4 * effects.normal(g, *x.shape)))
        totals[kind] = metrics.detection(np.zeros_like(heard), heard)
    return totals


def read_audio(path: Path) -> Tensor:
    """float32 [1, N] of a 16 kHz mono recording (WAV or FLAC)."""
    import soundfile  # only real recordings need it

    samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    if rate != material.RATE_HZ:
        raise ValueError(f"{path}: {rate} Hz, 16000 Hz expected")
    return torch.from_numpy(samples.mean(1))[None]


def real(network: SileroVad, folder: Path) -> dict[str, Detection]:
    """Counts per recording of a folder that holds audio and .rttm files."""
    device = network.conv1.weight.device
    totals = {}
    for truth_file in sorted(folder.glob("*.rttm")):
        audio = [truth_file.with_suffix(s) for s in (".wav", ".flac") if truth_file.with_suffix(s).exists()]
        if not audio:
            continue
        heard = network.probabilities(read_audio(audio[0]).to(device))[0].cpu().numpy() >= THRESHOLD
        truth = metrics.voice_frames(metrics.read_rttm(truth_file), len(heard))
        totals[truth_file.stem] = metrics.detection(truth, heard)
    return totals


def total(counts: dict[str, Detection]) -> Detection:
    """All counts together."""
    return sum(counts.values(), Detection())


def figures(counts: dict[str, Detection]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and false-alarm rate per row, for JSON."""
    return {
        name: {
            "precision": c.precision,
            "recall": c.recall,
            "f1": c.f1,
            "false_alarm_rate": c.false_alarm_rate,
            "voice_frames": c.hits + c.misses,
            "frames": c.hits + c.misses + c.false_alarms + c.rejections,
        }
        for name, c in counts.items()
    }


def table(title: str, counts: dict[str, Detection], voice: bool = True) -> str:
    """A Markdown table; without voice in the truth only false alarms are told."""
    if not voice:
        rows = [f"| {name} | {100 * c.false_alarm_rate:.2f} % |" for name, c in counts.items()]
        return "\n".join([f"| {title} | windows taken for voice |", "|---|---|", *rows])
    rows = [f"| {n} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} |" for n, c in counts.items()]
    return "\n".join([f"| {title} | precision | recall | F1 |", "|---|---|---|---|", *rows])


def report(
    network: SileroVad, bank: Bank, seed: int, recordings: int, folders: list[Path]
) -> tuple[str, dict]:
    """The final table as Markdown, and its figures for JSON."""
    network.eval()
    parts = {"synthetic": synthetic(network, bank, recordings, seed)}
    texts = [table("unseen voices and texts, 16 s each", parts["synthetic"])]
    quiet = non_speech(network, bank.samples.device, max(1, recordings // 8), seed + 1)
    parts["non_speech"] = quiet | {"all kinds": total(quiet)}
    texts.append(table("no speech", parts["non_speech"], voice=False))
    for folder in folders:
        counts = real(network, folder)
        parts[f"real: {folder.name}"] = counts | {"all": total(counts)}
        texts.append(table(f"real recordings ({folder.name})", parts[f"real: {folder.name}"]))
    return "\n\n".join(texts) + "\n", {name: figures(counts) for name, counts in parts.items()}


def write_report(folder: Path, name: str, text: str, values: dict) -> None:
    """Writes <name>.md and <name>.json."""
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

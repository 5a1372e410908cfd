"""The voice detector's training: network, material, a run that stops and continues, the program's opinion."""

import json
import os
import pathlib
import random
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")
pytest.importorskip("safetensors", reason="safetensors is not installed (training/requirements.txt)")
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
pytest.importorskip("training.corpus", reason="the corpus is not here")
from training.vad import augment, material, measure, network, train  # noqa: E402

DATA = os.environ.get("MAIE_TEST_DATA")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def utterance(seed, seconds=2.0):
    """Bursts of a tone with pauses, int16: enough like speech for everything but learning."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    gate = (time % 0.5) < 0.3
    tone = np.sin(2 * np.pi * rng.uniform(100, 300) * time) * gate
    return (8000 * tone).astype(np.int16)


@pytest.fixture
def bank():
    return material.bank_of([utterance(seed) for seed in range(6)], "cpu")


def random_network(seed=3):
    torch.manual_seed(seed)
    return network.SileroVad().eval()


def test_a_recording_at_once_equals_window_by_window():
    net = random_network()
    samples = torch.randn(1, 6 * 512, generator=torch.Generator().manual_seed(1)) * 0.1
    weights = network.published(net)
    cell = torch.nn.LSTMCell(128, 128)
    cell.load_state_dict({name: weights[f"lstm_cell.{name}"] for name in cell.state_dict()})
    context, state, expected = torch.zeros(64), (torch.zeros(1, 128), torch.zeros(1, 128)), []
    for window in samples[0].view(-1, 512):
        x = torch.cat([context, window])[None, None]
        x = torch.nn.functional.pad(x, (0, 64), mode="reflect")
        x = torch.nn.functional.conv1d(x, weights["stft_conv.weight"], stride=128)
        x = (x[:, :129] ** 2 + x[:, 129:] ** 2).sqrt()
        for layer, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
            w, b = weights[f"conv{layer}.weight"], weights[f"conv{layer}.bias"]
            x = torch.nn.functional.conv1d(x, w, b, stride=stride, padding=1).relu()
        state = cell(x[:, :, 0], state)
        out = (state[0].relu() @ weights["final_conv.weight"][0] + weights["final_conv.bias"]).sigmoid()
        expected.append(out.item())
        context = window[-64:]
    got = net.probabilities(samples)[0]
    assert torch.allclose(got, torch.tensor(expected), atol=1e-5)


def test_export_has_the_published_names_and_size(tmp_path):
    net = random_network()
    network.save(net, tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").stat().st_size <= 1.3e6
    x = torch.randn(1, 5120) * 0.1
    assert torch.equal(network.load(tmp_path / "model.safetensors").probabilities(x), net.probabilities(x))
    assert set(network.published(net)) == {
        "stft_conv.weight", "final_conv.weight", "final_conv.bias",
        *(f"conv{k}.{part}" for k in range(1, 5) for part in ("weight", "bias")),
        *(f"lstm_cell.{part}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")),
    }  # fmt: skip


@pytest.mark.skipif(not DATA, reason="MAIE_TEST_DATA names no folder of test data")
def test_the_published_weights_give_their_published_probabilities():
    folder = pathlib.Path(DATA)
    net = network.load(folder / "silero/silero_vad_v6.2_16k.safetensors")
    names = ("dev00", "dev01", "trn03")
    samples = torch.cat([measure.read_audio(folder / f"audio/ami/{name}.wav") for name in names], 1)
    golden = json.loads((ROOT / "tests/golden/silero/probabilities.json").read_text())["ami"]
    got = net.probabilities(samples)[0].numpy()
    assert np.abs(got - np.array(golden)).max() < 1e-3


def test_pauses_longer_than_150_ms_are_no_voice_and_shorter_ones_are():
    sound, short, long = np.full(3200, 5000), np.zeros(1600), np.zeros(4800)
    voiced = material.voice_samples(np.concatenate([sound, short, sound, long, sound]).astype(np.int16))
    assert voiced[:8000].all() and not voiced[8000:12800].any() and voiced[12800:].all()


def test_assembled_voice_lies_where_the_labels_say(bank):
    pieces = material.plan(bank, 4, 64000, material.PLAIN, random.Random(1))
    speech, voiced = material.assemble(bank, pieces, 4, 64000)
    assert speech.shape == voiced.shape == (4, 64000)
    assert speech[voiced == 0].abs().max() < 0.01  # 40 dB below the loudest
    assert 0.05 < voiced.mean() < 0.95


def test_a_piece_played_faster_ends_sooner_and_higher(bank):
    piece = material.Piece(0, 100, bank.starts[0], 8000, 2.0, 1 / 32768, 0.0, 0.0)
    speech, _ = material.assemble(bank, [piece], 1, 16000)
    source = bank.samples[bank.starts[0] : bank.starts[0] + 16000 : 2].float() / 32768
    assert torch.allclose(speech[0, 100:8100], source, atol=1e-4)
    assert speech[0, 8100:].abs().max() == 0


def test_batches_are_finite_bounded_and_follow_from_the_seed(bank):
    for seed in range(4):
        x, share = augment.training_batch(bank, 8, 32000 // 512 * 512, seed)
        assert torch.isfinite(x).all() and x.abs().max() <= 1
        assert share.shape == (8, 62) and 0 <= share.min() and share.max() <= 1
        assert share[round(8 * augment.SPEECH_SHARE) :].max() == 0
    again, _ = augment.training_batch(bank, 8, 32000 // 512 * 512, 3)
    assert torch.equal(x, again)


def test_a_run_learns_stops_continues_and_exports(bank, tmp_path):
    options = train.Options(minutes=0.03, utterances=0, batch=4, seconds=2, device="cpu", checkpoint_s=0.5)
    first = train.Run(options, tmp_path)
    first.train(bank)
    assert (tmp_path / "checkpoint.pt").exists() and (tmp_path / "model.safetensors").exists()
    options.minutes = 0.06
    second = train.Run(options, tmp_path)
    assert second.step == first.step and second.curve == first.curve
    second.train(bank)
    assert second.step > first.step
    text, values = measure.report(second.mean, bank, 5, 2, [])
    assert "10 dB" in text and 0 <= values["synthetic"]["clean"]["f1"] <= 1


def test_the_program_finds_the_same_voice(tmp_path):
    """Our weights through the C++ program: the spans it keeps follow from our probabilities."""
    program = pathlib.Path(os.environ.get("MAIE_PROGRAM", ROOT / "build/release/bin/maie"))
    weights = ROOT / "models/mini/vad/model.safetensors"
    soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed")
    if not program.exists() or not weights.exists():
        pytest.skip("needs the built program and models/mini/vad")
    time = np.arange(3 * 16000) / 16000
    voice = measure.read_audio(ROOT / "samples/manual.flac")[0, : 20 * 16000].numpy()
    soundfile.write(tmp_path / "a.wav", np.concatenate([0 * time, voice, 0 * time]), 16000, "PCM_16")
    model = ROOT / "models/mini/asr"
    options = ["--vad-model", weights, "--vad-pad-ms", "0", "-f", "json", "-o", tmp_path, "-q"]
    command = [program, "transcribe", tmp_path / "a.wav", "--model", model, *options]
    subprocess.run(list(map(str, command)), check=True, timeout=300)
    result = json.loads((tmp_path / "a.json").read_text())
    share = network.load(weights).probabilities(measure.read_audio(tmp_path / "a.wav"))[0] >= 0.5
    found_s = float(share.sum()) * 512 / 16000
    assert result["vad"]["kind"] == "silero"
    # The program adds the pauses it bridges and hysteresis; it cannot find less by much.
    assert 0.9 * found_s < result["timing"]["speech"] < found_s + 8

#!/usr/bin/env python3
"""Writes probabilities.json: what other programs make of recordings and of made-up weights.

    make_probabilities.py DATA [DIRECTORY]

DATA is the folder MAIE_TEST_DATA names. The published Silero v6.2 weights run in onnxruntime from the published
ONNX file; the made-up weights (a formula the test repeats) run in PyTorch. With DIRECTORY, the weights packaged in
faster-whisper are also written there as safetensors, beside its own probabilities: not committed, the test
looks for them in <build>/golden/silero.
"""
import json
import pathlib
import sys

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

WINDOW, CONTEXT = 512, 64
RECORDINGS = {
    "jfk": ["jfk.wav"],
    "film": ["film/30s_i_wont_open_this_door_again.wav"],
    "ami": ["ami/dev00.wav", "ami/dev01.wav", "ami/trn03.wav"],  # one after another: 2,812 windows of state
}


def read_wav(path):
    data = path.read_bytes()
    position, kind, bits = 12, 0, 0
    while position + 8 <= len(data):
        name, size = data[position:position + 4], int.from_bytes(data[position + 4:position + 8], "little")
        body = data[position + 8:position + 8 + size]
        if name == b"fmt ":
            kind, bits = int.from_bytes(body[0:2], "little"), int.from_bytes(body[14:16], "little")
            assert int.from_bytes(body[2:4], "little") == 1 and int.from_bytes(body[4:8], "little") == 16000
        if name == b"data":
            if kind == 3:
                return np.frombuffer(body, np.float32)
            assert bits == 16
            return np.frombuffer(body, np.int16).astype(np.float32) / np.float32(32768)
        position += 8 + size + size % 2
    raise ValueError(f"{path}: no data")


def silero(session, samples):
    samples = np.pad(samples, (0, -len(samples) % WINDOW))
    state, context, out = np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT, np.float32), []
    for window in samples.reshape(-1, WINDOW):
        inputs = {"input": np.concatenate([context, window])[None], "state": state, "sr": np.array(16000, np.int64)}
        p, state = session.run(None, inputs)
        out.append(float(p[0, 0]))
        context = window[-CONTEXT:]
    return out


def made_up(count, seed, scale):
    """Values in [-scale/2, scale/2), exact in float32: bits 8..31 of a multiplied counter."""
    counter = (np.arange(count, dtype=np.uint64) + 1 + seed * 7919) * np.uint64(2654435761) % np.uint64(1 << 32)
    counter = (counter ^ (counter >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(1 << 32)
    return ((counter >> np.uint64(8)).astype(np.float64) / (1 << 24) - 0.5).astype(np.float32) * np.float32(scale)


MADE_UP = [  # name, shape, scale: the test has the same table
    ("stft_conv.weight", (258, 1, 256), 0.5), ("conv1.weight", (128, 129, 3), 0.25), ("conv1.bias", (128,), 0.5),
    ("conv2.weight", (64, 128, 3), 0.25), ("conv2.bias", (64,), 0.5), ("conv3.weight", (64, 64, 3), 0.25),
    ("conv3.bias", (64,), 0.5), ("conv4.weight", (128, 64, 3), 0.5), ("conv4.bias", (128,), 0.5),
    ("lstm_cell.weight_ih", (512, 128), 0.5), ("lstm_cell.weight_hh", (512, 128), 0.5),
    ("lstm_cell.bias_ih", (512,), 0.5), ("lstm_cell.bias_hh", (512,), 0.5), ("final_conv.weight", (1, 128, 1), 2.0),
    ("final_conv.bias", (1,), 0.5)]


def made_up_probabilities():
    w = {name: torch.tensor(made_up(int(np.prod(shape)), seed, scale).reshape(shape)).double()
         for seed, (name, shape, scale) in enumerate(MADE_UP)}
    samples = torch.tensor(made_up(40 * WINDOW + 100, 99, 1.0)).double()
    # Loud and quiet in turn, so that probabilities differ.
    samples *= torch.tensor([[1.0, 0.25, 0.0625][(i // 2048) % 3] for i in range(len(samples))])
    samples = F.pad(samples, (0, -len(samples) % WINDOW))
    context, out = torch.zeros(CONTEXT).double(), []
    cell = torch.nn.LSTMCell(128, 128).double()
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(cell, name).copy_(w["lstm_cell." + name])
        h = c = torch.zeros(1, 128).double()
        for window in samples.reshape(-1, WINDOW):
            x = F.pad(torch.cat([context, window])[None, None], (0, CONTEXT), mode="reflect")
            spectrum = F.conv1d(x, w["stft_conv.weight"], stride=128)
            x = torch.sqrt(spectrum[:, :129] ** 2 + spectrum[:, 129:] ** 2)
            for layer, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
                x = torch.relu(F.conv1d(x, w[f"conv{layer}.weight"], w[f"conv{layer}.bias"], stride=stride, padding=1))
            assert x.shape == (1, 128, 1)
            h, c = cell(x[:, :, 0], (h, c))
            y = F.conv1d(torch.relu(h)[:, :, None], w["final_conv.weight"], w["final_conv.bias"])
            out.append(float(torch.sigmoid(y)))
            context = window[-CONTEXT:]
    return out


def faster_whisper(directory, data):
    import onnx
    from faster_whisper import vad
    from faster_whisper.utils import get_assets_path
    from safetensors.numpy import save_file
    graph = onnx.load(pathlib.Path(get_assets_path()) / "silero_vad_v6.onnx").graph
    stored = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            stored[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
    lstm = next(node for node in graph.node if node.op_type == "LSTM")

    def pytorch_order(rows):  # i, o, f, c of ONNX to i, f, g, o
        i, o, f, g = np.split(rows, 4)
        return np.concatenate([i, f, g, o])

    w, r, b = (stored[name][0] for name in lstm.input[1:4])
    tensors = {"stft_conv.weight": stored["encoder.feature_extractor.forward_basis_buffer"],
               "lstm_cell.weight_ih": pytorch_order(w), "lstm_cell.weight_hh": pytorch_order(r),
               "lstm_cell.bias_ih": pytorch_order(b[:512]), "lstm_cell.bias_hh": pytorch_order(b[512:])}
    for layer in range(4):
        for part in ("weight", "bias"):
            candidates = [k for k in stored if k.startswith(f"encoder.conv_layers.{layer}.") and k.endswith(part)]
            tensors[f"conv{layer + 1}.{part}"] = stored[candidates[0]]
    for part in ("weight", "bias"):
        tensors[f"final_conv.{part}"] = stored[f"decoder.conv1d.{part}"]
    directory.mkdir(parents=True, exist_ok=True)
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in tensors.items()}, directory / "faster_whisper.safetensors")
    model, out = vad.get_vad_model(), {}
    for name in ("jfk", "film"):
        samples = read_wav(data / "audio" / RECORDINGS[name][0])
        for cut, part in (("", samples), ("_aligned", samples[:len(samples) // WINDOW * WINDOW])):
            padded = np.pad(part, (0, WINDOW - len(part) % WINDOW))
            out[name + cut] = [float(p) for p in np.ravel(model(padded))]
    (directory / "faster_whisper.json").write_text(json.dumps(out))


def main():
    data = pathlib.Path(sys.argv[1])
    session = onnxruntime.InferenceSession(str(data / "silero" / "silero_vad_16k_op15.onnx"),
                                           providers=["CPUExecutionProvider"])
    out = {name: silero(session, np.concatenate([read_wav(data / "audio" / file) for file in files]))
           for name, files in RECORDINGS.items()}
    out["made_up"] = made_up_probabilities()
    text = ",\n".join(f'"{name}":[' + ",".join(f"{p:.7g}" for p in values) + "]" for name, values in out.items())
    pathlib.Path(__file__).with_name("probabilities.json").write_text("{\n" + text + "\n}\n")
    for name, values in out.items():
        print(name, len(values), "windows,", sum(p >= 0.5 for p in values), "speech, from", min(values), "to", max(values))
    if len(sys.argv) > 2:
        faster_whisper(pathlib.Path(sys.argv[2]), data)


if __name__ == "__main__":
    main()

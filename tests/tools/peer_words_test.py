"""Word for word the text of faster-whisper: same weights, same samples, same options, float32 on both sides, in the
batched mode over packed voice regions and in the sequential loop without voice activity.

Installs the peer into build/bench-venv the first time (tools/venv), and is skipped with a sentence where it cannot:
no network, no venv module. MAIE_PROGRAM names the program, MAIE_BUILD the folder of builds.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from word_errors import words  # noqa: E402

SAMPLES = ["manual.flac", "dictation.mp3"]
PEER = r"""
import json, pathlib, sys
root, build, samples = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
sys.path[:0] = [str(root / "bench")]
import faster_whisper, faster_whisper.transcribe, peer, weights
model_folder, vad_file = build / "mini-peer-float32", build / "vad.safetensors"
weights.convert_for_peer(root / "models/mini/asr", model_folder, "float32")
weights.peer_vad_weights(pathlib.Path(faster_whisper.__file__).parent / "assets/silero_vad_v6.onnx", vad_file)
faster_whisper.transcribe.get_suppressed_tokens = peer.without_absent_tokens
faster_whisper.transcribe.Tokenizer = peer.multilingual(faster_whisper.transcribe.Tokenizer)
model = faster_whisper.WhisperModel(str(model_folder), device="cpu", compute_type="float32", cpu_threads=2)
pipeline = faster_whisper.BatchedInferencePipeline(model)
text = lambda answer: " ".join(s.text for s in answer[0])
print(json.dumps({
    "batched": [text(pipeline.transcribe(s, batch_size=8, suppress_tokens=[])) for s in samples],
    "sequential": [text(model.transcribe(s, suppress_tokens=[], condition_on_previous_text=False)) for s in samples]}))
"""
# The same in our words. The peer's batched mode decodes without timestamp tokens and its sequential one with them. The peer
# takes a model with so few tokens for an English one; suppressing what it suppresses by default would mute the space.
OPTIONS = {
    "batched": ["--without-timestamps"],
    "sequential": ["--sequential", "--no-vad", "--no-condition-on-previous-text"],
}


def difference(ours, peer):
    """The first place where two lists of words part, with what stands around it."""
    at = next((i for i, (a, b) in enumerate(zip(ours, peer)) if a != b), min(len(ours), len(peer)))
    around = slice(max(0, at - 5), at + 6)
    return f"word {at}: maie says {' '.join(ours[around])!r}, the peer {' '.join(peer[around])!r}"


class Peer(unittest.TestCase):
    def test_same_words(self):
        build = pathlib.Path(os.environ["MAIE_BUILD"])
        python = build / "bench-venv/bin/python"
        kept = build / "bench"
        kept.mkdir(parents=True, exist_ok=True)
        samples = [str(ROOT / "samples" / s) for s in SAMPLES]
        answer = subprocess.run([str(python), "-c", PEER, str(ROOT), str(kept), *samples], capture_output=True,
                                text=True, env=dict(os.environ, HF_HUB_OFFLINE="1"))
        self.assertEqual(answer.returncode, 0, answer.stderr)
        expected = json.loads(answer.stdout.splitlines()[-1])
        for mode, options in OPTIONS.items():
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([os.environ["MAIE_PROGRAM"], "transcribe", *samples, "--model",
                                       str(ROOT / "models/mini/asr"), "--vad-model", str(kept / "vad.safetensors"),
                                       "--compute-type", "float32", "--suppress-tokens", "", "--language", "en", "--output-format", "txt",
                                       "--output-dir", folder, "--quiet", *options], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                for sample, text in zip(SAMPLES, expected[mode]):
                    with self.subTest(mode=mode, sample=sample):
                        file = (pathlib.Path(folder) / sample).with_suffix(".txt")
                        ours, theirs = words(file.read_text(encoding="utf-8")), words(text)
                        self.assertGreater(len(theirs), 50)
                        self.assertEqual(ours, theirs, difference(ours, theirs))


if __name__ == "__main__":
    made = subprocess.run([str(ROOT / "tools/venv"), str(pathlib.Path(os.environ["MAIE_BUILD"]) / "bench-venv"),
                           str(ROOT / "bench/requirements.txt")], capture_output=True, text=True,
                          env=dict(os.environ, MAIE_VENV_SECONDS="300"))
    if made.returncode != 0:
        print("skipped: " + (made.stderr.strip() or made.stdout.strip()))
        raise SystemExit(77)
    unittest.main()

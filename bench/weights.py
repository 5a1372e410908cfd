"""Weights for the benchmark, made on the spot: nothing is downloaded.

Speed does not depend on what a network has learned, so a Whisper of the published `small` size with random weights
measures what the trained one would. It is written in the Hugging Face layout for us and converted for the peer.
"""
import json
import pathlib

SMALL = dict(d_model=768, encoder_layers=12, decoder_layers=12, encoder_attention_heads=12, decoder_attention_heads=12,
             encoder_ffn_dim=3072, decoder_ffn_dim=3072, num_mel_bins=80, vocab_size=51865,
             max_source_positions=1500, max_target_positions=448)
LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml "
    "cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am "
    "yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su").split()
FIRST_SPECIAL = 50257  # <|endoftext|>; everything below is text


def byte_alphabet():
    """The 256 printable characters that stand for bytes in byte-level vocabularies, in the order of their ids."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def tokenizer():
    """A tokenizer.json of Whisper's size and special tokens; the text entries are the bytes and pairs of bytes."""
    alphabet = byte_alphabet()
    pairs = [[a, b] for a in alphabet for b in alphabet][:FIRST_SPECIAL - len(alphabet)]
    vocabulary = {token: i for i, token in enumerate(alphabet + [a + b for a, b in pairs])}
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>",
               "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    times = [f"<|{0.02 * i:.2f}|>" for i in range(1501)]
    added = [dict(id=FIRST_SPECIAL + i, content=text, single_word=False, lstrip=False, rstrip=False, normalized=False,
                  special=i < len(special)) for i, text in enumerate(special + times)]
    byte_level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=None,
                pre_tokenizer=byte_level, post_processor=None, decoder=byte_level,
                model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix="",
                           end_of_word_suffix="", fuse_unk=False, byte_fallback=False, vocab=vocabulary, merges=pairs))


def special_ids():
    """The ids by name, as in the tokenizer above."""
    return {token["content"]: token["id"] for token in tokenizer()["added_tokens"]}


def make_small(folder):
    """Writes the random Whisper `small` into `folder`, once: float16, 480 MB."""
    folder = pathlib.Path(folder)
    if (folder / "complete").exists():
        return
    import numpy as np
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    ids = special_ids()
    torch.manual_seed(0)
    config = WhisperConfig(**SMALL, bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"],
                           pad_token_id=ids["<|endoftext|>"], decoder_start_token_id=ids["<|startoftranscript|>"],
                           suppress_tokens=[], begin_suppress_tokens=[220, ids["<|endoftext|>"]])
    model = WhisperForConditionalGeneration(config).half()
    # The encoder's positions are the fixed sinusoids in every published checkpoint.
    half = SMALL["d_model"] // 2
    angle = np.arange(1500)[:, None] * np.exp(-np.log(10000) / (half - 1) * np.arange(half))[None]
    sinusoid = torch.tensor(np.concatenate([np.sin(angle), np.cos(angle)], axis=1), dtype=torch.float16)
    with torch.no_grad():
        model.model.encoder.embed_positions.weight.copy_(sinusoid)
    model.save_pretrained(folder, safe_serialization=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()))
    (folder / "generation_config.json").write_text(json.dumps(dict(
        is_multilingual=True, decoder_start_token_id=ids["<|startoftranscript|>"], eos_token_id=ids["<|endoftext|>"],
        pad_token_id=ids["<|endoftext|>"], no_timestamps_token_id=ids["<|notimestamps|>"],
        max_initial_timestamp_index=50, max_length=448, return_timestamps=False, suppress_tokens=[],
        begin_suppress_tokens=[220, ids["<|endoftext|>"]],
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        alignment_heads=[[5, 3], [5, 9], [8, 0], [8, 4], [8, 7], [8, 8], [9, 0], [9, 7], [9, 9], [10, 5]])))
    (folder / "preprocessor_config.json").write_text(json.dumps(dict(
        feature_extractor_type="WhisperFeatureExtractor", feature_size=80, sampling_rate=16000, hop_length=160,
        chunk_length=30, n_fft=400, nb_max_frames=3000)))
    (folder / "complete").touch()


def convert_for_peer(source, folder, quantization="int8"):
    """Writes the CTranslate2 copy of the Hugging Face directory `source` into `folder`, once."""
    folder = pathlib.Path(folder)
    if (folder / "complete").exists():
        return
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
        str(folder), quantization=quantization, force=True)
    (folder / "complete").touch()


def reorder_gates(x):
    """Rows of an LSTM from ONNX's gate order (i, o, f, c) to (i, f, g, o)."""
    import numpy as np

    i, o, f, c = np.split(x, 4)
    return np.concatenate([i, f, c, o])


def peer_vad_weights(onnx_file, safetensors_file):
    """The voice activity weights that the peer ships, under the published safetensors names.

    Both programs then cut the recording at the same places, which is what makes their texts comparable.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import save_file

    graph = onnx.load(str(onnx_file)).graph
    value = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    value[node.output[0]] = numpy_helper.to_array(attribute.t)
    [lstm] = [node for node in graph.node if node.op_type == "LSTM"]
    weight_ih, weight_hh, bias = (value[name][0] for name in lstm.input[1:4])
    tensors = {
        "stft_conv.weight": value["encoder.feature_extractor.forward_basis_buffer"],
        "lstm_cell.weight_ih": reorder_gates(weight_ih),
        "lstm_cell.weight_hh": reorder_gates(weight_hh),
        "lstm_cell.bias_ih": reorder_gates(bias[:512]),
        "lstm_cell.bias_hh": reorder_gates(bias[512:]),
        "final_conv.weight": value["decoder.conv1d.weight"],
        "final_conv.bias": value["decoder.conv1d.bias"],
    }
    for i in range(4):
        tensors[f"conv{i + 1}.weight"] = value[f"encoder.conv_layers.{i}.weight"]
        tensors[f"conv{i + 1}.bias"] = value[f"encoder.conv_layers.{i}.bias"]
    shapes = {"stft_conv.weight": (258, 1, 256), "conv1.weight": (128, 129, 3), "conv2.weight": (64, 128, 3),
              "conv3.weight": (64, 64, 3), "conv4.weight": (128, 64, 3), "lstm_cell.weight_ih": (512, 128),
              "lstm_cell.weight_hh": (512, 128), "final_conv.weight": (1, 128, 1)}
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise SystemExit(f"{onnx_file}: {name} has the shape {tensors[name].shape}, {shape} was expected; "
                             "the peer's voice activity network has changed, bench/weights.py must follow")
    save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in tensors.items()}, str(safetensors_file))

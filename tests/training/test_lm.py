"""The language model: the same network as Hugging Face's, jobs that keep their words, figures that mean what
they say."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
np = pytest.importorskip("numpy", reason="numpy is not installed")

from training.corpus import Turn, document  # noqa: E402
from training.corpus.writer import Style  # noqa: E402
from training.lm import chat, data, jobs, metrics, program  # noqa: E402
from training.lm.blend import blend  # noqa: E402
from training.lm.export import export, load  # noqa: E402
from training.lm.network import Config, Qwen3, greedy  # noqa: E402
from training.lm.vocabulary import train_vocabulary  # noqa: E402

ROOT = Path(__file__).parents[2]
SMALL = Config(512, 48, 96, 3, 4, 2, 16, max_position_embeddings=512)


@pytest.fixture(scope="module")
def tokenizer():
    return train_vocabulary(SMALL.vocab_size, 60, 1)


def network(seed: int = 0) -> Qwen3:
    """A small network whose every parameter is random, the gains of the norms too."""
    torch.manual_seed(seed)
    made = Qwen3(SMALL).eval()
    for weight in made.parameters():
        weight.data = torch.randn_like(weight) * 0.15 + (1.0 if weight.ndim == 1 else 0.0)
    return made


def test_default_fits_the_size_on_disk():
    parameters = sum(weight.numel() for weight in Qwen3(Config()).parameters())
    assert 2 * parameters < 24.5e6  # bfloat16; 25 MB with the tokenizer


def test_logits_equal_those_of_transformers(tmp_path, tokenizer):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    ours = network()
    export(ours, tokenizer, tmp_path)
    ours, _ = load(tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    tokens = torch.randint(0, SMALL.vocab_size, (2, 70))
    with torch.no_grad():
        want = theirs(tokens).logits
        got = ours.logits(ours(tokens))
    assert torch.isfinite(want).all()
    assert (got - want).abs().max() <= 1e-4 * want.abs().max()


def test_chat_template_writes_what_training_wrote(tmp_path, tokenizer):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    export(network(), tokenizer, tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    messages = [
        {"role": "system", "content": chat.SYSTEM["meeting_notes_v2"]},
        {"role": "user", "content": chat.user_message("meeting_notes_v2", "S0: Xin chào.\nS1: Hello.")},
    ]
    for thinking, empty in ((True, False), (False, True)):
        text = theirs.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=thinking
        )
        assert text == chat.prompt("meeting_notes_v2", "S0: Xin chào.\nS1: Hello.", empty)
        assert theirs(text)["input_ids"] == tokenizer.encode(text).ids
    answered = [*messages, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes."}, messages[1]]
    assert "hm" not in theirs.apply_chat_template(answered, tokenize=False)
    assert "<think>\nhm\n</think>\n\nYes." in theirs.apply_chat_template(answered[:3], tokenize=False)


def test_greedy_in_batches_equals_one_by_one_without_cache():
    net = network()
    generator = random.Random(3)
    prompts = [[generator.randrange(512) for _ in range(size)] for size in (3, 17, 9, 40)]
    end = 7
    for prompt, answer in zip(prompts, greedy(net, prompts, 12, end, batch=3)):
        tokens = list(prompt)
        for _ in range(12):
            with torch.no_grad():
                best = int(net.logits(net(torch.tensor([tokens])))[0, -1].argmax())
            if best == end:
                break
            tokens.append(best)
        assert answer == tokens[len(prompt) :]


def test_export_is_read_back_in_bfloat16(tmp_path, tokenizer):
    net = network()
    export(net, tokenizer, tmp_path)
    again, same_tokenizer = load(tmp_path)
    for name, weight in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight.bfloat16().float())
    assert same_tokenizer.encode("Xin chào, 15%").ids == tokenizer.encode("Xin chào, 15%").ids
    assert json.loads((tmp_path / "prompts.json").read_text()) == chat.SYSTEM


def test_tokenizer_gives_back_every_text(tokenizer):
    for text in ("Nguyễn Thị Lan: 1.200.000 đồng", "a  b\n\nc\t🙂", "<think>\n\n</think>\n\n", 'x":["Á'):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert tokenizer.encode("12").tokens == ["1", "2"]
    assert tokenizer.get_vocab_size() == SMALL.vocab_size


@pytest.mark.parametrize("language", ["en", "vi"])
def test_restoring_keeps_every_word(language):
    for index in range(60):
        rng = random.Random(index)
        made = document(language, "train", 1, index, None, Style(0.2, 0.5))
        example = jobs.restoring(made, rng, rng.choice([0.0, 0.06]), rng.choice([20, 100]))
        bare = [jobs.bare_word(word) for word in example.answer.split()]
        labels = [word for word in example.transcript.split() if word[0] == "S" and word.endswith(":")]
        assert [word for word in bare if word] == [
            jobs.bare_word(word) for word in example.transcript.split()
        ]
        assert example.transcript.replace("S", "").lower() == example.transcript.replace("S", "")
        assert (
            len(labels) == sum(line.startswith("S") for line in example.transcript.splitlines()) or not labels
        )


@pytest.mark.parametrize("language", ["en", "vi"])
def test_misheard_transcripts_have_about_the_wanted_error_rate(language):
    wrong = total = 0
    for index in range(40):
        made = document(language, "train", 1, index)
        heard = jobs.misheard(made.turns, language, 0.05, random.Random(index))
        truth, guess = metrics.words_of(made.text()), metrics.words_of(" ".join(turn.text for turn in heard))
        wrong += metrics.alignment(truth, guess)[0]
        total += len(truth)
    assert 0.03 < wrong / total < 0.08


def test_labels_are_those_of_clustering():
    turns = [Turn("S1", "Hello."), Turn("S2", "Hi."), Turn("S1", "Bye.")]
    seen = {jobs.plain_lines(turns, jobs.random_labels(turns, random.Random(seed))) for seed in range(20)}
    assert seen == {"S0: Hello.\nS1: Hi.\nS0: Bye.", "S1: Hello.\nS0: Hi.\nS1: Bye."}


def test_figures_of_restored_text():
    perfect = metrics.restored("Hello, Anna. Go!", "Hello, Anna. Go!")
    assert perfect == {"words": 3, "right": 3, "changed": 0}
    assert metrics.restored("Hello, Anna. Go!", "hello Anna. Go!") == {"words": 3, "right": 2, "changed": 0}
    assert metrics.restored("Hello, Anna. Go!", "Hello, Anne. Go! Now") == {
        "words": 3,
        "right": 2,
        "changed": 2,
    }
    assert metrics.restored("15% of it", "15 of it")["changed"] == 1


def _tallied(change=None) -> dict[str, float]:
    made = next(
        d
        for d in (document("en", "test", 2, i, ["meeting"]) for i in range(99))
        if len(d.facts["meeting_notes_v2"]["công_việc_cần_làm"]) >= 2
    )
    truth = made.facts["meeting_notes_v2"]
    guess = json.loads(json.dumps(truth))
    if change:
        change(guess)
    tally = metrics.Tally()
    metrics.tally_summary(tally, "meeting_notes_v2", made.text(), truth, jobs.compact(guess))
    return tally.rates()


def test_figures_of_filled_templates():
    assert all(rate == 1.0 for rate in _tallied().values())
    assert _tallied(lambda g: g["người_tham_gia"].append("Nobody"))["people"] == 0.0
    assert _tallied(lambda g: g["công_việc_cần_làm"][0].update(hạn_hoàn_thành="never"))["tasks F1"] < 1.0
    assert _tallied(lambda g: g["công_việc_cần_làm"].pop())["tasks F1"] < 1.0
    assert _tallied(lambda g: g["thẻ"].append("unheard of"))["tags from the text"] < 1.0
    assert _tallied(lambda g: g.pop("thẻ"))["valid"] == 0.0
    assert metrics.parse("meeting_notes_v2", "{") is None


def test_shards_and_batches_follow_from_the_seed(tmp_path, tokenizer):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    data._start_worker(str(path))
    first, again = data.make_shard(3, 4, 1), data.make_shard(3, 4, 1)
    assert np.array_equal(first.tokens, again.tokens) and np.array_equal(first.ends, again.ends)

    def drawn():
        shards = (data.make_shard(number, 4, 1) for number in range(99))
        batches = data.Batches(shards, 2048, 2.0, 5, window=2)
        return [batches.draw(longest) for longest in [512] * 5 + [3072] * 5]

    for one, other in zip(drawn(), drawn()):
        assert np.array_equal(one.tokens, other.tokens)
        assert one.tokens.shape == one.weights.shape
        assert one.weights[:, 0].max() <= 1.0 and one.weights.max() == 1.0
    assert all(batch.tokens.shape[1] <= 512 + 1 for batch in drawn()[:5])


def test_loss_counts_answers_most(tmp_path, tokenizer):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    data._start_worker(str(path))
    shard = data.make_shard(0, 3, 1)
    start, end = 0, int(shard.ends[0])
    answer = tokenizer.decode(shard.tokens[start:end][shard.weights[start:end] == data.ANSWER].tolist())
    asked = tokenizer.decode(
        shard.tokens[start:end][shard.weights[start:end] == data.PROMPT].tolist(), skip_special_tokens=False
    )
    assert answer.startswith("{") and asked.startswith("<|im_start|>system\n")


def test_the_script_trains_resumes_and_exports(tmp_path):
    def run(minutes: float, *more: str) -> str:
        command = [
            sys.executable,
            "-m",
            "training.train_lm",
            "--tiny",
            "--device",
            "cpu",
            "--workers",
            "1",
            "--minutes",
            str(minutes),
            "--checkpoint-minutes",
            "0.05",
            "--out",
            str(tmp_path / "out"),
            "--work",
            str(tmp_path / "work"),
            "--shard-documents",
            "3",
            "--vocabulary-documents",
            "40",
            "--documents",
            "1",
            "--batch-tokens",
            "1024",
            *more,
        ]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert "evaluated" in run(0.1)
    assert "resumed at step" in run(0.3, "--resume")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert len(names) <= 8 and "training.json" in names
    load(tmp_path / "out")


def test_recognised_transcripts_are_measured(tmp_path, tokenizer):
    from training.lm.evaluate import heard_cases, measure, table

    made = document("vi", "test", 2, 1, ["meeting"])
    line = {
        "language": "vi",
        "template": "meeting_notes_v2",
        "transcript": made.text(),
        "facts": made.facts["meeting_notes_v2"],
    }
    (tmp_path / "heard.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n", encoding="utf-8")
    rows = measure(untrained(), tokenizer, heard_cases(tmp_path / "heard.jsonl"), None, 4)
    assert rows[0].count == 1 and rows[0].rates["valid"] == 0.0
    assert "summary, recognised, vi (1)" in table(rows)


def untrained() -> Qwen3:
    """With room for the tokens of a whole meeting."""
    made = Qwen3(Config(SMALL.vocab_size, 48, 96, 1, 4, 2, 16))
    made.initialise(torch.Generator().manual_seed(1))
    return made.eval()


def test_a_finished_model_is_tuned_on(tmp_path, tokenizer):
    from training.lm import tune

    made = Qwen3(Config(SMALL.vocab_size, 16, 32, 1, 2, 1, 8))
    made.initialise(torch.Generator().manual_seed(1))
    export(made, tokenizer, tmp_path / "model")
    command = [sys.executable, "-m", "training.lm.tune", str(tmp_path / "model"), "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [*command, "--minutes", "0.1"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert float(done.split()[-1]) < 7.0  # an untrained network stands at log(512) = 6.2
    tuned, _ = load(tmp_path / "out")
    assert any(not torch.equal(a, b) for a, b in zip(made.bfloat16().parameters(), tuned.parameters()))
    asked, answered = next(tune.examples(tokenizer, 1))
    tokens, answers = tune.padded([(asked, answered)])
    assert tokens[0, answers[0]].tolist() == answered


def test_a_blend_lies_between_two_models(tmp_path, tokenizer):
    networks = []
    for seed in (1, 2):
        network = Qwen3(SMALL)
        network.initialise(torch.Generator().manual_seed(seed))
        export(network, tokenizer, tmp_path / str(seed))
        networks.append(load(tmp_path / str(seed))[0])
    blend(tmp_path / "1", tmp_path / "2", tmp_path / "both", 0.25)
    mixed = load(tmp_path / "both")[0].state_dict()
    for name, value in networks[0].state_dict().items():
        wanted = 0.75 * value + 0.25 * networks[1].state_dict()[name]
        torch.testing.assert_close(mixed[name], wanted, rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_shipped_model_does_its_jobs(language):
    folder = ROOT / "models/mini/lm"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 25e6
    assert json.loads((folder / "prompts.json").read_text()) == chat.SYSTEM
    net, own = load(folder)
    net.eval()
    end = own.token_to_id("<|im_end|>")
    made = document(language, "test", 5, 4, ["meeting"], Style(brief=1.0))
    restored = jobs.restoring(made, random.Random(1), most_words=40)
    filled = jobs.summary(made, "meeting_notes_v2", random.Random(1))
    prompts = [own.encode(chat.prompt(e.job, e.transcript, True)).ids for e in (restored, filled)]
    text, notes = (own.decode(ids) for ids in greedy(net, prompts, 500, end))
    figures = metrics.restored(restored.answer, text)
    assert figures["changed"] <= 0.1 * figures["words"]
    assert figures["right"] >= 0.85 * figures["words"]
    facts = metrics.parse("meeting_notes_v2", notes)
    truth = made.facts["meeting_notes_v2"]
    assert facts is not None and facts["ngày_họp"] == truth["ngày_họp"]
    assert set(facts["người_tham_gia"]) & set(truth["người_tham_gia"])


# Sums a text up by saying it; clears a text by shouting it, and refuses one with a question in it.
FAKE_PROGRAM = """#!%s
import json, pathlib, sys
command, words = sys.argv[1], sys.argv[2:]
out = pathlib.Path(words[words.index("-o") + 1])
out.mkdir(exist_ok=True)
status = 0
for file in map(pathlib.Path, words[: words.index("-o")]):
    text = file.read_text(encoding="utf-8").strip()
    if command == "summarize":
        said = {"template": words[words.index("--template") + 1], "text": text, "more": words[-1]}
        result = json.dumps({"results": {"summary": said}})
        (out / file.with_suffix(".json").name).write_text(result, encoding="utf-8")
    elif "?" in text:
        status = 3
    else:
        (out / file.name).write_text(text.upper(), encoding="utf-8")
sys.exit(status)
"""


def test_the_program_answers_each_case_in_its_place(tmp_path):
    path = tmp_path / "maie"
    path.write_text(FAKE_PROGRAM % sys.executable, encoding="utf-8")
    path.chmod(0o755)
    asked = [
        jobs.Example("meeting_notes_v2", "vi", "một", ""),
        jobs.Example(jobs.RESTORE, "en", "two", ""),
        jobs.Example("generic_summary_v2", "vi", "ba", ""),
        jobs.Example(jobs.RESTORE, "en", "four?", ""),
        jobs.Example("meeting_notes_v2", "vi", "năm", ""),
    ]
    given = program.answers(str(path), Path("model"), asked, ["--more"])
    assert json.loads(given[0]) == {"template": "meeting_notes_v2", "text": "một", "more": "--more"}
    assert given[1] == "TWO"
    assert json.loads(given[2])["template"] == "generic_summary_v2"
    assert given[3].strip() == "four?", "a text that was refused stays as it is"
    assert json.loads(given[4])["text"] == "năm"


def test_a_program_that_breaks_is_an_error(tmp_path):
    path = tmp_path / "maie"
    path.write_text("#!/bin/sh\necho no model >&2\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)
    with pytest.raises(AssertionError, match="no model"):
        program.answers(str(path), Path("model"), [jobs.Example("meeting_notes_v2", "vi", "một", "")])

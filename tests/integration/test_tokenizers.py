"""Every kind of tokenizer gives the ids and spans that PyPI tokenizers gives."""
import json
import lzma
import os
import shutil

import pytest
from tokenizers import (AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers,
                        processors, trainers)

from conftest import ROOT
from tokenizer_reference import (check_equal, functions, ours, random_texts, sentencepiece_bpe,
                                 write_tokenizer)

ALL = os.environ.get("SSMI_LONG") == "1"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+"
          r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


@pytest.fixture(scope="session")
def tokenize(binary):
    return (binary.parent / "tokenize").resolve(strict=True)


@pytest.fixture(scope="session")
def random():
    return random_texts(20_000)


@pytest.fixture(scope="session")
def sample():
    with lzma.open(ROOT / "share/data/python-functions.jsonl.xz", "rt", encoding="utf-8") as file:
        return functions(file)


@pytest.fixture(scope="session")
def real(shared):
    """Functions of the reference data; one in fifty unless SSMI_LONG=1."""
    texts = []
    for name in ["train", "dev"]:
        path = shared / f"data/functions/python_docstring_{name}.jsonl.xz"
        with lzma.open(path, "rt", encoding="utf-8") as file:
            texts += functions(file)
    for language in ["go", "java", "javascript", "python"]:
        path = shared / f"data/functions/codesearchnet_cloze_{language}.json"
        for row in json.loads(path.read_text(encoding="utf-8")):
            texts.append(" ".join(row["pl_tokens"]).encode())
    assert len(texts) > 58_710
    return texts if ALL else texts[::50]


def byte_level(add_prefix_space=False, use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=use_regex)


def wordpiece(lowercase):
    out = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    out.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    out.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=3000, special_tokens=SPECIAL,
                                        show_progress=False)

    def finish():
        out.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    return out, trainer, finish


def unigram(fallback):
    out = Tokenizer(models.Unigram())
    out.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    out.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first" if fallback else "always")
    special = ["<unk>", "<s>", "</s>"]
    special += [f"<0x{byte:02X}>" for byte in range(256)] if fallback else []
    trainer = trainers.UnigramTrainer(vocab_size=2000, special_tokens=special, unk_token="<unk>",
                                      show_progress=False)

    def finish():
        if fallback:
            data = json.loads(out.to_str())
            data["model"]["byte_fallback"] = True
            data["added_tokens"] = data["added_tokens"][:3]
            return Tokenizer.from_str(json.dumps(data))
    return out, trainer, finish


def llama(legacy):
    """BPE of characters, bytes for those it lacks; Prepend and Replace, or Metaspace."""
    out = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if legacy:
        out.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    else:
        out.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=2000, special_tokens=special, show_progress=False,
                                  limit_alphabet=150, max_token_length=12)

    def finish():
        data = json.loads(out.to_str())
        data["added_tokens"] = data["added_tokens"][:3]
        done = Tokenizer.from_str(json.dumps(data))
        done.post_processor = processors.TemplateProcessing(single="<s> $A",
                                                            special_tokens=[("<s>", 1)])
        return done
    return out, trainer, finish


def split_bpe(steps, ignore_merges=False, normalizer=None):
    out = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    out.pre_tokenizer = pre_tokenizers.Sequence(steps)
    if normalizer:
        out.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=2500, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())

    def finish():
        out.add_special_tokens([AddedToken("<mask>", lstrip=True, rstrip=True)])
        out.add_tokens([AddedToken("return", single_word=True), AddedToken("    ")])
        out.post_processor = processors.ByteLevel(trim_offsets=False)
    return out, trainer, finish


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def deepseek():
    return [split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"),
            split("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"),
            pre_tokenizers.Digits(individual_digits=True), byte_level()]


FAMILIES = {
    "bert-uncased": lambda: wordpiece(True),
    "bert-cased": lambda: wordpiece(False),
    "unigram": lambda: unigram(False),
    "unigram-bytes": lambda: unigram(True),
    "llama-legacy": lambda: llama(True),
    "llama-metaspace": lambda: llama(False),
    "llama3": lambda: split_bpe([split(LLAMA3), byte_level()], ignore_merges=True),
    "qwen2": lambda: split_bpe([split(QWEN2), byte_level()], normalizer=normalizers.NFC()),
    "starcoder2": lambda: split_bpe([pre_tokenizers.Digits(individual_digits=True),
                                     byte_level(use_regex=True)]),
    "deepseek-coder": lambda: split_bpe(deepseek()),
}


@pytest.fixture(scope="session")
def trained(sample):
    made = {}

    def get(name):
        if name not in made:
            out, trainer, finish = FAMILIES[name]()
            out.train_from_iterator([text.decode() for text in sample[::6]], trainer)
            made[name] = finish() or out
        return made[name]
    return get


@pytest.mark.parametrize("family", FAMILIES)
def test_trained_tokenizers(tokenize, trained, tmp_path, random, sample, family):
    reference = trained(family)
    folder = write_tokenizer(tmp_path / "m", reference)
    check_equal(tokenize, folder, reference, random + sample[::3])
    check_equal(tokenize, folder, reference, random[:2000], markers=True)


def test_every_function_with_wordpiece(tokenize, trained, tmp_path, real):
    reference = trained("bert-uncased")
    check_equal(tokenize, write_tokenizer(tmp_path / "m", reference), reference, real)


def llama2(path):
    ids, merges = sentencepiece_bpe(path)
    out = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    out.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    out.add_special_tokens(["<unk>", "<s>", "</s>"])
    out.post_processor = processors.TemplateProcessing(single="<s> $A",
                                                       special_tokens=[("<s>", 1)])
    return out


def roberta(out):
    out.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>",
                            AddedToken("<mask>", lstrip=True, special=True)])
    out.post_processor = processors.RobertaProcessing(
        *((token, out.token_to_id(token)) for token in ["</s>", "<s>"]), add_prefix_space=False)


def published(shared, name, folder):
    """The reference's tokenizer of a published vocabulary, and our folder of it."""
    source = shared / "tokenizers" / name
    if name == "llama2":
        out = llama2(source / "tokenizer.model")
        write_tokenizer(folder, out)
        return out
    shutil.copytree(source, folder)
    if name == "gpt_neox":
        return Tokenizer.from_file(str(source / "tokenizer.json"))
    out = Tokenizer(models.BPE.from_file(str(source / "vocab.json"), str(source / "merges.txt")))
    out.pre_tokenizer = byte_level(use_regex=True)
    if name == "gpt2":
        out.add_special_tokens(["<|endoftext|>"])
    else:
        roberta(out)
        (folder / "config.json").write_text('{"model_type": "roberta"}')
    return out


@pytest.mark.parametrize("name", ["gpt2", "codebert", "codet5", "gpt_neox", "llama2"])
def test_published_tokenizers(tokenize, shared, tmp_path, random, real, name):
    folder = tmp_path / "m"
    reference = published(shared, name, folder)
    check_equal(tokenize, folder, reference, random + real)
    check_equal(tokenize, folder, reference, random[:2000], markers=True)


@pytest.mark.parametrize("name, folder", [("gpt-2", "gpt2"), ("roberta-bpe", "codebert"),
                                          ("llama-spm", "llama2")])
def test_golden_vectors(tokenize, shared, tmp_path, name, folder):
    published(shared, folder, tmp_path / "m")
    golden = shared / "tokenizers/golden"
    texts = (golden / f"{name}.inp").read_bytes().split(b"\n__ggml_vocab_test__\n")
    expected = [list(map(int, line.split()))
                for line in (golden / f"{name}.out").read_text().splitlines()]
    assert len(expected) == 46 and texts.pop() == b""
    counts, ids, _ = ours(tokenize, tmp_path / "m", texts, markers=False)
    assert counts.tolist() == [len(row) for row in expected]
    assert ids.tolist() == sum(expected, [])


@pytest.fixture
def small_bert(tmp_path):
    """A BERT with positions for 24 tokens and a vocabulary of its own."""
    shutil.copytree(ROOT / "tests/golden/parity/bert", tmp_path / "bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"()=:fxyz", "def", "return", "if"]
    words += [f"##{digit}" for digit in range(10)]
    (tmp_path / "bert/vocab.txt").write_text("\n".join(words) + "\n")
    return "bert"


def test_functions_longer_than_the_model_are_left_out(ssmi, validated, small_bert, tmp_path):
    codes = [f"def f{i}(x):\n    if x:\n        y = x\n    return y\n" for i in range(40)]
    codes += [f"def f{i}(x):\n" + "    y = x\n" * 8 + "    return y\n" for i in range(3)]
    (tmp_path / "f.jsonl").write_text("".join(json.dumps({"code": c}) + "\n" for c in codes))
    tokens = validated("tokens", ssmi("tokens", small_bert, "--json", stdin=codes[0]).stdout)
    assert tokens["tokens"][:3] == ["[CLS]", "def", "f"] and tokens["tokens"][-1] == "[SEP]"
    assert tokens["spans"][0] == [0, 0] and tokens["spans"][-1] == [len(codes[0])] * 2

    result = ssmi("embed", small_bert, "--data", "f.jsonl", "--layers", "1", "--out", "e.safetensors")
    assert "3 of 43 functions left out: empty or more than 24 tokens" in result.stderr
    result = ssmi("embed", small_bert, "--text", codes[-1], "--out", "t.safetensors", expect=3)
    assert "1 of 1 functions left out" in result.stderr

    result = ssmi("probe", small_bert, "--data", "f.jsonl", "--tasks", "distance", "--probes",
                  "linear", "--layers", "1", "--no-controls", "--pairs-per-label", "20", "--out",
                  "r.json")
    assert "bert: has positions for 24 tokens; functions with more are left out" in result.stderr
    report = validated("probe", tmp_path / "r.json")
    config = report["run"]["config"]
    assert report["data"]["dropped"]["too_long"] == 3
    assert (config["max_tokens"], config["overlong"], config["special_tokens"]) == (
        24, "left_out", "added")

"""What scripts/bench measures with: random checkpoints of published shapes and real functions'
tokens."""
import json
import lzma
import random
import shutil
import struct
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build/bench"
FUNCTIONS = ROOT / "share/data/python-functions.jsonl.xz"
FIRST_ID = 5  # those below are special tokens of RoBERTa

MAMBA = {"model_type": "mamba", "architectures": ["MambaModel"], "vocab_size": 50280,
         "hidden_size": 768, "num_hidden_layers": 24, "intermediate_size": 1536, "state_size": 16,
         "time_step_rank": 48, "conv_kernel": 4, "expand": 2, "hidden_act": "silu",
         "layer_norm_epsilon": 1e-5, "residual_in_fp32": True, "use_bias": False,
         "use_conv_bias": True, "pad_token_id": 0}
ROBERTA = {"model_type": "roberta", "architectures": ["RobertaModel"], "vocab_size": 50265,
           "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
           "intermediate_size": 3072, "max_position_embeddings": 514, "type_vocab_size": 1,
           "layer_norm_eps": 1e-5, "hidden_act": "gelu", "pad_token_id": 1}


def make_checkpoint(ssmi, name, config, layers):
    """The folder of a random checkpoint, as `ssmi init` writes it."""
    config = config | {"num_hidden_layers": layers or config["num_hidden_layers"]}
    folder = WORK / f"{name}-{config['num_hidden_layers']}-layers"
    text = json.dumps(config, indent=1)
    described = WORK / f"{name}.json"
    described.write_text(text)
    if not (folder / "config.json").exists() or json.loads(
            (folder / "config.json").read_text()) != config:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([ssmi, "init", "--config", described, "--out", folder], check=True,
                       stdout=subprocess.DEVNULL)
    return folder


def random_row(length, vocab):
    generator = random.Random(length)
    return [generator.randrange(FIRST_ID, vocab) for _ in range(length)]


def functions():
    with lzma.open(FUNCTIONS, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["code"] for line in lines]


def make_tokenizers(texts, published):
    """{name: (folder, PyPI tokenizer)}: one trained on the functions; GPT-2's, if its files are
    there."""
    from tokenizers import ByteLevelBPETokenizer
    made = {}
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(texts, vocab_size=8192, show_progress=False)
    folder = WORK / "tokenizer-trained"
    folder.mkdir(exist_ok=True)
    trained.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text("{}")
    made["byte-level BPE of 8,192, trained on the functions"] = (folder, trained)
    if published and (published / "gpt2/vocab.json").exists():
        folder = WORK / "tokenizer-gpt2"
        folder.mkdir(exist_ok=True)
        for name in ("vocab.json", "merges.txt"):
            (folder / name).write_bytes((published / "gpt2" / name).read_bytes())
        (folder / "config.json").write_text('{"model_type": "gpt2"}')
        made["GPT-2's"] = (folder, ByteLevelBPETokenizer(str(folder / "vocab.json"),
                                                         str(folder / "merges.txt")))
    return made


def write_texts(path, texts):
    """The format that the tool `tokenize` reads."""
    with open(path, "wb") as file:
        for text in texts:
            data = text.encode()
            file.write(struct.pack("<I", len(data)) + data)


def real_rows(texts, tokenizer, count, longest):
    """The ids of `count` functions drawn at random from those of 2 to `longest` tokens."""
    rows = [tokenizer.encode(text).ids for text in texts]
    fitting = [row for row in rows if 2 <= len(row) <= longest]
    return [[FIRST_ID + id for id in row] for row in random.Random(1).sample(fitting, count)]

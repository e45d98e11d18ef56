"""Compares the built `tokenize` with PyPI tokenizers: ids, and spans in bytes."""
import codecs
import json
import struct
import subprocess
from functools import cache
from itertools import chain

import numpy as np

CHARACTERS = [  # (how often, first, last)
    (30, 0x20, 0x7E), (8, 0x20, 0x20), (6, 0x30, 0x39), (4, 0x61, 0x7A), (4, 0x00, 0x1F),
    (2, 0x7F, 0xA0), (6, 0xA1, 0x24F), (6, 0x300, 0x36F), (3, 0x370, 0x52F), (3, 0x590, 0x6FF),
    (3, 0x900, 0xDFF), (2, 0xE00, 0xEFF), (2, 0x1100, 0x11FF), (2, 0x1E00, 0x1FFF),
    (4, 0x2000, 0x206F), (3, 0x2070, 0x2BFF), (3, 0x3000, 0x30FF), (8, 0x4E00, 0x9FFF),
    (4, 0xAC00, 0xD7A3), (1, 0xE000, 0xF8FF), (2, 0xF900, 0xFAFF), (3, 0xFB00, 0xFFFD),
    (2, 0x10000, 0x1FFFF), (6, 0x1F300, 0x1FAFF), (2, 0x20000, 0x3134F), (1, 0xE0000, 0xE01EF),
    (1, 0x0, 0x10FFFF)]
PIECES = ["'s", "'ll", "'T", "  ", "\n\n", "\r\n", "\t\t", "e\u0301", "\u200d", "\ufe0f", "\ufffd",
          "\u2581", "\u0120", "<s>", "</s>", "<mask>", "[MASK]", "[CLS]", "<unk>", "<|endoftext|>",
          "def ", "return", "self.", "    ", "123456", "==", "0x1F", "\u0130", "\u1e9e", "\ufb03"]
DAMAGE = [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf",
          b"\xf4\x90\x80\x80", b"\xf8\x88"]


def random_texts(count, seed=7):
    """Texts as bytes: of all sorts of characters, one in five with bytes that are no UTF-8."""
    rng = np.random.default_rng(seed)
    weights = np.array([weight for weight, _, _ in CHARACTERS], float)
    texts = []
    for size in rng.integers(0, 24, count):
        parts = []
        for kind in rng.choice(len(CHARACTERS) + 2, size, p=[*(weights / weights.sum() * .85),
                                                             .13, .02]):
            if kind < len(CHARACTERS):
                _, first, last = CHARACTERS[kind]
                code = int(rng.integers(first, last + 1))
                parts.append(chr(code if not 0xD800 <= code < 0xE000 else 0xFFFD).encode())
            elif kind == len(CHARACTERS):
                parts.append(PIECES[rng.integers(len(PIECES))].encode())
            else:
                parts.append(DAMAGE[rng.integers(len(DAMAGE))])
        texts.append(b"".join(parts))
    return texts


@cache
def decoded(data):
    """`data` with U+FFFD for what is no UTF-8, and where each of its characters begins."""
    damaged = []

    def repair(error):
        damaged.append((error.start, error.end))
        return "\ufffd", error.end

    codecs.register_error("ssmi-repair", repair)
    text = data.decode("utf-8", "ssmi-repair")
    places, at, next_damage = [], 0, iter([*damaged, (-1, -1)])
    begin, end = next(next_damage)
    for character in text:
        places.append(at)
        if at == begin:
            at = end
            begin, end = next(next_damage)
        else:
            at += len(character.encode())
    return text, [*places, at]


def ours(tokenize, folder, texts, markers):
    """(counts, ids, spans) as `tokenize` gives them."""
    if not (folder / "config.json").exists():
        (folder / "config.json").write_text("{}")
    with open(folder / "texts", "wb") as file:
        for text in texts:
            file.write(struct.pack("<I", len(text)) + text)
    options = [] if markers else ["--no-markers"]
    subprocess.run([tokenize, folder, folder / "texts", folder / "out", *options], check=True,
                   capture_output=True, timeout=300)
    raw = np.fromfile(folder / "out", np.int64)
    counts, keep, at = [], np.ones(len(raw), bool), 0
    while at < len(raw):
        counts.append(raw[at])
        keep[at] = False
        at += 1 + 3 * raw[at]
    rows = raw[keep].reshape(-1, 3)
    return np.array(counts), rows[:, 0], rows[:, 1:]


def theirs(reference, texts, markers):
    """The same of the reference. Its spans are in characters, may go back where added tokens share
    spaces, and are empty ones at 0 for markers."""
    strings, places = zip(*map(decoded, texts))
    encodings = reference.encode_batch(list(strings), add_special_tokens=markers)
    counts = np.array([len(e.ids) for e in encodings])
    ids = np.fromiter(chain.from_iterable(e.ids for e in encodings), np.int64, counts.sum())
    characters = np.fromiter(
        chain.from_iterable(chain.from_iterable(e.offsets for e in encodings)), np.int64,
        2 * counts.sum()).reshape(-1, 2)
    first = np.cumsum([0, *map(len, places[:-1])])
    spans = np.fromiter(chain.from_iterable(places), np.int64)[
        characters + np.repeat(first, counts)[:, None]]
    ends = np.cumsum(counts)
    for begin, end in zip(ends - counts, ends):
        np.maximum.accumulate(spans[begin:end], axis=0, out=spans[begin:end])
    return counts, ids, spans


def check_equal(tokenize, folder, reference, texts, markers=False):
    """That `tokenize` cuts `texts` as the reference does; with markers, ids alone are compared."""
    counts, ids, spans = ours(tokenize, folder, texts, markers)
    expected_counts, expected_ids, expected_spans = theirs(reference, texts, markers)
    wrong = counts != expected_counts
    starts, expected_starts = (np.cumsum(c) - c for c in (counts, expected_counts))
    if not wrong.any():
        bad = ids != expected_ids
        if not markers:
            bad |= (spans != expected_spans).any(1)
        wrong[np.repeat(np.arange(len(counts)), counts)[bad]] = True
    differing = np.flatnonzero(wrong)
    shown = []
    for i in differing[np.argsort([len(texts[i]) for i in differing])][:3]:
        here = slice(starts[i], starts[i] + counts[i])
        there = slice(expected_starts[i], expected_starts[i] + expected_counts[i])
        shown.append(f"{texts[i][:200]!r}\n  ours {ids[here][:40].tolist()} {spans[here][:40].tolist()}"
                     f"\n  not  {expected_ids[there][:40].tolist()} "
                     f"{expected_spans[there][:40].tolist()}")
    assert not shown, f"{len(differing)} of {len(texts)} texts differ:\n" + "\n".join(shown)


def write_tokenizer(folder, reference):
    """A checkpoint folder with the reference's tokenizer.json."""
    folder.mkdir(parents=True)
    reference.save(str(folder / "tokenizer.json"))
    return folder


def functions(lines):
    """The functions of lines of JSON, as bytes."""
    return [json.loads(line)["code"].encode() for line in lines]


def fields(data):
    """(number, value) of each field of a protocol buffer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = varint() if key & 7 == 2 else {1: 8, 5: 4}[key & 7]
        yield key >> 3, data[at:at + size]
        at += size


def sentencepiece_bpe(path):
    """Vocabulary and merges of a SentencePiece BPE model. It merges the pair that makes the piece
    of the best score, so every way to make a piece is a merge of its score's rank; ties go to the
    longer left part, as in transformers' converter."""
    scores = {}
    for number, value in fields(path.read_bytes()):
        if number == 1:
            piece = dict(fields(value))
            scores[piece[1].decode()] = struct.unpack("<f", piece[2])[0]
    ids = {piece: i for i, piece in enumerate(scores)}
    merges = []
    for piece, score in scores.items():
        pairs = [(piece[:i], piece[i:]) for i in range(1, len(piece))]
        pairs = [pair for pair in pairs if pair[0] in ids and pair[1] in ids]
        merges += [(*pair, score) for pair in
                   sorted(pairs, key=lambda pair: (ids[pair[0]], ids[pair[1]]))]
    merges.sort(key=lambda merge: (merge[2], len(merge[0]), len(merge[1])), reverse=True)
    return ids, [merge[:2] for merge in merges]

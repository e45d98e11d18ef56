"""`ssmi parse` and `ssmi tokens`."""
import json
from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "data/python_reference.jsonl"
SOURCE = "def f(a, b=1):\n    self.s = 'x'  # why\n    return a + b\n"


def reference(count):
    with REFERENCE.open(encoding="utf-8") as file:
        return [json.loads(line) for _, line in zip(range(count), file)]


@pytest.mark.parametrize("relation", ["distance", "siblings", "dfg"])
def test_relations_equal_the_reference(ssmi, validated, relation):
    for row in reference(5):
        out = ssmi("parse", "-", "--relation", relation, "--json", stdin=row["code"]).stdout
        report = validated("parse", out)
        edges = row[relation]
        if relation == "siblings":
            edges = [[i, j, "sibling"] for i, j in edges]
        assert report["leaves"] == row["leaves"]
        assert report["relation"] == relation
        assert report["edges"] == edges


def test_without_a_relation_there_are_no_edges(ssmi, validated, tmp_path):
    (tmp_path / "f.py").write_text(SOURCE)
    report = validated("parse", ssmi("parse", "f.py", "--json").stdout)
    assert [leaf["text"] for leaf in report["leaves"][-4:]] == ["return", "a", "+", "b"]
    assert "edges" not in report and "relation" not in report


def test_tables_name_leaves_by_text_and_place(ssmi):
    rows = ssmi("parse", "-", stdin=SOURCE).stdout.splitlines()
    assert rows[1].split() == ["0", "0..3", "1:1", "def", "def"]
    assert rows[15].split() == ["14", "28..31", "2:14", "string", "'x'"]
    rows = ssmi("parse", "-", "--relation", "dfg", stdin=SOURCE).stdout.splitlines()
    assert "5 b 1:10 comesFrom 7 1 1:12".split() == rows[1].split()


def test_bytes_that_are_no_utf8_keep_json_valid(ssmi, validated, tmp_path):
    (tmp_path / "f.py").write_bytes(b"x = '\xff\xc3\xa4'\ny\n")
    leaves = validated("parse", ssmi("parse", "f.py", "--json").stdout)["leaves"]
    assert leaves[2] == {"begin": 4, "end": 9, "type": "string", "text": "'\ufffd\u00e4'"}
    assert leaves[3]["begin"] == 10


def test_a_syntax_error_is_located(ssmi, tmp_path):
    (tmp_path / "f.py").write_text("x = 1\ny = (2\n")
    assert "f.py:2:1: does not parse as Python" in ssmi("parse", "f.py", expect=3).stderr
    assert "standard input:1:" in ssmi("parse", "-", stdin="def f(:\n", expect=3).stderr


def test_what_cannot_be_read_or_is_not_known(ssmi, tmp_path):
    assert "gone.py" in ssmi("parse", "gone.py", expect=6).stderr
    assert "folder" in ssmi("parse", tmp_path, expect=6).stderr
    ssmi("parse", expect=2)
    assert "dfg" in ssmi("parse", "-", "--relation", "scopes", expect=2).stderr
    assert "bytes" in ssmi("parse", "-", stdin="x" * (9 << 20), expect=3).stderr


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"tokenizer": "bytes"}')
    return folder


def test_tokens_of_bytes(ssmi, validated, checkpoint, tmp_path):
    text = "a\u00e4\n"
    (tmp_path / "text").write_text(text, encoding="utf-8")
    report = validated("tokens", ssmi("tokens", checkpoint, "text", "--json").stdout)
    assert report["ids"] == [97, 128, 128, 10]
    assert report["spans"] == [[0, 1], [1, 2], [2, 3], [3, 4]]
    assert report["tokens"] == ["a", "<other>", "<other>", "\n"]
    assert validated("tokens", ssmi("tokens", checkpoint, "--json", stdin=text).stdout) == report
    rows = ssmi("tokens", checkpoint, stdin=text).stdout.splitlines()
    assert rows[4].split() == ["3", "3..4", "10", "\\n"]
    assert validated("tokens", ssmi("tokens", checkpoint, "--json").stdout)["ids"] == []


def test_tokens_need_a_known_tokenizer(ssmi, checkpoint):
    (checkpoint / "config.json").write_text('{"tokenizer": "bpe"}')
    assert "unknown tokenizer 'bpe'" in ssmi("tokens", checkpoint, expect=3).stderr
    (checkpoint / "config.json").write_text("{}")
    stderr = ssmi("tokens", checkpoint, expect=3).stderr
    assert "no tokenizer: neither tokenizer.json, vocab.json with merges.txt, vocab.txt" in stderr
    (checkpoint / "config.json").unlink()
    ssmi("tokens", checkpoint, expect=6)

"""ssmi probe --vectors: anybody's vectors, in each form they come in."""
import csv
import json
import subprocess

import numpy as np
import pytest

from conftest import ROOT

LABELS, COLUMNS = 3, 12


@pytest.fixture
def vectors(tmp_path):
    """{part: (x, y)} and the same as npy, text and safetensors."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(LABELS, COLUMNS)) * 0.7
    parts = {}
    for part, count in (("train", 240), ("test", 60)):
        y = random.integers(0, LABELS, count)
        parts[part] = centres[y] + random.normal(size=(count, COLUMNS)), y
    for form in ("npy", "text"):
        (tmp_path / form).mkdir()
    tensors = {}
    for part, (x, y) in parts.items():
        np.save(tmp_path / f"npy/{part}_x.npy", x)
        np.save(tmp_path / f"npy/{part}_y.npy", y)
        (tmp_path / f"text/{part}.emb").write_text("".join(" ".join(f"{v:.17g}" for v in row) + "\n" for row in x))
        (tmp_path / f"text/{part}.ent").write_text("".join(f"token {i}\t{label}\n" for i, label in enumerate(y)))
        tensors |= {f"{part}_x": x, f"{part}_y": y.astype("i8")}
    write_safetensors(tmp_path / "vectors.safetensors", tensors)
    return parts


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, value in tensors.items():
        kind = {"f8": "F64", "f4": "F32", "i8": "I64", "u8": "U64"}[value.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": value.shape, "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def rows(path):
    return list(csv.DictReader(path.open()))


def test_each_form_gives_the_same(ssmi, vectors, validated, tmp_path):
    reports = []
    for form in ("npy", "text", "vectors.safetensors"):
        ssmi("probe", "--vectors", form, "--out", "r.json")
        reports.append(validated("probe-vectors", tmp_path / "r.json"))
        del reports[-1]["timing"]
    assert reports[0] == reports[1] == reports[2]
    assert {(row["probe"], row["control"]) for row in reports[0]["results"]} == {
        ("linear", "none"), ("linear", "shuffled"), ("directprobe", "none"), ("directprobe", "shuffled"),
        ("none", "majority")}


def test_what_is_exported_agrees_with_the_report_and_with_the_vectors(ssmi, vectors, tmp_path):
    report = json.loads(ssmi("probe", "--vectors", "npy", "--out", "r.json", "--export", "out", "--json").stdout)
    found = {row["probe"]: row for row in report["results"] if row["control"] == "none"}
    predictions = rows(tmp_path / "out/predictions.csv")
    (x, y), (test_x, test_y) = vectors["train"], vectors["test"]
    assert [int(row["label"]) for row in predictions] == test_y.tolist()
    for probe in ("linear", "directprobe"):
        right = np.mean([row[probe] == row["label"] for row in predictions])
        assert right == pytest.approx(found[probe]["accuracy"])
    clusters = rows(tmp_path / "out/clusters.csv")
    assert [int(row["label"]) for row in clusters] == y.tolist()
    members = np.array([int(row["cluster"]) for row in clusters])
    assert len(set(members)) == found["directprobe"]["clusters"]
    for cluster in set(members):
        assert len(set(y[members == cluster])) == 1
    for row, point in zip(predictions, test_x):
        own = x[members == int(row["cluster"])]
        # A hull is no further away than its nearest point, nor nearer than along any direction.
        assert float(row["distance"]) <= np.linalg.norm(own - point, axis=1).min() * (1 + 1e-6)
        towards = point - own.mean(0)
        towards /= np.linalg.norm(towards)
        assert float(row["distance"]) >= (point @ towards - (own @ towards).max()) * (1 - 1e-6) - 1e-6
    between = [float(row["distance"]) for row in rows(tmp_path / "out/distances.csv")]
    assert min(between) == pytest.approx(found["directprobe"]["directprobe"]["min_distance"])
    assert max(between) == pytest.approx(found["directprobe"]["directprobe"]["max_distance"])


@pytest.mark.parametrize("change, message", [
    (lambda folder: (folder / "npy/test_y.npy").unlink(), "test_y.npy"),
    (lambda folder: np.save(folder / "npy/test_x.npy", np.zeros((60, 5), "f4")), "vectors of 5 numbers"),
    (lambda folder: np.save(folder / "npy/test_y.npy", np.zeros(7, "i8")), "60 vectors and 7 labels"),
    (lambda folder: np.save(folder / "npy/train_y.npy", np.zeros(240, "i8")), "expected at least two labels"),
    (lambda folder: np.save(folder / "npy/train_y.npy", np.zeros(240, "f4")), "expected a row of integers"),
    (lambda folder: np.save(folder / "npy/train_x.npy", np.full((240, COLUMNS), np.nan)), "not finite"),
    (lambda folder: np.save(folder / "npy/train_x.npy", np.zeros((0, COLUMNS))), "0 vectors and 240 labels"),
])
def test_what_does_not_fit_is_refused(ssmi, vectors, tmp_path, change, message):
    change(tmp_path)
    error = ssmi("probe", "--vectors", "npy", "--out", "r.json", expect=None)
    assert error.returncode in (3, 6) and message in error.stderr
    assert not (tmp_path / "r.json").exists()


def test_numbers_as_text_are_read_in_full(ssmi, validated, tmp_path):
    """Points of two labels 1e-9 apart, which float32 takes for one."""
    (tmp_path / "fine").mkdir()
    for part in ("train", "test"):
        (tmp_path / f"fine/{part}.emb").write_text("".join(f"1 {1 + 1e-9 * (i % 2)!r}\n" for i in range(41)))
        (tmp_path / f"fine/{part}.ent").write_text("".join(f"t\t{i % 2}\n" for i in range(41)))
    ssmi("probe", "--vectors", "fine", "--probes", "directprobe", "--out", "r.json", "--no-controls")
    result, = validated("probe-vectors", tmp_path / "r.json")["results"]
    assert result["dropped"]["identical_vectors"] == 0 and result["clusters"] == 2 and result["accuracy"] == 1


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_values_whose_squares_leave_float64_are_refused(ssmi, vectors, tmp_path, scale):
    for part, (x, _) in vectors.items():
        np.save(tmp_path / f"npy/{part}_x.npy", x * scale)
    assert "scale all vectors" in ssmi("probe", "--vectors", "npy", "--out", "r.json", expect=3).stderr


@pytest.mark.parametrize("line, message", [
    ("1 2 x", "no number at 'x'"), ("1 2e999", "beyond the range of float64 at '2e999'"),
    ("1 2", "2 numbers, expected 12"), ("", "0 numbers, expected 12")])
def test_broken_text_is_refused_with_its_line(ssmi, vectors, tmp_path, line, message):
    path = tmp_path / "text/train.emb"
    lines = path.read_text().splitlines()
    lines[4] = line
    path.write_text("\n".join(lines) + "\n")
    error = ssmi("probe", "--vectors", "text", "--out", "r.json", expect=3).stderr
    assert "train.emb:5: " in error and message in error


def test_a_model_beside_vectors_is_refused(ssmi, vectors):
    assert "excludes" in ssmi("probe", "codessm-mini", "--vectors", "npy", "--out", "r.json", expect=2).stderr
    assert "holds neither" in ssmi("probe", "--vectors", ROOT / "docs", "--out", "r.json", expect=3).stderr


def test_exported_pairs_give_the_probed_results(binary, tmp_path):
    """What `--export` writes of a model is what the probe saw: DirectProbe finds the same on it."""
    options = ["--tasks", "siblings", "--layers", "2", "--max-functions", "150", "--pairs-per-label", "100", "--no-controls",
               "--probes", "directprobe", "--quiet"]
    subprocess.run([binary, "probe", "codessm-mini", *options, "--export", "made", "--out", "a.json"], cwd=tmp_path, check=True)
    vectors = "made/codessm-mini/siblings-layer-2.safetensors"
    subprocess.run([binary, "probe", "--vectors", vectors, "--probes", "directprobe", "--no-controls", "--quiet", "--out",
                    "b.json"], cwd=tmp_path, check=True)
    row, again = (json.loads((tmp_path / name).read_text())["results"][0] for name in ("a.json", "b.json"))
    for key in ("accuracy", "clusters", "confusion", "directprobe", "train", "test"):
        assert row[key] == again[key], key
    pairs = (tmp_path / "made/siblings-pairs.csv").read_text().splitlines()
    assert len(pairs) == 1 + row["train"] + row["test"]


def test_exported_pairs_say_where_their_tokens_stand(binary, tmp_path):
    source = 'def f(a):\n    # "if, no"\n    if a:\n        return [a,\n                "x,y"]\n    return None\n'
    (tmp_path / "f.py").write_text("".join(source.replace("f(", f"f{i}(") + "\n" for i in range(20)))
    subprocess.run([binary, "probe", "codessm-mini", "--data", "f.py", "--tasks", "siblings", "--layers", "1", "--no-controls",
                    "--probes", "linear", "--quiet", "--export", "made", "--out", "a.json"], cwd=tmp_path, check=True)
    lines = (tmp_path / "f.py").read_text().splitlines()
    with open(tmp_path / "made/siblings-pairs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert row["path"].endswith("f.py") and lines[int(row["line"]) - 1].startswith(f"def {row['function']}(")
        for token in ("first", "second"):
            text = row[f"{token}_text"].splitlines()[0]
            assert text in lines[int(row[f"{token}_line"]) - 1], row

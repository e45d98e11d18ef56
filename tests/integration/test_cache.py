"""The activation cache: what is taken from it, what is not, and `ssmi cache`."""
import json
import os
import shutil
import subprocess
from functools import partial

import pytest
from conftest import ROOT
from test_probe import without_timing

FUNCTIONS = [f"def f{i}(x, y):\n    if x:\n        y = x + {i}\n    return y\n" for i in range(60)]
WORK = ["--data", "f.jsonl", "--tasks", "siblings", "--probes", "linear", "--pairs-per-label", "60"]
SMALL = [*WORK, "--layers", "0,2", "--twins", "1", "--threads", "1"]
BOTH = "forward codessm-mini: 2 of 2 layers taken from the cache"
TWIN = "forward codessm-mini twin-1: 2 of 2 layers taken from the cache"


def write(path, functions):
    path.write_text("".join(json.dumps({"code": code}) + "\n" for code in functions))


@pytest.fixture
def cached(ssmi, tmp_path):
    """cached(*arguments): `ssmi` with a cache of this test's own, where f.jsonl has functions."""
    write(tmp_path / "f.jsonl", FUNCTIONS)

    def run(*arguments, env=None, **more):
        own = {"SSMI_CACHE": str(tmp_path / "kept"), "SSMI_CACHE_BYTES": ""}
        return ssmi(*arguments, env={**own, **(env or {})}, **more)

    return run


@pytest.fixture
def report(cached, validated):
    """The validated output of `ssmi cache --json`."""
    return lambda **more: validated("cache", cached("cache", "--json", **more).stdout)


def taken(result):
    return [line for line in result.stderr.splitlines() if "taken from the cache" in line]


def test_a_second_run_takes_all_passes_and_reports_the_same(cached, ssmi, tmp_path):
    ssmi("probe", *SMALL, "--out", "without.json", "--export", "a")
    assert taken(cached("probe", *SMALL, "--out", "first.json", "--export", "b")) == []
    assert taken(cached("probe", *SMALL, "--out", "second.json", "--export", "c")) == [BOTH, TWIN]
    expected = without_timing(tmp_path / "without.json")
    assert without_timing(tmp_path / "first.json") == expected
    assert without_timing(tmp_path / "second.json") == expected
    for path in (tmp_path / "a").rglob("*.safetensors"):
        for other in "bc":
            assert (tmp_path / other / path.relative_to(tmp_path / "a")).read_bytes() == path.read_bytes()
    assert taken(cached("probe", *SMALL, "--no-cache", "--out", "third.json")) == []


def test_layers_are_kept_one_by_one(cached, ssmi, tmp_path):
    most = [*WORK, "--twins", "0"]
    cached("probe", *most, "--layers", "0,2", "--out", "a.json")
    fewer = cached("probe", *most, "--layers", "2", "--out", "b.json")
    assert taken(fewer) == ["forward codessm-mini: 1 of 1 layers taken from the cache"]
    more = cached("probe", *most, "--layers", "0,1,2,4", "--out", "c.json")
    assert taken(more) == ["forward codessm-mini: 2 of 4 layers taken from the cache"]
    ssmi("probe", *most, "--layers", "0,1,2,4", "--out", "d.json")
    assert without_timing(tmp_path / "c.json") == without_timing(tmp_path / "d.json")


def copy_of_the_model(tmp_path):
    shutil.copytree(ROOT / "share/models/codessm-mini", tmp_path / "copy")
    return tmp_path / "copy"


def test_an_equal_checkpoint_elsewhere_is_the_same(cached, tmp_path):
    cached("probe", *SMALL, "--out", "a.json")
    copy_of_the_model(tmp_path)
    assert len(taken(cached("probe", "copy", *SMALL, "--out", "b.json"))) == 2


@pytest.mark.parametrize("change", ["weights", "tokenizer", "function", "seed", "threads", "input", "variable"])
def test_whatever_could_change_a_byte_misses(cached, tmp_path, change):
    copy = copy_of_the_model(tmp_path)
    command = ["probe", "copy", *SMALL[:-2]]
    env = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    cached = partial(cached, env=env)
    cached(*command, "--out", "a.json")
    assert len(taken(cached(*command, "--out", "b.json"))) == 2
    if change == "weights":
        weights = copy / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    elif change == "tokenizer":
        tokenizer = json.loads((copy / "tokenizer.json").read_text())
        del tokenizer["model"]["merges"][-1]
        (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    elif change == "function":
        write(tmp_path / "f.jsonl", [*FUNCTIONS[:-1], FUNCTIONS[-1].replace("x + ", "x * ")])
    elif change == "variable":
        env["MKL_CBWR"] = "COMPATIBLE"
    else:
        command += {"seed": ["--seed", "2"], "threads": ["--threads", "2"], "input": ["--input", "tokens"]}[change]
    # Twins have the configuration in common with the model, not its weights.
    twins = ["forward copy twin-1: 2 of 2 layers taken from the cache"] if change == "weights" else []
    assert taken(cached(*command, "--out", "c.json")) == twins


def test_damage_is_noted_and_made_again(cached, ssmi, tmp_path):
    cached("probe", *SMALL, "--out", "a.json")
    shards = sorted((tmp_path / "kept").glob("*/tensors.safetensors"))
    assert len(shards) == 4
    for shard in shards:
        content = bytearray(shard.read_bytes())
        content[-3] ^= 64
        shard.write_bytes(content)
    again = cached("probe", *SMALL, "--out", "b.json")
    assert again.stderr.count("cache: an entry is damaged and made again: ") == 4 and not taken(again)
    assert len(taken(cached("probe", *SMALL, "--out", "c.json"))) == 2
    texts = {without_timing(tmp_path / f"{name}.json") for name in "abc"}
    assert len(texts) == 1
    next((tmp_path / "kept").glob("*/manifest.json")).write_text("{")
    assert "damaged" in cached("cache").stdout
    assert "an entry is damaged" in cached("probe", *SMALL, "--out", "d.json").stderr


def test_runs_at_once(binary, cached, tmp_path):
    env = {**os.environ, "SSMI_CACHE": str(tmp_path / "kept"), "SSMI_CACHE_BYTES": ""}
    runs = [subprocess.Popen([binary, "probe", *SMALL, "--out", f"{i}.json", "--quiet"], cwd=tmp_path, env=env)
            for i in range(3)]
    assert [run.wait(timeout=120) for run in runs] == [0, 0, 0]
    assert taken(cached("probe", *SMALL, "--out", "3.json")) == [BOTH, TWIN]
    assert len({without_timing(tmp_path / f"{i}.json") for i in range(4)}) == 1
    assert len(list((tmp_path / "kept").iterdir())) == 4


def test_the_bound_holds(cached, report, tmp_path):
    cached("probe", *SMALL, "--out", "a.json")
    whole = report()
    entries = [entry["bytes"] for entry in whole["entries"]]
    bound = {"SSMI_CACHE_BYTES": str(sum(entries) - 1)}
    cached("probe", *WORK, "--layers", "1", "--twins", "0", "--threads", "1", "--out", "b.json", env=bound)
    kept = report(env=bound)
    assert 0 < kept["bytes"] <= kept["max_bytes"] == sum(entries) - 1
    assert kept["bytes"] == sum(path.stat().st_size for path in (tmp_path / "kept").rglob("*") if path.is_file())
    assert [entry["key"]["layer"] for entry in kept["entries"]][-1] == 1
    cached("probe", *SMALL, "--seed", "2", "--out", "c.json", env={"SSMI_CACHE_BYTES": "1"})
    assert len(report()["entries"]) == len(kept["entries"])
    assert "expected a whole number of bytes, found '8G'" in cached(
        "probe", *SMALL, "--out", "d.json", env={"SSMI_CACHE_BYTES": "8G"}, expect=2).stderr


def test_it_is_listed_and_cleared(cached, report, tmp_path):
    assert report()["entries"] == []
    cached("probe", "codessm-mini", "mamba-mini", *SMALL, "--draws", "1", "--out", "a.json")
    listed = report()
    assert listed["folder"] == str(tmp_path / "kept") and listed["max_bytes"] == 8_000_000_000
    assert {(entry["checkpoint"], entry["key"]["control"], entry["key"]["layer"]) for entry in listed["entries"]} == {
        (model, control, layer) for model in ("codessm-mini", "mamba-mini")
        for control in ("none", "twin-1") for layer in (0, 2)}
    table = cached("cache").stdout.splitlines()
    assert len(table) == 6
    assert [line.split()[0] for line in table[1:5]] == ["mamba-mini", "mamba-mini", "codessm-mini", "codessm-mini"]
    assert all(" 0,2 " in line for line in table[1:5]) and "leaf vectors of twin-1" in table[1]
    assert table[5].endswith(f"of at most 8000.0 MB in {tmp_path / 'kept'}")
    assert "removed 4 entries" in cached("cache", "clear", "mamba-mini").stdout
    assert "nothing is kept under that name" in cached("cache", "clear", "mamba-mini", expect=2).stderr
    assert {entry["checkpoint"] for entry in report()["entries"]} == {"codessm-mini"}
    (tmp_path / "kept" / "mine.txt").write_text("no business of ssmi's")
    assert "removed 4 entries" in cached("cache", "clear").stdout
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine.txt"]
    assert "removed 0 entries" in cached("cache", "clear").stdout


def test_a_folder_that_cannot_be_written_is_a_note(cached, tmp_path):
    (tmp_path / "file").write_text("")
    result = cached("probe", *SMALL, "--out", "a.json", env={"SSMI_CACHE": str(tmp_path / "file/cache")})
    assert result.stderr.count("cache: nothing more is kept: ") == 1
    assert (tmp_path / "a.json").exists()


def test_a_full_disk_is_a_note(binary, tmp_path):
    """A limit on files' sizes stands for the disk: the report is smaller than it, the tensors are not."""
    write(tmp_path / "f.jsonl", FUNCTIONS)
    command = f'trap "" XFSZ; ulimit -f 100; exec "$0" probe {" ".join(SMALL)} --out a.json'
    result = subprocess.run(["bash", "-c", command, binary], cwd=tmp_path, capture_output=True, text=True, timeout=120,
                            env={**os.environ, "SSMI_CACHE": str(tmp_path / "kept"), "SSMI_CACHE_BYTES": ""})
    assert result.returncode == 0, result.stderr
    assert "cache: nothing more is kept: " in result.stderr
    assert list((tmp_path / "kept").iterdir()) == []


def test_where_it_is(ssmi, tmp_path):
    write(tmp_path / "f.jsonl", FUNCTIONS)

    def folder(**env):
        names = dict.fromkeys(("SSMI_CACHE", "XDG_CACHE_HOME", "HOME"), "")
        return json.loads(ssmi("cache", "--json", env={**names, **env}).stdout)["folder"]

    own, caches, home = (str(tmp_path / name) for name in ("own", "caches", "home"))
    assert folder(SSMI_CACHE=own, XDG_CACHE_HOME=caches, HOME=home) == own
    assert folder(XDG_CACHE_HOME=caches, HOME=home) == f"{caches}/ssmi"
    assert folder(XDG_CACHE_HOME="relative", HOME=home) == f"{home}/.cache/ssmi"
    nowhere = dict.fromkeys(("SSMI_CACHE", "XDG_CACHE_HOME", "HOME"), "")
    assert "set SSMI_CACHE" in ssmi("cache", env=nowhere, expect=6).stderr
    assert "set SSMI_CACHE" in ssmi("probe", *SMALL, "--out", "a.json", env=nowhere).stderr

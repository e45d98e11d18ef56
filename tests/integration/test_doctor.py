import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT


def problems(report, kind):
    return [line for line in report["problems"] if line.startswith(kind + ": ")]


def threads(count):
    return {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)}


def report_of(ssmi, validated, env, expect):
    return validated("doctor", ssmi("doctor", "--json", env=env, expect=expect).stdout)


def test_fewer_threads_than_cores_are_slow(ssmi, validated):
    if report_cores(ssmi) < 2:
        pytest.skip("needs two cores")
    report = report_of(ssmi, validated, threads(1), 1)
    assert any("1 threads on" in line for line in problems(report, "slow"))


def test_plain_kernels_are_slow(ssmi, validated):
    report = report_of(ssmi, validated, {"ATEN_CPU_CAPABILITY": "default"}, 1)
    assert any("ATEN_CPU_CAPABILITY" in line for line in problems(report, "slow"))


def test_threads_that_take_no_part_are_slow(ssmi, validated):
    cores = report_cores(ssmi)
    if cores < 2:
        pytest.skip("needs two cores")
    report = report_of(ssmi, validated, {**threads(cores), "OMP_THREAD_LIMIT": "1"}, 1)
    assert problems(report, "slow") == report["problems"] == [
        f"slow: parallel work ran on 1 of {cores} threads: unset OMP_THREAD_LIMIT, or build ssmi and "
        "LibTorch with OpenMP"]


def test_it_says_what_it_runs_on(ssmi, validated):
    report = validated("doctor", ssmi("doctor", "--json", env=threads(report_cores(ssmi))).stdout)
    assert report["problems"] == []
    assert [g["language"] for g in report["grammars"]][0] == "Python"
    assert report["share"]["models"] == sorted(path.name for path in (ROOT / "share/models").iterdir() if path.is_dir())
    assert report["share"]["functions"] == 1767
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("flags")), "").split()
    if "avx2" in flags:
        assert report["cpu"]["ssmi_kernels"] != "EMU128"
        assert "avx2" in report["cpu"]["features"]


def report_cores(ssmi):
    """The cores that ssmi counts, which a control group may limit."""
    line = next(line for line in ssmi("doctor", env=threads(1), expect=None)
                .stdout.splitlines() if line.startswith("threads"))
    return int(line.split()[3])


def test_a_damaged_share_is_wrong(binary, tmp_path, ssmi):
    """A copy of the build's place in a source tree, whose share/ lacks a file."""
    (tmp_path / "build/dev").mkdir(parents=True)
    shutil.copy(binary, tmp_path / "build/dev/ssmi")
    shutil.copytree(ROOT / "share", tmp_path / "share")
    (tmp_path / "share/models/bimamba-typeseg/model.safetensors").write_bytes(b"cut off")
    result = subprocess.run([tmp_path / "build/dev/ssmi", "doctor"], capture_output=True, text=True,
                            env={**os.environ, **threads(report_cores(ssmi))}, timeout=120)
    assert result.returncode == 1
    assert "wrong: share: " in result.stdout and "model.safetensors" in result.stdout
    shutil.rmtree(tmp_path / "share")
    result = subprocess.run([tmp_path / "build/dev/ssmi", "doctor"], capture_output=True, text=True,
                            timeout=120)
    assert result.returncode == 1 and "no share/ folder" in result.stdout


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_device_that_is_not_there_is_refused_with_the_way_to_one(ssmi, device):
    cuda = ssmi("doctor", expect=None).stdout
    if "cuda:1" in cuda:
        pytest.skip("there are CUDA devices")
    for command in (["embed", "bimamba-typeseg", "--text", "x", "--out", "e.safetensors"],
                    ["probe", "bimamba-typeseg", "--out", "r.json"]):
        message = ssmi(*command, "--device", device, expect=4).stderr
        assert f"--device {device}: " in message
        assert "CMAKE_PREFIX_PATH" in message or "CUDA devices, counted from 0" in message


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x"])
def test_a_device_that_is_none_is_refused(ssmi, device):
    result = ssmi("embed", "bimamba-typeseg", "--text", "x", "--out", "e", "--device", device, expect=2)
    assert "expected cpu, cuda or cuda:<number>" in result.stderr

"""`cmake --install` gives a tree that can be moved anywhere."""
import os
import subprocess
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def moved_tree(binary):
    """An installed tree after it was moved. There is one, removed at once: LibTorch is large."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before"), Path(folder, "after")
        subprocess.run(["cmake", "--install", binary.parent, "--prefix", before], check=True,
                       stdout=subprocess.DEVNULL)
        before.rename(after)
        yield after.resolve()


def run_in(tree, *command):
    environment = {name: value for name, value in os.environ.items()
                   if name != "LD_LIBRARY_PATH" and not name.startswith("SSMI_")}
    return subprocess.run(command, cwd=tree, env=environment, check=True, text=True,
                          capture_output=True).stdout


def test_moved_binary_runs(moved_tree):
    assert run_in(moved_tree, "bin/ssmi", "--version").strip()


def test_moved_binary_takes_libtorch_from_its_own_tree(moved_tree):
    libraries = [Path(line.split("=>")[1].split()[0]).resolve()
                 for line in run_in(moved_tree, "ldd", "bin/ssmi").splitlines()
                 if "libtorch" in line or "libc10" in line]
    assert libraries
    for library in libraries:
        assert library.is_relative_to(moved_tree)


def test_moved_binary_finds_its_share(moved_tree):
    assert "bimamba" in run_in(moved_tree, "bin/ssmi", "inspect", "bimamba-typeseg", "--json")

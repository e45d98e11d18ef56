"""What the tests of the built binary share. SSMI_BINARY names it; scripts/test sets that."""
import json
import os
import subprocess
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def no_cache(tmp_path_factory):
    """Nothing is kept of one test for another, nor in the user's own cache."""
    os.environ.update(SSMI_CACHE=str(tmp_path_factory.mktemp("cache")), SSMI_CACHE_BYTES="0")


@pytest.fixture(scope="session")
def binary():
    """The built `ssmi`."""
    return Path(os.environ.get("SSMI_BINARY", ROOT / "build/dev/ssmi")).resolve(strict=True)


@pytest.fixture(scope="session")
def shared():
    """The folder of reference data, which is no part of the repository."""
    if "SSMI_SHARED" not in os.environ:
        pytest.skip("SSMI_SHARED names no folder of reference data")
    return Path(os.environ["SSMI_SHARED"]).resolve(strict=True)


@pytest.fixture
def ssmi(binary, tmp_path):
    """ssmi(*arguments, expect=0, stdin=None, env={}) runs the binary in a fresh folder (tmp_path),
    checks its exit code (None: any) and gives the finished process with its stdout and stderr as text."""

    def run(*arguments, expect=0, stdin=None, env=None, timeout=120):
        result = subprocess.run([binary, *map(str, arguments)], cwd=tmp_path, input=stdin or "",
                                env={**os.environ, **(env or {})}, text=True, timeout=timeout,
                                capture_output=True)
        assert expect in (None, result.returncode), (
            f"ssmi {' '.join(map(str, arguments))}: exit code {result.returncode}, "
            f"expected {expect}\n{result.stdout}{result.stderr}")
        return result

    return run


@pytest.fixture(scope="session")
def validated():
    """validated(NAME, text_or_path) parses JSON, checks it against configs/schemas/NAME.json and
    against holding NaN or infinity, and gives it."""

    def refuse(constant):
        raise AssertionError(f"{constant} in JSON")

    def check(name, source):
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
        value = json.loads(text, parse_constant=refuse)
        schema = json.loads((ROOT / f"configs/schemas/{name}.json").read_text(encoding="utf-8"))
        validator = jsonschema.validators.validator_for(schema)
        validator.check_schema(schema)
        validator(schema).validate(value)
        return value

    return check

"""Languages other than Python in `ssmi parse` and `ssmi probe`."""
import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "data/languages"
LANGUAGES = {".py": "Python", ".java": "Java", ".go": "Go", ".js": "JavaScript", ".ts": "TypeScript",
             ".tsx": "TSX", ".c": "C", ".cc": "C++"}
FLOW = {".py", ".java", ".js"}
FUNCTION = {
    "java": "int f{n}(int a, int b) {{\n  int c{n} = a;\n  if (a > {n}) {{ c{n} = b; }} else {{ c{n} += a; }}\n"
            "  for (int i = 0; i < b; i++) {{ c{n}++; }}\n  return c{n} * b;\n}}",
    "javascript": "function f{n}(a, b) {{\n  let c{n} = a;\n  if (a > {n}) {{ c{n} = b; }} else {{ c{n} += a; }}\n"
                  "  for (const i of b) {{ c{n}++; }}\n  return c{n} * b;\n}}",
    "go": "func f{n}(a int, b int) int {{\n\tc{n} := a\n\tif a > {n} {{ c{n} = b }} else {{ c{n} += a }}\n"
          "\tfor i := range b {{ c{n} += i }}\n\treturn c{n} * b\n}}",
}
SMALL = ["--pairs-per-label", "20", "--layers", "1", "--twins", "0", "--probes", "linear",
         "--threads", "2", "--quiet", "--out", "r.json"]


@pytest.mark.parametrize("extension", LANGUAGES)
def test_parse_knows_a_file_by_its_extension(ssmi, validated, extension):
    file = SAMPLES / f"sample{extension}"
    source = file.read_bytes()
    for relation in ("distance", "siblings", "dfg"):
        if relation == "dfg" and extension not in FLOW:
            error = ssmi("parse", file, "--relation", relation, expect=4).stderr
            assert f"known for Python, Java, JavaScript, not for {LANGUAGES[extension]}" in error
            continue
        report = validated("parse", ssmi("parse", file, "--relation", relation, "--json").stdout)
        assert report["language"] == LANGUAGES[extension]
        assert report["grammar"].count(".") == 2
        assert report["edges"]
        for leaf in report["leaves"]:
            assert source[leaf["begin"]:leaf["end"]].decode() == leaf["text"]


def test_parse_takes_another_language_where_it_is_told(ssmi, validated, tmp_path):
    (tmp_path / "a.h").write_text("template <class T> T f(T x) { return x; }")
    assert "a.h:1:" in ssmi("parse", "a.h", expect=3).stderr
    report = validated("parse", ssmi("parse", "a.h", "--language", "cpp", "--json").stdout)
    assert report["language"] == "C++"
    out = ssmi("parse", "-", "--language", "Java", "--json", stdin="A(int x) { y = x; }").stdout
    assert validated("parse", out)["leaves"][0] == {"begin": 0, "end": 1, "type": "identifier", "text": "A"}


def test_parse_says_which_languages_there_are(ssmi, tmp_path):
    for name in ("a.rb", "noextension"):
        (tmp_path / name).write_text("x")
        error = ssmi("parse", name, expect=2).stderr
        assert ".java" in error and "--language" in error
    error = ssmi("parse", "a.rb", "--language", "ruby", expect=2).stderr
    assert "unknown language 'ruby'" in error and "typescript" in error


@pytest.mark.parametrize("extension", LANGUAGES)
def test_parse_takes_empty_files_and_refuses_broken_ones(ssmi, validated, tmp_path, extension):
    (tmp_path / f"empty{extension}").write_text("")
    assert validated("parse", ssmi("parse", f"empty{extension}", "--json").stdout)["leaves"] == []
    (tmp_path / f"broken{extension}").write_bytes(b"x = (\xff{{[\n\0")
    error = ssmi("parse", f"broken{extension}", expect=3).stderr
    assert f"does not parse as {LANGUAGES[extension]}" in error
    (tmp_path / f"wrong{extension}").write_text("select * from table where `x\n")
    ssmi("parse", f"wrong{extension}", expect=3)


def rows(folder, language, count=60):
    lines = [json.dumps({"code": FUNCTION[language].format(n=n)}) for n in range(count)]
    (folder / f"{language}.jsonl").write_text("\n".join(lines))
    return f"{language}.jsonl"


@pytest.mark.parametrize("language", ["java", "javascript"])
def test_probe_asks_all_tasks_of_java_and_javascript(ssmi, validated, tmp_path, language):
    ssmi("probe", "--data", rows(tmp_path, language), "--language", language, *SMALL)
    report = validated("probe", (tmp_path / "r.json").read_text())
    assert report["run"]["config"]["tasks"] == ["distance", "siblings", "dfg"]
    assert report["run"]["config"]["tasks_left_out"] == {}
    assert [g["name"].lower() for g in report["run"]["grammars"]] == [language]
    assert report["data"]["dropped"]["syntax_error"] == 0
    assert {row["task"] for row in report["results"]} == {"distance", "siblings", "dfg"}


def test_probe_leaves_data_flow_out_where_it_is_not_known(ssmi, validated, tmp_path):
    data = rows(tmp_path, "go")
    ssmi("probe", "--data", data, "--language", "go", *SMALL)
    report = validated("probe", (tmp_path / "r.json").read_text())
    assert report["run"]["config"]["tasks"] == ["distance", "siblings"]
    assert "not for Go" in report["run"]["config"]["tasks_left_out"]["dfg"]
    refused = ssmi("probe", "--data", data, "--language", "go", "--tasks", "dfg", *SMALL[:-1], "x.json", expect=4)
    assert "not for Go" in refused.stderr
    assert not (tmp_path / "x.json").exists()


def test_probe_reads_a_folder_of_several_languages(ssmi, validated, tmp_path):
    source = tmp_path / "src"
    source.mkdir()
    for n in range(40):
        (source / f"a{n}.js").write_text(FUNCTION["javascript"].format(n=n))
        (source / f"A{n}.java").write_text("class A { " + FUNCTION["java"].format(n=n) + " }")
    (source / "broken.java").write_text("class {")
    ssmi("probe", "--data", "src", *SMALL)
    report = validated("probe", (tmp_path / "r.json").read_text())
    assert [g["name"] for g in report["run"]["grammars"]] == ["Java", "JavaScript"]
    assert report["data"]["functions"] == 80
    assert report["data"]["dropped"]["broken_files"] == 1

#include "ssmi/code/functions.h"

#include <filesystem>

#include "ssmi/code/align.h"
#include "ssmi/code/relations.h"
#include "ssmi/core/file.h"
#include "support.h"

namespace ssmi::code {
namespace {

using ssmi::test::check_fails;
using ssmi::test::TemporaryFolder;

TEST_CASE("functions: outermost definitions, dedented, strings untouched") {
  const std::string source =
      "import os\n"
      "def top(a):\n"
      "    def inner():\n"
      "        pass\n"
      "    return inner\n"
      "\n"
      "class A:\n"
      "    @staticmethod\n"
      "    async def method(x,\n"
      "  y):\n"
      "        s = '''one\n"
      "    two'''\n"
      "        t = (1\n"
      "  )\n"
      "\n"
      "  # comment\n"
      "        return s, f'''{t\n"
      "        }'''\n"
      "    class B:\n"
      "        def deep(self): return 1\n";
  const auto functions = functions_of(SyntaxTree(source), "m.py");
  REQUIRE(functions.size() == 3);
  CHECK(functions[0].name == "top");
  CHECK(functions[0].line == 2);
  CHECK(functions[0].path == "m.py");
  CHECK(functions[0].code == "def top(a):\n    def inner():\n        pass\n    return inner");
  CHECK(functions[1].name == "method");
  CHECK(functions[1].line == 9);
  CHECK(functions[1].code ==
        "async def method(x,\ny):\n"
        "    s = '''one\n"
        "    two'''\n"
        "    t = (1\n"
        ")\n"
        "\n"
        "# comment\n"
        "    return s, f'''{t\n"
        "        }'''");
  CHECK(functions[2].name == "deep");
  CHECK(functions[2].code == "def deep(self): return 1");
  CHECK(functions[2].line == 20);
  for (const Function& function : functions)
    CHECK_FALSE(SyntaxTree(function.code).has_error());
}

TEST_CASE("functions: a folder is walked in order, links and hidden entries left alone") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "b/c");
  std::filesystem::create_directories(folder / ".hidden");
  write_file(folder / "z.py", "def z(): pass\n");
  write_file(folder / "b/c/m.py", "def m(): pass\ndef n(): pass\n");
  write_file(folder / "b/broken.py", "def (:\n");
  write_file(folder / "b/notes.txt", "def no(): pass\n");
  write_file(folder / ".hidden/h.py", "def h(): pass\n");
  std::filesystem::create_symlink(folder / "z.py", folder / "a.py");
  std::filesystem::create_directory_symlink(folder.path(), folder / "b/loop");
  write_file(folder / "large.py", "");
  std::filesystem::resize_file(folder / "large.py", SyntaxTree::kMaxBytes + 1);
  const FunctionSet set = load_functions(folder.path());
  std::string names;
  for (const Function& function : set.functions)
    names += function.path + ":" + function.name + " ";
  CHECK(names == "b/c/m.py:m b/c/m.py:n z.py:z ");
  CHECK(set.files == 4);
  CHECK(set.files_broken == 1);
  CHECK(set.files_too_large == 1);
  CHECK(set.functions_broken == 0);

  CHECK(load_functions(folder / "z.py").functions.at(0).code == "def z(): pass");
  check_fails(ExitCode::kBadInput, "broken.py:1:", [&] { load_functions(folder / "b/broken.py"); });
  check_fails(ExitCode::kBadInput, "no function found", [&] {
    write_file(folder / "empty.py", "x = 1\n");
    load_functions(folder / "empty.py");
  });
  check_fails(ExitCode::kDisk, "gone", [&] { load_functions(folder / "gone.jsonl"); });
}

TEST_CASE("functions: rows of a file, and what is wrong with them") {
  const TemporaryFolder folder;
  const auto load = [&](const std::string& text, const std::string& field = "code") {
    write_file(folder / "f.jsonl", text);
    return load_functions(folder / "f.jsonl", field);
  };
  const auto set = load(
      "{\"code\": \"def f(): pass\", \"pkg\": \"p\", \"path\": \"m.py\", \"line\": 7, "
      "\"name\": \"f\", \"more\": [1]}\n\n{\"code\": \"x\"}\n");
  REQUIRE(set.functions.size() == 2);
  CHECK(set.functions[0].code == "def f(): pass");
  CHECK(set.functions[0].package == "p");
  CHECK(set.functions[0].path == "m.py");
  CHECK(set.functions[0].line == 7);
  CHECK(set.functions[0].name == "f");
  CHECK(set.functions[1].path.ends_with("f.jsonl:3"));
  CHECK(load("{\"text\": \"y\"}", "text").functions[0].code == "y");
  CHECK(load("{\"code\": \"y\"}").sha256 != load("{\"code\": \"z\"}").sha256);
  check_fails(ExitCode::kBadInput, "f.jsonl:2: key 'code' is missing",
              [&] { load("{\"code\": \"\"}\n{\"text\": \"\"}"); });
  check_fails(ExitCode::kBadInput, "f.jsonl:1: 'code' should be a string, found number",
              [&] { load("{\"code\": 3}"); });
  check_fails(ExitCode::kBadInput, "'line' should be an integer",
              [&] { load("{\"code\": \"\", \"line\": \"7\"}"); });
  check_fails(ExitCode::kBadInput, "f.jsonl:1: not valid JSON", [&] { load("def f(): pass"); });
  check_fails(ExitCode::kBadInput, "no function found", [&] { load(""); });
}

TEST_CASE("functions: the sample functions parse, and every leaf has its tokens") {
  const auto set = load_functions(ssmi::test::share() / "data/python-functions.jsonl.xz");
  CHECK(set.functions.size() == 1767);
  const text::ByteTokenizer tokenizer;
  int64_t without_token = 0, wrong = 0, leaf_count = 0, broken = 0;
  for (const Function& function : set.functions) {
    const SyntaxTree tree(function.code);
    broken += tree.has_error();
    const Leaves leaves(tree);
    leaf_count += leaves.size();
    const auto ranges = align(tokenizer.encode(function.code).spans, leaves);
    for (int32_t i = 0; i < leaves.size(); ++i) {
      const text::Span& range = ranges[static_cast<size_t>(i)];
      without_token += range.begin == range.end;
      wrong += range != text::Span{leaves[i].begin, leaves[i].end};  // a byte is a token
    }
  }
  CHECK(broken == 0);
  CHECK(without_token == 0);
  CHECK(wrong == 0);
  CHECK(leaf_count > 100'000);
}

}  // namespace
}  // namespace ssmi::code

#include "ssmi/task/types.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include "ssmi/core/file.h"
#include "task/words.h"

namespace ssmi::task {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("types: one way to write each") {
  CHECK(plain_type("int") == "int");
  CHECK(plain_type("'Future[None]'") == "Future[None]");
  CHECK(plain_type("Dict[str, List[ int ]]") == "dict[str,list[int]]");
  CHECK(plain_type("typing.Optional[Tuple[int, str]]") == "tuple[int,str]|None");
  CHECK(plain_type("Callable[[Optional[int]], Optional[str]]") == "Callable[[int|None],str|None]");
  CHECK(plain_type("str | None") == plain_type("Optional[str]"));
  // Only whole names are renamed.
  CHECK(plain_type("MyList[ListNode]") == "MyList[ListNode]");
  CHECK(plain_type("ast.List") == "ast.List");
  CHECK(plain_type("NotOptional[int]") == "NotOptional[int]");
  CHECK(plain_type("Optional[int") == "Optional[int");
  CHECK(plain_type("'").size() == 1);
}

/// A file of rows.
class Rows {
 public:
  explicit Rows(const std::string& rows) { write_file(path, rows); }

 private:
  ssmi::test::TemporaryFolder folder_;

 public:
  const std::filesystem::path path = folder_ / "t.jsonl";
};

TEST_CASE("types: the most frequent ones, ties by name") {
  const Rows rows(
      R"({"code":"","targets":[["var","a","int"],["var","b","str"],["var","c","Set"]]})"
      "\n"
      R"({"code":"","targets":[["var","a","str"],["var","b","other"],["var","c","bool"]]})");
  CHECK(frequent_types(rows.path, 3) == Names{"str", "bool", "int", "other"});
  CHECK(frequent_types(rows.path, 9) == Names{"str", "bool", "int", "set", "other"});
}

TEST_CASE("types: places are where names are first bound") {
  const Rows rows(
      R"({"code":"def f ( a , b = c ) :\n d = a","targets":[["param","b","int"],["var","d","str"],)"
      R"(["return","f","Optional[int]"],["param","c","int"],["return","g","int"]]})"
      "\n"
      R"({"code":"def f ( ) : e","targets":[["var","e","int"]]})");
  const auto tokenizer = test::words();
  // <s> def f ( a , b = c ) : d = a </s>
  const auto all = read_types(rows.path, *tokenizer, {"int", "int|None", "other"}, 100);
  CHECK(all.rows == 2);
  CHECK(all.targets == 6);
  CHECK(all.unplaced == 3);  // c is no parameter, the function is not g, e is not bound
  CHECK(all.cut_off == 0);
  REQUIRE(all.functions.size() == 1);
  CHECK(all.functions[0].ids.size() == 15);
  const auto& places = all.functions[0].places;
  REQUIRE(places.size() == 3);
  const auto is = [&](size_t i, int64_t token, int64_t label) {
    return places[i].begin == token && places[i].end == token + 1 && places[i].label == label;
  };
  CHECK(is(0, 6, 0));
  CHECK(is(1, 11, 2));
  CHECK(is(2, 2, 1));
  const auto some = read_types(rows.path, *tokenizer, {"int", "other"}, 7);
  CHECK(some.functions[0].ids.size() == 7);
  CHECK(some.functions[0].places.size() == 2);
  CHECK(some.cut_off == 1);  // d
}

TEST_CASE("types: batches lay functions end to end") {
  const std::vector<TypedFunction> functions{{{5, 6}, {{0, 2, 1}}},
                                             {{7, 8, 9}, {{1, 2, 0}, {0, 3, 4}}}};
  const TypeBatch batch = type_batch(functions);
  CHECK(batch.batch.offsets == std::vector<int64_t>{0, 2, 5});
  CHECK(at::equal(batch.labels, at::tensor(std::vector<int64_t>{1, 0, 4}, at::kLong)));
  const at::Tensor x = at::arange(10, at::kFloat).view({5, 2});
  const at::Tensor want = at::tensor({1.0F, 2.0F, 6.0F, 7.0F, 6.0F, 7.0F}).view({3, 2});
  CHECK(at::equal(place_means(x, batch.places), want));
}

TEST_CASE("types: rows of another form are refused") {
  const auto tokenizer = test::words();
  const auto refused = [&](const char* row, const char* message) {
    const Rows rows(row);
    ssmi::test::check_fails(ExitCode::kBadInput, message,
                            [&] { read_types(rows.path, *tokenizer, {"int", "other"}, 100); });
  };
  refused(R"({"code":"a = 1"})", "t.jsonl:1: key 'targets' is missing");
  refused(R"({"code":"a = 1","targets":{}})", "t.jsonl:1: 'targets' should be a list");
  refused(R"({"code":"a = 1","targets":[["var","a"]]})", "should be [kind, name, type], found");
  refused(R"({"code":"a = 1","targets":[["field","a","int"]]})", "found 'field'");
  refused(R"({"code":"a","targets":[["var","a","int"]]})", "no annotated name found in 1 rows");
  const Rows rows(R"({"code":"a = 1","targets":[["var","a","int"]]})");
  ssmi::test::check_fails(ExitCode::kMismatch, "none of the 1 labels is 'other'",
                          [&] { read_types(rows.path, *tokenizer, {"int"}, 100); });
}

TEST_CASE("types: nearly all shared annotations have their place") {
  const auto shared = ssmi::test::shared();
  if (!shared) return;
  const auto path = *shared / "data/types/python_types_dev.jsonl.xz";
  const auto classes = frequent_types(path, 30);
  CHECK(classes[0] == "None");
  const auto all = read_types(path, text::ByteTokenizer(), classes, 1 << 20);
  CHECK(all.rows == 753);
  CHECK(all.targets == 1925);
  CHECK(all.unplaced <= 2);
  CHECK(all.cut_off == 0);
}

}  // namespace
}  // namespace ssmi::task

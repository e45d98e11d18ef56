#include "ssmi/task/search_pairs.h"

#include "ssmi/core/file.h"
#include "ssmi/core/random.h"
#include "ssmi/task/metrics.h"
#include "ssmi/task/search.h"
#include "support.h"

namespace ssmi::task {
namespace {

using Texts = std::vector<std::string>;

/// Keeps what is noted.
class Noting : public NoProgress {
 public:
  void note(std::string_view line) override { noted += line; }
  std::string noted;
};

class Written {
 public:
  std::filesystem::path operator()(const std::string& text) const {
    write_file(path, text);
    return path;
  }
  const ssmi::test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "s.data";
};

SearchPairs answers(const std::filesystem::path& path) {
  NoProgress progress;
  return read_answers(path, progress);
}

TEST_CASE("search pairs: rows need a query and a code") {
  const Written written;
  const auto refused = [&](const char* rows, const char* message) {
    written(rows);
    ssmi::test::check_fails(ExitCode::kBadInput, message, [&] { read_search_pairs(written.path); });
  };
  refused("{\"doc\":\"d\",\"code\":\"c\"}\n{\"doc\":\"d\"}", "s.data:2: key 'code' is missing");
  refused(R"({"doc":"","code":"c"})", "s.data:1: 'doc' is empty");
  refused("", "no row with a 'doc' and a 'code'");
  const auto pairs =
      read_search_pairs(written("{\"doc\":\"d\",\"code\":\"c\",\"pkg\":\"p\"}\n"
                                "{\"doc\":\"d\",\"code\":\"c\"}\n"));
  CHECK(pairs.queries == Texts{"d", "d"});  // functions are taken as they come
  CHECK(pairs.rows == 2);
}

TEST_CASE("answers: the same pairs whatever the format") {
  const Written written;
  const SearchPairs lines =
      answers(written("\n{\"doc\":\"a title\",\"code\":\"f(\\n\\\\d)\"}\n"
                      "{\"doc\":\"b\",\"code\":\"c\",\"label\":1}\n"));
  CHECK(lines.queries == Texts{"a title", "b"});
  CHECK(lines.codes == Texts{"f(\n\\d)", "c"});
  const SearchPairs array =
      answers(written("[{\"idx\":1,\"doc\":\"a title\",\"code\":\"f(\\n\\\\d)\",\"label\":1},\n"
                      "{\"doc\":\"b\",\"code\":\"c\"}]"));
  const SearchPairs tabs = answers(written("2\t1\ta title\tf(\\n\\d)\t0\n\n4\t3\tb\tc\t0"));
  for (const SearchPairs* other : {&array, &tabs}) {
    CHECK(other->queries == lines.queries);
    CHECK(other->codes == lines.codes);
    CHECK(other->sha256 == lines.sha256);
    CHECK(other->rows == 2);
  }
  CHECK(read_search_pairs(written("{\"doc\":\"a title\",\"code\":\"f(\\n\\\\d)\"}\n"
                                  "{\"doc\":\"b\",\"code\":\"c\"}"))
            .sha256 == lines.sha256);
}

TEST_CASE("answers: CodeNN escapes line feeds in codes and nothing else") {
  const Written written;
  const auto pairs = answers(written("1\t2\ta \\n b\t\\nx = '\\\\n'\\\\n\\tend\\\\\t0\r\n"));
  CHECK(pairs.queries == Texts{"a \\n b"});
  CHECK(pairs.codes == Texts{"\nx = '\\\n'\\\n\\tend\\\\"});
}

TEST_CASE("answers: wrong ones, further ones of a title and repeated codes are left out") {
  const Written written;
  written(R"([{"doc":"a","code":"1","label":0},
              {"doc":"a","code":"2","label":1},
              {"doc":"a","code":"3","label":1},
              {"doc":"b","code":"2","label":1},
              {"doc":"b","code":"3","label":1},
              {"doc":"c","code":"2","label":0},
              {"doc":"c","code":"1","label":1}])");
  Noting progress;
  const SearchPairs pairs = read_answers(written.path, progress);
  CHECK(pairs.queries == Texts{"a", "b", "c"});
  CHECK(pairs.codes == Texts{"2", "3", "1"});  // what is left out keeps nothing from being taken
  CHECK(pairs.rows == 7);
  CHECK(pairs.wrong == 2);
  CHECK(pairs.repeated_queries == 1);
  CHECK(pairs.repeated_codes == 1);
  CHECK(progress.noted.ends_with(
      "s.data: left out 4 of 7 rows: 2 wrong answers, 1 further ones of a title, 1 that answered "
      "an earlier title"));
  Noting silent;
  read_answers(written("1\t2\ta\tb\t0\n"), silent);
  CHECK(silent.noted.empty());
}

TEST_CASE("answers: rows that are none are refused by their line") {
  const Written written;
  const auto refused = [&](const std::string& rows, const char* message) {
    CAPTURE(rows);
    written(rows);
    ssmi::test::check_fails(ExitCode::kBadInput, message, [&] { answers(written.path); });
  };
  const std::string row = "1\t2\ta\tb\t0\n";
  refused(row + "1\ttitle", "s.data:2: expected five tab separated fields");
  refused(row + "1\ttitle", "found 2 in '1?title'");
  refused(row + "1\t2\ta\tb\t0\t1", "found 6 in");
  refused("1\tx\ta\tb\t0", "s.data:1: expected five tab separated fields");
  refused("1\tx\ta\tb\t0", "found the id 'x'");
  refused("\t2\ta\tb\t0", "found the id ''");
  refused(row + "1\t2\t\tb\t0", "s.data:2: expected five");
  refused(row + "1\t2\ta\t\t0", "found an empty one");
  refused(row + "1\t2\ta\t\xff\t0", "s.data:2: expected UTF-8");
  refused("text", "or JSON; found 1 in 'text'");
  refused("[\n{\"doc\":\"d\"}]", "s.data:2: key 'code' is missing");
  refused("{\"doc\":\"d\",\"code\":\"c\",\"label\":2}",
          "s.data:1: 'label' should be an integer from 0 to 1, found 2");
  refused("{\"doc\":\"d\",\"code\":\"\"}", "s.data:1: 'code' is empty");
  refused("{\"doc\":\"d\",\"code\":\"c\",\"label\":0}", "no title with an answer in 1 rows");
  refused(" \n", "no title with an answer in 0 rows");
}

/// The mean reciprocal rank of TF-IDF.
double tfidf(const SearchPairs& pairs) {
  Random random(1, "test");
  const auto found = tfidf_ranks(pairs.queries, pairs.codes);
  return measured(mean_reciprocal_rank(found), {}, {}, random).value;
}

TEST_CASE("answers: StackOverflow's titles as CodeNN and StaQC have them") {
  const auto shared = ssmi::test::shared();
  if (!shared) return;
  const SearchPairs valid = answers(*shared / "data/search/python.valid.tsv");
  CHECK(valid.rows == 2792);
  CHECK(valid.size() == 2791);
  CHECK(valid.repeated_codes == 1);
  CHECK(valid.codes[0] == "P.resample('30min')");
  const SearchPairs dev = answers(*shared / "data/search/staqc_dev.json");
  CHECK(dev.rows == 976);
  CHECK(dev.wrong == 555);
  CHECK(dev.repeated_queries == 33);
  CHECK(dev.size() == 388);
  // The same in Python (a Counter a text, an inverted index).
  CHECK(tfidf(valid) == doctest::Approx(0.17277).epsilon(0.001));
  CHECK(tfidf(dev) == doctest::Approx(0.25749).epsilon(0.001));
}

}  // namespace
}  // namespace ssmi::task

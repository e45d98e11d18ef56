#include "ssmi/task/search.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/ones.h>

#include "ssmi/task/metrics.h"
#include "ssmi/task/search_pairs.h"
#include "support.h"

namespace ssmi::task {
namespace {

using Ranks = std::vector<int64_t>;
using Texts = std::vector<std::string>;

TEST_CASE("search: ranks count what is at least as similar") {
  const at::Tensor codes = at::eye(3);
  CHECK(ranks(codes, codes) == Ranks{1, 1, 1});
  CHECK(ranks(codes.roll(1, 0), codes) == Ranks{3, 3, 3});  // another one wins, the others tie
  CHECK(ranks(at::ones({3, 3}), at::ones({3, 3})) == Ranks{3, 3, 3});
  at::Tensor queries = at::eye(3);
  queries[1][0] = 2;
  CHECK(ranks(queries, codes) == Ranks{1, 2, 1});
}

TEST_CASE("search: ranks of more queries than fit a block") {
  const at::Tensor codes = at::eye(600);
  const Ranks found = ranks(codes, codes);
  CHECK(found == Ranks(600, 1));
}

TEST_CASE("search: by shared words") {
  const Texts codes{"def read_file(): pass", "def drawCircle(): pass", "def f(): pass"};
  CHECK(tfidf_ranks(Texts{"Read a file.", "a circle", "something else"}, codes) == Ranks{1, 1, 3});
}

TEST_CASE("search: names are taken out where it parses") {
  int64_t broken = 0;
  const auto out = obfuscated(Texts{"def f(x): return x", "def f(:"}, broken);
  CHECK(out == Texts{"def Func(arg_0): return arg_0", "def f(:"});
  CHECK(broken == 1);
}

TEST_CASE("search: TF-IDF on the functions of tornado and networkx") {
  const auto shared = ssmi::test::shared();
  if (!shared) return;
  const auto pairs = read_search_pairs(*shared / "data/functions/python_docstring_dev.jsonl.xz");
  REQUIRE(pairs.size() == 1767);
  int64_t broken = 0;
  Random random(1, "test");
  const auto mrr = [&](const Texts& codes) {
    const auto found = tfidf_ranks(pairs.queries, codes);
    return measured(mean_reciprocal_rank(found), {}, {}, random).value;
  };
  // The same in Python (a Counter a text, an inverted index): .4422.
  CHECK(mrr(pairs.codes) == doctest::Approx(0.4422).epsilon(0.001));
  const double nameless = mrr(obfuscated(pairs.codes, broken));
  CHECK(broken == 0);
  CHECK(nameless > 0.15);
  CHECK(nameless < 0.25);
}

}  // namespace
}  // namespace ssmi::task

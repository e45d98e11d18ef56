#include "ssmi/task/tfidf.h"

#include <cmath>

#include "support.h"

namespace ssmi::task {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("tf-idf: words of names") {
  CHECK(name_words("read_file2 parseJSONFile HTTPServer") ==
        Words{"read", "file", "parse", "json", "file", "http", "server"});
  CHECK(name_words("X aB URL x1y") == Words{"x", "a", "b", "url", "x", "y"});
  CHECK(name_words("caf\xc3\xa9 -- 12") == Words{"caf"});
  CHECK(name_words("").empty());
}

TEST_CASE("tf-idf: cosines by hand") {
  const Words texts{"load load file", "save file", "draw"};
  const TfIdf pool(texts);
  const auto rarity = [](double having) { return 1 + std::log(4 / (1 + having)); };
  const double load = (1 + std::log(2)) * rarity(1), file = rarity(2), save = rarity(1);
  const auto found = pool.similarities("file");
  REQUIRE(found.size() == 3);
  CHECK(found[0] == doctest::Approx(file / std::hypot(load, file)));
  CHECK(found[1] == doctest::Approx(file / std::hypot(save, file)));
  CHECK(found[2] == 0);
  // Words that no text has do not count.
  CHECK(pool.similarities("unknown file") == found);
  CHECK(pool.similarities("unknown") == std::vector<float>{0, 0, 0});
  CHECK(pool.similarities("load load file")[0] == doctest::Approx(1));
}

}  // namespace
}  // namespace ssmi::task

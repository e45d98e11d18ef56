#include "ssmi/model/tap.h"

#include "support.h"

namespace ssmi::model {
namespace {

using Points = std::vector<std::pair<Site, int64_t>>;

TEST_CASE("tap: the table has every site at its own place, under one name") {
  for (size_t i = 0; i < sites().size(); ++i) {
    CHECK(static_cast<size_t>(sites()[i].site) == i);
    CHECK(site_named(sites()[i].name) == sites()[i].site);
  }
  CHECK_FALSE(site_named("nowhere"));
}

TEST_CASE("tap: wants what it was asked for and runs as deep as that") {
  const Points points{{Site::kEmbedding, 0}, {Site::kBlockOutput, 3}, {Site::kGate, 2}};
  const Tap tap(points, {});
  CHECK(tap.wants(Site::kGate, 2));
  CHECK_FALSE(tap.wants(Site::kGate, 3));
  CHECK_FALSE(tap.wants(Site::kGate, 99));
  CHECK(tap.depth(6) == 3);
  CHECK_FALSE(tap.wants_head());
  CHECK(Tap(Points{{Site::kEmbedding, 0}}, {}).depth(6) == 0);
  CHECK(Tap(Points{{Site::kLogits, 0}}, {}).depth(6) == 6);
}

}  // namespace
}  // namespace ssmi::model

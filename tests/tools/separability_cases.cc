// Reads {"cases": [{"a": [[..]], "b": [[..]]}]} from stdin and prints, as a JSON array, each pair's
// verdict with its certificate. tests/integration/test_separability.py checks them against an LP.

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <iostream>
#include <iterator>

#include "analysis/probe/clouds.h"
#include "ssmi/analysis/probe/separability.h"
#include "ssmi/core/json.h"

int main() {
  using namespace ssmi;
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const Json input = parse_json(text, "stdin");
  Json results = Json::array();
  for (const Json& one : input.at("cases")) {
    const at::Tensor a = test::points(one.at("a")), b = test::points(one.at("b"));
    const probe::Centred all = probe::centre(at::cat({a, b}));
    const probe::Separability found = probe::separate(
        all.points.narrow(0, 0, a.size(0)), all.points.narrow(0, a.size(0), b.size(0)), all.radius);
    const char* name = found.verdict == probe::Verdict::kSeparable     ? "separable"
                       : found.verdict == probe::Verdict::kOverlapping ? "overlapping"
                                                                       : "undecided";
    results.push_back({{"verdict", name},
                       {"radius", all.radius},
                       {"support", found.certificate.support},
                       {"weight", found.certificate.weight},
                       {"plane", found.certificate.plane}});
  }
  std::cout << results.dump() << '\n';
}

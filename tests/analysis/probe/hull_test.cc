#include "ssmi/analysis/probe/hull.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "analysis/probe/clouds.h"
#include "analysis/probe/reference.h"
#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;
using ssmi::test::normals;
using ssmi::test::points;

namespace {

NearestPoints nearest(const at::Tensor& a, const at::Tensor& b) {
  NearestLimits limits;
  limits.radius = std::max(a.norm().item<double>(), b.norm().item<double>());
  return nearest_points(a, b, limits);
}

}  // namespace

TEST_CASE("hull: distances known by construction") {
  // a point over a corner, an edge, a face; segments crossing at right angles one apart
  const at::Tensor square = points({{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}});
  CHECK(nearest(points({{2, 2, 1}}), square).distance == doctest::Approx(std::sqrt(3.0)));
  CHECK(nearest(points({{0.5, -3, 4}}), square).distance == doctest::Approx(5));
  CHECK(nearest(points({{0.3, 0.6, 7}}), square).distance == doctest::Approx(7));
  CHECK(nearest(points({{-1, 0, 0}, {1, 0, 0}}), points({{0, -1, 1}, {0, 1, 1}})).distance ==
        doctest::Approx(1));
  CHECK(nearest(points({{0.3, 0.6, 0}}), square).distance < 1e-13);
  // the simplex of unit vectors lies 1 / sqrt(d) from the origin
  at::Tensor simplex = at::zeros({9, 9}, at::kDouble);
  for (int64_t i = 0; i < 9; ++i)
    simplex.mutable_data_ptr<double>()[10 * i] = 1;
  const NearestPoints found = nearest(points({std::vector<double>(9, 0.0)}), simplex);
  CHECK(found.distance == doctest::Approx(1.0 / 3.0).epsilon(1e-12));
  CHECK(found.lower == doctest::Approx(1.0 / 3.0).epsilon(1e-9));
  for (size_t k = 1; k < found.weight.size(); ++k) {
    CHECK(found.weight[k] == doctest::Approx(1.0 / 9.0).epsilon(1e-9));
  }
}

TEST_CASE("hull: bounds enclose those of a slow reference") {
  Random random(2, "hull");
  for (const int64_t d : {2, 4, 12}) {
    for (const int64_t n : {1, 3, 30}) {
      const at::Tensor a = normals(n, d, random), b = normals(20, d, random) + 1.5;
      const test::Bounds slow = test::frank_wolfe(a, b);
      const NearestPoints found = nearest(a, b);
      CHECK(found.finished);
      CHECK(found.distance <= slow.upper * (1 + 1e-12));
      CHECK(found.distance >= slow.lower * (1 - 1e-12));
      CHECK(found.lower <= found.distance);
      CHECK(found.distance - found.lower <= 1e-9 * found.distance + 1e-12);
    }
  }
}

TEST_CASE(
    "hull: a search that begins with the nearest points of parts ends in those of the wholes") {
  Random random(4, "start");
  const at::Tensor a = normals(60, 8, random), b = normals(40, 8, random) + 2.0;
  const NearestPoints cold = nearest(a, b);
  NearestPoints part = nearest(a.narrow(0, 0, 30), b.narrow(0, 0, 20));
  for (int64_t& i : part.support)
    i += i >= 30 ? 30 : 0;
  NearestLimits limits;
  limits.radius = 10;
  const NearestPoints warm = nearest_points(a, b, limits, &part);
  CHECK(warm.finished);
  CHECK(warm.distance == doctest::Approx(cold.distance).epsilon(1e-9));
}

TEST_CASE("hull: the search stops where it is told to") {
  Random random(3, "limits");
  const at::Tensor a = normals(50, 20, random), b = normals(50, 20, random) + 1.0;
  NearestLimits limits;
  limits.radius = 10;
  const NearestPoints whole = nearest_points(a, b, limits);
  limits.apart = 0.5 * whole.distance;
  const NearestPoints early = nearest_points(a, b, limits);
  CHECK(early.finished);
  CHECK(early.lower > limits.apart);
  CHECK(early.lower <= whole.distance);
  CHECK(early.distance > whole.distance * (1 + 1e-6));  // not carried to the end
  limits.apart = 2 * whole.distance;
  CHECK(nearest_points(a, b, limits).distance == doctest::Approx(whole.distance).epsilon(1e-9));
  limits.touching = 1.2 * whole.distance;
  CHECK(nearest_points(a, b, limits).distance <= limits.touching);
}

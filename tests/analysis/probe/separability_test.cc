#include "ssmi/analysis/probe/separability.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>

#include <cmath>
#include <limits>

#include "analysis/probe/clouds.h"
#include "support.h"

using namespace ssmi;
using namespace ssmi::probe;
using ssmi::test::normals;
using ssmi::test::points;

namespace {

long double product(const double* a, const std::vector<double>& b) {
  long double sum = 0;
  for (size_t k = 0; k < b.size(); ++k)
    sum += static_cast<long double>(a[k]) * b[k];
  return sum;
}

/// The plane must have unit length and every point on its side, with the tolerance between.
void check_plane(const at::Tensor& a, const at::Tensor& b, double radius,
                 const NearestPoints& found) {
  const auto d = static_cast<size_t>(a.size(1));
  REQUIRE(found.plane.size() == d);
  CHECK(static_cast<double>(product(found.plane.data(), found.plane)) ==
        doctest::Approx(1).epsilon(1e-13));
  long double lowest = 1e300L, highest = -1e300L;
  const double *pa = a.const_data_ptr<double>(), *pb = b.const_data_ptr<double>();
  for (int64_t i = 0; i < a.size(0); ++i, pa += d) {
    lowest = std::min(lowest, product(pa, found.plane));
  }
  for (int64_t i = 0; i < b.size(0); ++i, pb += d) {
    highest = std::max(highest, product(pb, found.plane));
  }
  CHECK(static_cast<double>(lowest - highest) > kSeparationTolerance * radius * (1 - 1e-4));
  CHECK(static_cast<double>(lowest) >= found.offset);
  CHECK(static_cast<double>(highest) <= found.offset);
}

/// The weights must be those of convex combinations that meet.
void check_common_point(const at::Tensor& a, const at::Tensor& b, double radius,
                        const NearestPoints& found) {
  const auto d = static_cast<size_t>(a.size(1));
  std::vector<long double> difference(d, 0);
  long double sum[2] = {0, 0};
  REQUIRE(found.support.size() == found.weight.size());
  for (size_t k = 0; k < found.support.size(); ++k) {
    const int64_t i = found.support[k];
    REQUIRE((i >= 0 && i < a.size(0) + b.size(0)));
    const bool first = i < a.size(0);
    CHECK(found.weight[k] >= 0);
    sum[first ? 0 : 1] += found.weight[k];
    const double* row = first ? a.const_data_ptr<double>() + i * a.size(1)
                              : b.const_data_ptr<double>() + (i - a.size(0)) * a.size(1);
    for (size_t j = 0; j < d; ++j)
      difference[j] += (first ? 1 : -1) * found.weight[k] * row[j];
  }
  CHECK(static_cast<double>(sum[0]) == doctest::Approx(1).epsilon(1e-13));
  CHECK(static_cast<double>(sum[1]) == doctest::Approx(1).epsilon(1e-13));
  long double square = 0;
  for (const long double value : difference)
    square += value * value;
  CHECK(static_cast<double>(std::sqrt(square)) <= kSeparationTolerance * radius * (1 + 1e-4));
}

/// The verdict at scales 1e-6, 1 and 1e6, in both orders, each with its certificate checked.
Verdict verdict(const at::Tensor& a, const at::Tensor& b) {
  Verdict last = Verdict::kUndecided;
  for (const double scale : {1.0, 1e6, 1e-6}) {
    const Centred all = centre(at::cat({a, b}) * scale);
    const at::Tensor first = all.points.narrow(0, 0, a.size(0)),
                     second = all.points.narrow(0, a.size(0), b.size(0));
    const Separability found = separate(first, second, all.radius);
    CHECK(found.verdict != Verdict::kUndecided);
    if (found.verdict == Verdict::kSeparable) {
      check_plane(first, second, all.radius, found.certificate);
    } else {
      check_common_point(first, second, all.radius, found.certificate);
    }
    CHECK(separate(second, first, all.radius).verdict == found.verdict);
    if (scale != 1.0) CHECK(found.verdict == last);
    last = found.verdict;
  }
  return last;
}

/// A random rotation of the columns (Gram-Schmidt of normals).
at::Tensor rotation(int64_t d, Random& random) {
  at::Tensor q = normals(d, d, random);
  for (int64_t i = 0; i < d; ++i) {
    at::Tensor row = q.narrow(0, i, 1);
    for (int pass = 0; pass < 2 && i > 0; ++pass) {
      const at::Tensor before = q.narrow(0, 0, i);
      row.sub_(at::mm(at::mm(row, before.t()), before));
    }
    row.div_(row.norm());
  }
  return q;
}

}  // namespace

TEST_CASE("separability: plain clouds") {
  CHECK(verdict(points({{0, 0}, {1, 0}}), points({{0, 1}, {1, 1}})) == Verdict::kSeparable);
  CHECK(verdict(points({{0, 0}, {2, 2}}), points({{0, 2}, {2, 0}})) == Verdict::kOverlapping);
  // XOR
  CHECK(verdict(points({{0, 0}, {1, 1}}), points({{0, 1}, {1, 0}})) == Verdict::kOverlapping);
  // one hull inside the other
  CHECK(verdict(points({{-3, -3}, {3, -3}, {0, 4}}), points({{0, 0}, {0.1, 0.1}})) ==
        Verdict::kOverlapping);
  CHECK(verdict(points({{1}}), points({{2}})) == Verdict::kSeparable);
  CHECK(verdict(points({{1}, {3}}), points({{2}})) == Verdict::kOverlapping);
}

TEST_CASE("separability: one point against a hull") {
  const at::Tensor square = points({{0, 0}, {1, 0}, {0, 1}, {1, 1}});
  CHECK(verdict(points({{0.5, 0.5}}), square) == Verdict::kOverlapping);
  CHECK(verdict(points({{0.5, 1.0}}), square) == Verdict::kOverlapping);  // on an edge
  CHECK(verdict(points({{1.0, 1.0}}), square) == Verdict::kOverlapping);  // a corner
  CHECK(verdict(points({{0.5, 1.0 + 1e-9}}), square) == Verdict::kSeparable);
  CHECK(verdict(points({{0.5, 1.0 + 1e-11}}), square) == Verdict::kOverlapping);  // tolerance
}

TEST_CASE("separability: duplicates and identical clouds") {
  CHECK(verdict(points({{1, 2}, {1, 2}, {1, 2}}), points({{1, 2}})) == Verdict::kOverlapping);
  CHECK(verdict(points({{0, 0}, {0, 0}, {1, 0}, {1, 0}}), points({{0, 1}, {0, 1}, {1, 1}})) ==
        Verdict::kSeparable);
  CHECK(verdict(points({{0, 0}, {1, 1}, {1, 1}, {0, 0}}), points({{1, 0}, {1, 0}, {0, 1}})) ==
        Verdict::kOverlapping);
  Random random(1, "same");
  const at::Tensor cloud = normals(20, 5, random);
  CHECK(verdict(cloud, cloud.clone()) == Verdict::kOverlapping);
}

TEST_CASE("separability: collinear points") {
  CHECK(verdict(points({{0, 0, 0}, {1, 1, 1}, {2, 2, 2}}), points({{3, 3, 3}, {4, 4, 4}})) ==
        Verdict::kSeparable);
  CHECK(verdict(points({{0, 0, 0}, {1, 1, 1}, {3, 3, 3}}), points({{2, 2, 2}, {4, 4, 4}})) ==
        Verdict::kOverlapping);
  // parallel segments 1e-9 apart
  CHECK(verdict(points({{0, 0}, {0.3, 0}, {1, 0}}), points({{0.2, 1e-9}, {0.9, 1e-9}})) ==
        Verdict::kSeparable);
  // segments that touch end to end
  CHECK(verdict(points({{0, 0}, {1, 0}}), points({{1, 0}, {2, 0}})) == Verdict::kOverlapping);
}

TEST_CASE("separability: a margin of 1e-9 is seen and one of 1e-11 is not, in any dimension") {
  Random random(2, "margin");
  for (const int64_t d : {2, 5, 20, 60}) {
    for (const double margin : {1e-3, 1e-6, 1e-9, 1e-11, 0.0, -1e-3}) {
      // A simplex in the plane x1 = 0 and one that meets it, but for the margin, in its inside.
      at::Tensor a = normals(d + 10, d, random), b = normals(d + 10, d, random);
      double *pa = a.mutable_data_ptr<double>(), *pb = b.mutable_data_ptr<double>();
      for (int64_t i = 0; i < d + 10; ++i) {
        pa[i * d] = i < d ? 0.0 : -std::abs(pa[i * d]);
        pb[i * d] = i == 0 ? 0.0 : 0.5 + std::abs(pb[i * d]);
      }
      // b's first point: the mean of the d points of a in the plane, lifted by the margin.
      for (int64_t j = 1; j < d; ++j) {
        double sum = 0;
        for (int64_t i = 0; i < d; ++i)
          sum += pa[i * d + j];
        pb[j] = sum / static_cast<double>(d);
      }
      const double radius = centre(at::cat({a, b})).radius;
      pb[0] = margin * radius;
      const at::Tensor turn = rotation(d, random);
      CAPTURE(d);
      CAPTURE(margin);
      CHECK(verdict(at::mm(a, turn), at::mm(b, turn)) ==
            (margin > 1e-10 ? Verdict::kSeparable : Verdict::kOverlapping));
    }
  }
}

TEST_CASE(
    "separability: at most d + 1 points in general position are separable, however labelled") {
  Random random(3, "general");
  for (const int64_t d : {3, 10, 64}) {
    const at::Tensor all = normals(d + 1, d, random);
    for (const int64_t first : {int64_t{1}, d / 2, d}) {
      CHECK(verdict(all.narrow(0, 0, first), all.narrow(0, first, d + 1 - first)) ==
            Verdict::kSeparable);
    }
  }
}

TEST_CASE("separability: a flat simplex") {
  // Heights of 1e-7 to 1e-9 above the long edge, beyond what products of float64 can hold.
  for (const double height : {1e-7, 1e-8, 1e-9}) {
    const at::Tensor flat = points({{0, 0, 0}, {1, 0, 0}, {0.5, height, 0}});
    CHECK(verdict(flat, points({{0.5, height / 2, 1e-9}})) == Verdict::kSeparable);
    CHECK(verdict(flat, points({{0.5, height / 2, 0}})) == Verdict::kOverlapping);
  }
}

TEST_CASE("separability: two points in a thousand dimensions") {
  Random random(4, "wide");
  CHECK(verdict(normals(1, 1000, random), normals(1, 1000, random)) == Verdict::kSeparable);
}

TEST_CASE("separability: centring takes any floating type and refuses what is not finite") {
  const Centred all = centre(points({{1, 5}, {3, 5}}).to(at::kFloat));
  CHECK(all.radius == 1);
  CHECK(all.mean.const_data_ptr<double>()[0] == 2);
  const double infinite = std::numeric_limits<double>::infinity();
  test::check_fails(ExitCode::kBadInput, "not finite", [&] { centre(points({{1, infinite}})); });
}

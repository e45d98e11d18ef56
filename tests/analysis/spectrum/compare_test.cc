#include "ssmi/analysis/spectrum/compare.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

namespace {

using namespace ssmi;
using kernels::Direction;
using spectrum::FilterClass;

struct Point {
  double centroid, log10_lhfr;
};
using Profile = std::array<Point, 24>;  // 12 blocks forward, then 12 backward

// The released analysis of CodeSSM as pretrained and fine-tuned for code search (StackOverflow) and
// type inference: the notebook kernel_analysis_ssm of abx04/interpretability_ssm.
constexpr Profile kPretrained{
    {{0.1896, 0.387}, {0.1918, 0.635},  {0.1751, 0.681},  {0.1287, 1.878},  {0.1797, 0.343},
     {0.1816, 0.555}, {0.1822, 0.456},  {0.0424, 4.108},  {0.1432, 1.231},  {0.0534, 3.787},
     {0.0887, 2.519}, {0.1733, 0.604},  {0.2115, -0.106}, {0.1478, 1.146},  {0.1449, 1.270},
     {0.0478, 4.012}, {0.2049, 0.123},  {0.1869, 0.398},  {0.2380, -0.402}, {0.2313, -0.374},
     {0.1694, 0.784}, {0.2357, -0.452}, {0.0987, 2.257},  {0.1420, 1.191}}};
constexpr Profile kSearch{{{0.1898, 0.390},  {0.1945, 0.596},  {0.1764, 0.663},  {0.1926, 0.340},
                           {0.1777, 0.385},  {0.1828, 0.535},  {0.1835, 0.427},  {0.0508, 3.878},
                           {0.1399, 1.295},  {0.0654, 3.565},  {0.0877, 2.539},  {0.1695, 0.644},
                           {0.2062, -0.022}, {0.1516, 1.074},  {0.1438, 1.298},  {0.0511, 3.743},
                           {0.2067, 0.083},  {0.1858, 0.424},  {0.2397, -0.438}, {0.2385, -0.551},
                           {0.1722, 0.733},  {0.2549, -0.932}, {0.1045, 2.378},  {0.1451, 1.119}}};
constexpr Profile kTypes{{{0.2233, -0.309}, {0.1820, 0.759},  {0.1749, 0.694},  {0.2018, 0.200},
                          {0.1840, 0.232},  {0.1862, 0.479},  {0.1669, 0.705},  {0.0591, 4.060},
                          {0.1586, 0.998},  {0.0783, 4.021},  {0.0859, 2.958},  {0.1887, 0.316},
                          {0.2014, -0.061}, {0.1447, 1.179},  {0.1473, 1.252},  {0.0739, 3.556},
                          {0.1889, 0.377},  {0.1673, 0.737},  {0.2594, -0.589}, {0.2212, -0.260},
                          {0.1649, 0.910},  {0.2302, -0.267}, {0.1003, 2.186},  {0.1369, 1.372}}};

spectrum::Kernel kernel(int64_t layer, Direction direction, Point point, double share) {
  spectrum::Kernel kernel{};
  kernel.layer = layer;
  kernel.direction = direction;
  kernel.measures.centroid = point.centroid;
  kernel.measures.log10_lhfr = point.log10_lhfr;
  kernel.measures.filter_class = spectrum::classify(point.centroid, point.log10_lhfr, {});
  kernel.energy_share = share;
  kernel.silent = share < 0.02 / 24;
  return kernel;
}

/// Forward block 4 carries 0.0003 of the energy, the others equal shares of the rest.
spectrum::Spectrum published(const Profile& profile) {
  spectrum::Spectrum spectrum;
  for (int64_t layer = 1; layer <= 12; ++layer) {
    for (const Direction direction : {Direction::kForward, Direction::kBackward}) {
      const auto row = static_cast<size_t>(layer - 1 + (direction == Direction::kForward ? 0 : 12));
      const double share = row == 3 ? 0.0003 : 0.9997 / 23;
      spectrum.kernels.push_back(kernel(layer, direction, profile[row], share));
    }
  }
  return spectrum;
}

TEST_CASE("The published kernels get the published classes") {
  const auto counts = [](const Profile& profile) {
    return spectrum::classes_of(published(profile).kernels).kernels;
  };
  // low-pass, band-pass, high-pass, unclassified
  CHECK(counts(kPretrained) == std::array<int64_t, 4>{10, 10, 4, 0});
  CHECK(counts(kSearch) == std::array<int64_t, 4>{9, 11, 4, 0});
  CHECK(counts(kTypes) == std::array<int64_t, 4>{8, 9, 5, 2});
}

TEST_CASE("Classes begin and end where they are said to") {
  const auto classify = [](double centroid, double ratio) {
    return spectrum::classify(centroid, ratio, {}).value();
  };
  CHECK(classify(0.1659, 1.001) == FilterClass::kLowPass);
  CHECK(classify(0.1659, 1.0) == FilterClass::kUnclassified);
  CHECK(classify(0.166, 1.001) == FilterClass::kUnclassified);
  CHECK(classify(0.166, 1.0) == FilterClass::kBandPass);
  CHECK(classify(0.166, 0.0) == FilterClass::kBandPass);
  CHECK(classify(0.166, -0.001) == FilterClass::kHighPass);
  CHECK(classify(0.1, -0.5) == FilterClass::kUnclassified);
  CHECK(!spectrum::classify(std::nan(""), 0, {}));
  CHECK(!spectrum::classify(0.2, std::nan(""), {}));
  spectrum::Thresholds wide;
  wide.centroid = 0.3;
  CHECK(spectrum::classify(0.25, 1.5, wide) == FilterClass::kLowPass);
}

TEST_CASE("A comparison knows what moved and how much it carries") {
  const auto comparison = spectrum::compare(published(kPretrained), published(kSearch), {});
  CHECK(comparison.reason.empty());
  REQUIRE(comparison.moves.size() == 24);
  // Code search changes one class, that of the almost silent forward kernel of block 4.
  CHECK(comparison.class_changes == 1);
  CHECK(comparison.silent_class_changes == 1);
  CHECK(comparison.changed_energy_share == doctest::Approx(0.0003));
  const auto& move = comparison.moves[6];
  CHECK(move.layer == 4);
  CHECK(move.direction == Direction::kForward);
  CHECK(move.before == FilterClass::kLowPass);
  CHECK(move.after == FilterClass::kBandPass);
  CHECK(move.silent);
  CHECK(!move.toward_twins);
  CHECK(move.centroid == doctest::Approx(0.1926 - 0.1287));
  CHECK(move.log10_lhfr == doctest::Approx(0.340 - 1.878));
  // Published means: forward centroid .144 to .151, backward .172 to .175.
  CHECK(comparison.centroid.plain == doctest::Approx((0.0067 + 0.0034) / 2).epsilon(0.1));
  // By energy the silent kernel's large move is next to nothing.
  const double rest = comparison.centroid.plain * 24 - move.centroid;
  CHECK(comparison.centroid.energy_weighted ==
        doctest::Approx(rest * 0.9997 / 23 + 0.0003 * move.centroid));
  CHECK(comparison.layers.size() == 24);
  CHECK(comparison.layers[6].class_changes == 1);
}

TEST_CASE("A move towards the twins is told from one away") {
  const auto spectra = [](double centroid) {
    return spectrum::Spectrum{{kernel(1, Direction::kForward, {centroid, -0.5}, 1)}, {}};
  };
  const auto twins = spectrum::summarise({spectra(0.24), spectra(0.26), spectra(0.25)});
  REQUIRE(twins.size() == 1);
  CHECK(twins[0].kernels == 3);
  CHECK(twins[0].centroid.median == doctest::Approx(0.25));
  CHECK(twins[0].energy_share == doctest::Approx(1));
  const auto toward = [&](double before, double after) {
    return spectrum::compare(spectra(before), spectra(after), twins).moves[0].toward_twins;
  };
  CHECK(toward(0.1, 0.2) == true);
  CHECK(toward(0.2, 0.1) == false);
  CHECK(toward(0.2, 0.35) == false);
  CHECK(!toward(std::nan(""), 0.2));
}

TEST_CASE("Other kernels are not compared") {
  const auto before = published(kPretrained);
  auto after = published(kSearch);
  after.kernels.pop_back();
  CHECK(spectrum::compare(before, after, {}).reason == "24 kernels against 23");
  after = published(kSearch);
  after.kernels[3].layer = 7;
  CHECK(spectrum::compare(before, after, {}).reason ==
        "kernels of other blocks, directions or channels");
  CHECK(spectrum::compare(before, {}, {}).reason == "no fixed state kernels to compare");
}

TEST_CASE("Kernels without a class count for nothing") {
  auto before = published(kPretrained);
  before.kernels[0].measures.filter_class.reset();
  before.kernels[0].measures.centroid = std::nan("");
  before.kernels[0].energy_share = std::nan("");
  const auto comparison = spectrum::compare(before, published(kPretrained), {});
  CHECK(comparison.class_changes == 1);
  CHECK(comparison.changed_energy_share == doctest::Approx(0.9997 / 23 / 2));
  CHECK(std::isnan(comparison.moves[0].centroid));
  CHECK(comparison.centroid.plain == 0);
  CHECK(comparison.layers[0].energy_share == doctest::Approx(0.9997 / 23 / 2));
}

}  // namespace

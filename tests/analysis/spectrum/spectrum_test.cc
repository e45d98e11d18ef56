#include "ssmi/analysis/spectrum/spectrum.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/fft_rfft.h>
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "modal_model.h"
#include "ssmi/core/random.h"

namespace {

using namespace ssmi;
using spectrum_test::Complex;
using spectrum_test::ModalModel;
using spectrum_test::Mode;
using std::numbers::pi;

constexpr int64_t kLength = 4096;

spectrum::Spectrum measured(std::vector<std::vector<Mode>> layers) {
  NoProgress progress;
  return spectrum::spectrum(ModalModel(std::move(layers)), {}, progress);
}

/// The real FFT of a kernel at bin k as the geometric series that it is: with z = exp(log_pole),
/// w = exp(-2 pi i k / L) and w^L = 1, sum_l z^l w^l = (1 - z^L) / (1 - z w); the real part of a
/// mode is half the sum of it and its conjugate.
Complex closed_form(const std::vector<Mode>& modes, int64_t k) {
  const Complex w = std::polar(1.0, -2 * pi * static_cast<double>(k) / kLength);
  const auto series = [&](Complex residue, Complex log_pole) {
    return residue * (1.0 - std::exp(log_pole * static_cast<double>(kLength))) /
           (1.0 - std::exp(log_pole) * w);
  };
  Complex sum = 0;
  for (const Mode& mode : modes) {
    sum += series(mode.residue, mode.log_pole) +
           series(std::conj(mode.residue), std::conj(mode.log_pole));
  }
  return sum / 2.0;
}

std::vector<double> closed_form_magnitudes(const std::vector<Mode>& modes) {
  std::vector<double> magnitudes;
  for (int64_t k = 0; k <= kLength / 2; ++k)
    magnitudes.push_back(std::abs(closed_form(modes, k)));
  return magnitudes;
}

/// The definitions, spelt out once more.
struct Expected {
  double centroid = 0, low = 0, high = 0, energy = 0, dominant = 0, largest = 0;
};

Expected expected_of(const std::vector<double>& magnitudes) {
  Expected e;
  double sum = 0;
  for (size_t k = 0; k < magnitudes.size(); ++k) {
    const double m = magnitudes[k], f = static_cast<double>(k) / kLength;
    e.centroid += f * m;
    sum += m;
    e.energy += m * m;
    if (k < 204) e.low += m * m;
    if (k >= 1229) e.high += m * m;
    if (m > e.largest) {
      e.largest = m;
      e.dominant = f;
    }
  }
  e.centroid /= sum;
  return e;
}

void check_against_closed_form(const std::vector<Mode>& modes) {
  const auto measures = measured({modes}).kernels[0].measures;
  const Expected e = expected_of(closed_form_magnitudes(modes));
  const auto near = [](double value) { return doctest::Approx(value).epsilon(1e-9); };
  CHECK(measures.centroid == near(e.centroid));
  CHECK(measures.low_energy == near(e.low));
  CHECK(measures.high_energy == near(e.high));
  CHECK(measures.log10_lhfr == near(std::log10(e.low / e.high)));
  CHECK(measures.energy == near(e.energy));
  CHECK(measures.dominant_frequency == e.dominant);
  CHECK(measures.dominant_magnitude == near(e.largest));
  CHECK(measures.reason.empty());
}

TEST_CASE("A kernel of one tap is white") {
  // Decays so fast that nothing is left after lag 0.
  const auto m = measured({{{{2.0, 0.0}, {-2000.0, 0.0}}}}).kernels[0].measures;
  CHECK(m.centroid == doctest::Approx(0.25).epsilon(1e-12));
  CHECK(m.log10_lhfr == doctest::Approx(std::log10(204.0 / 820.0)).epsilon(1e-12));
  CHECK(m.energy == doctest::Approx(4.0 * 2049).epsilon(1e-12));
  CHECK(m.gain == doctest::Approx(2).epsilon(1e-12));
  CHECK(m.mean_lag == 0);
  CHECK(m.half_life == 0);
  CHECK(m.filter_class == spectrum::FilterClass::kHighPass);
}

TEST_CASE("One real pole") {
  const double r = 0.97;
  const std::vector<Mode> modes{{{1.5, 0.0}, {std::log(r), 0.0}}};
  check_against_closed_form(modes);
  const auto m = measured({modes}).kernels[0].measures;
  const double end = std::pow(r, kLength);
  // sum l r^l / sum r^l and the first l with 1 - r^(l+1) >= (1 - r^L) / 2
  CHECK(m.mean_lag == doctest::Approx(r / (1 - r) - kLength * end / (1 - end)).epsilon(1e-9));
  CHECK(m.half_life == std::ceil(std::log((1 + end) / 2) / std::log(r)) - 1);
  CHECK(m.gain == doctest::Approx(1.5 * std::sqrt((1 - end * end) / (1 - r * r))).epsilon(1e-9));
  CHECK(m.dominant_frequency == 0);
  CHECK(m.filter_class == spectrum::FilterClass::kLowPass);
}

TEST_CASE("A damped cosine peaks at its frequency") {
  const double frequency = 512.0 / kLength;
  const std::vector<Mode> modes{{{1.0, 0.0}, {-0.01, 2 * pi * frequency}}};
  check_against_closed_form(modes);
  const auto kernel = measured({modes}).kernels[0];
  CHECK(kernel.measures.dominant_frequency == frequency);
  CHECK(kernel.aliased == 0);
}

TEST_CASE("A frequency beyond half a cycle a token is folded and said to be") {
  const std::vector<Mode> modes{{{1.0, 0.0}, {-0.01, 2 * pi * 0.75}},
                                {{0.1, 0.0}, {-0.01, 2 * pi * 0.1}}};
  check_against_closed_form(modes);
  const auto kernel = measured({modes}).kernels[0];
  CHECK(kernel.measures.dominant_frequency == doctest::Approx(0.25));
  CHECK(kernel.aliased == 0.5);
}

TEST_CASE("The transform equals the closed form of a sum of poles") {
  Random random(3, "poles");
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<Mode> modes;
    const double dt = std::exp(-4.6 * random.uniform());
    for (int n = 0; n < 64; ++n) {
      modes.push_back({{random.normal(), random.normal()},
                       {-dt * std::exp(-5 * random.uniform()), dt * pi * n}});
    }
    const auto kernels = ModalModel({modes}).state_kernels(at::kDouble);
    const at::Tensor transform =
        at::fft_rfft(kernels::state_kernels(kernels[0].kernels, kLength))[0];
    const auto* found = static_cast<const Complex*>(transform.const_data_ptr());
    const auto magnitudes = closed_form_magnitudes(modes);
    const double largest = *std::max_element(magnitudes.begin(), magnitudes.end());
    double worst = 0;
    for (int64_t k = 0; k <= kLength / 2; ++k)
      worst = std::max(worst, std::abs(found[k] - closed_form(modes, k)));
    CHECK(worst < 1e-10 * largest);
    check_against_closed_form(modes);
  }
}

TEST_CASE("A delay is white and lies where it lies") {
  std::vector<double> taps(4096, 0.0), magnitudes(2049, 3.0);
  taps[100] = -3;
  const auto m = spectrum::measure(taps, magnitudes, {});
  CHECK(m.centroid == doctest::Approx(0.25));
  CHECK(m.log10_lhfr == doctest::Approx(std::log10(204.0 / 820.0)));
  CHECK(m.mean_lag == 100);
  CHECK(m.half_life == 100);
  CHECK(m.gain == 3);
}

TEST_CASE("What does not exist has a reason") {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  SUBCASE("zero") {
    const auto kernel = measured({{{{0.0, 0.0}, {-0.5, 1.0}}}}).kernels[0];
    CHECK(std::isnan(kernel.measures.centroid));
    CHECK(std::isnan(kernel.measures.log10_lhfr));
    CHECK(kernel.measures.energy == 0);
    CHECK(kernel.measures.gain == 0);
    CHECK(!kernel.measures.filter_class);
    CHECK(kernel.measures.reason == "the kernel is zero");
    CHECK(kernel.energy_share == 0);  // of nothing
    CHECK(kernel.silent);
  }
  SUBCASE("not finite") {
    for (const Complex log_pole : {Complex(nan, 0), Complex(1.0, 0.0), Complex(infinity, 0)}) {
      const auto kernels =
          measured({{{{1.0, 0.0}, log_pole}}, {{{1.0, 0.0}, {-1.0, 0.0}}}}).kernels;
      CHECK(!kernels[0].measures.filter_class);
      CHECK(kernels[0].measures.reason == "the kernel is not finite");
      CHECK(kernels[1].energy_share == 1);  // the broken one takes nothing from it
    }
  }
  SUBCASE("no energy in a band") {
    std::vector<double> taps(64, 1.0), magnitudes(33, 0.0);
    magnitudes[0] = 64;
    auto m = spectrum::measure(taps, magnitudes, {});
    CHECK(m.reason == "log10_lhfr: no energy in the high band");
    CHECK(m.filter_class == spectrum::FilterClass::kLowPass);
    magnitudes[0] = 0;
    magnitudes[32] = 64;
    m = spectrum::measure(taps, magnitudes, {});
    CHECK(m.reason == "log10_lhfr: no energy in the low band");
    CHECK(m.filter_class == spectrum::FilterClass::kHighPass);
    magnitudes[32] = 0;
    magnitudes[10] = 64;
    m = spectrum::measure(taps, magnitudes, {});
    CHECK(m.reason == "log10_lhfr: no energy in the low and the high band");
    CHECK(!m.filter_class);
  }
}

TEST_CASE("Shares of the energy add up to one") {
  const auto kernels =
      measured({{{{1.0, 0.0}, {-1000.0, 0.0}}}, {{{0.5, 0.0}, {-1000.0, 0.0}}}}).kernels;
  CHECK(kernels[0].energy_share == doctest::Approx(0.8));
  CHECK(kernels[1].energy_share == doctest::Approx(0.2));
  CHECK(!kernels[1].silent);
}

TEST_CASE("A silent kernel carries next to nothing of an equal share") {
  const auto silent = [](double size) {
    const Mode loud{{1.0, 0.0}, {-1000.0, 0.0}}, other{{size, 0.0}, {-1000.0, 0.0}};
    return measured({{loud}, {loud}, {loud}, {other}}).kernels[3].silent;
  };
  // Of four kernels, 0.02 / 4 of the energy: size^2 / (3 + size^2) = 0.005.
  CHECK(silent(0.122));
  CHECK(!silent(0.124));
  CHECK(silent(0));
}

TEST_CASE("Quartiles lie linearly between neighbours") {
  const auto q = spectrum::quartiles({4, 1, std::nan(""), 2, 3});
  CHECK(q.low == doctest::Approx(1.75));
  CHECK(q.median == doctest::Approx(2.5));
  CHECK(q.high == doctest::Approx(3.25));
  CHECK(std::isnan(spectrum::quartiles({}).median));
}

}  // namespace

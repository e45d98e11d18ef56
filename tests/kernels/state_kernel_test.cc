#include "ssmi/kernels/state_kernel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/view_as_real.h>
#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "ssmi/core/random.h"

namespace {

using namespace ssmi;
using Complex = std::complex<double>;

struct Parameters {
  at::Tensor c, a, dt;
};

/// Like trained ones: decays from slow to fast, angles beyond pi.
Parameters random_parameters(int64_t count, int64_t modes) {
  Random random(7, "state kernels");
  Parameters p{at::empty({count, modes}, at::kComplexDouble),
               at::empty({count, modes}, at::kComplexDouble), at::empty({count}, at::kDouble)};
  for (int64_t g = 0; g < count; ++g) {
    p.dt.data_ptr<double>()[g] = std::exp(-4.6 * random.uniform());
    for (int64_t n = 0; n < modes; ++n) {
      auto* c = static_cast<Complex*>(p.c.data_ptr()) + g * modes + n;
      auto* a = static_cast<Complex*>(p.a.data_ptr()) + g * modes + n;
      *c = {random.normal(), random.normal()};
      *a = {-std::exp(-4 * random.uniform()), std::numbers::pi * static_cast<double>(n)};
    }
  }
  return p;
}

/// Section 3.2 of the S4D paper, tap by tap in long double.
double tap(const Parameters& p, int64_t kernel, int64_t lag) {
  using Wide = std::complex<long double>;
  const int64_t modes = p.c.size(1);
  const auto* c = static_cast<const Complex*>(p.c.const_data_ptr()) + kernel * modes;
  const auto* a = static_cast<const Complex*>(p.a.const_data_ptr()) + kernel * modes;
  const Wide step(static_cast<long double>(p.dt.const_data_ptr<double>()[kernel]));
  Wide sum = 0;
  for (int64_t n = 0; n < modes; ++n) {
    const Wide rate(a[n].real(), a[n].imag()), weight(c[n].real(), c[n].imag());
    sum += weight * (std::exp(step * rate) - Wide(1)) / rate *
           std::exp(static_cast<long double>(lag) * step * rate);
  }
  return static_cast<double>(sum.real());
}

TEST_CASE("Both ways give the taps of the formula") {
  const Parameters p = random_parameters(70, 5);  // more kernels than are taken at once
  const auto modal = kernels::zero_order_hold(p.c, p.a, p.dt);
  for (const int64_t length : {1, 63, 64, 65, 1000}) {
    CAPTURE(length);
    const at::Tensor blocked = kernels::state_kernels_blocked(modal, length);
    const at::Tensor reference = kernels::state_kernels_reference(modal, length);
    CHECK(blocked.sizes() == at::IntArrayRef({70, length}));
    const double largest = at::abs(reference).max().item<double>();
    CHECK(at::abs(blocked - reference).max().item<double>() < 1e-12 * largest);
    for (const int64_t kernel : {0, 33, 69}) {
      for (const int64_t lag : {int64_t{0}, length / 2, length - 1}) {
        const double expected = tap(p, kernel, lag);
        CHECK(std::abs(blocked[kernel][lag].item<double>() - expected) < 1e-12 * largest);
      }
    }
  }
}

TEST_CASE("A step size for every mode is allowed") {
  const Parameters p = random_parameters(3, 4);
  const at::Tensor each = p.dt.unsqueeze(1).expand({3, 4});
  const auto shared = kernels::zero_order_hold(p.c, p.a, p.dt);
  const auto own = kernels::zero_order_hold(p.c, p.a, each);
  CHECK(at::abs(shared.residues - own.residues).max().item<double>() == 0);
  CHECK(at::abs(shared.log_poles - own.log_poles).max().item<double>() == 0);
}

TEST_CASE("Float32 kernels stay float32") {
  const Parameters p = random_parameters(2, 4);
  const auto modal = kernels::zero_order_hold(p.c.to(at::kComplexFloat), p.a.to(at::kComplexFloat),
                                              p.dt.to(at::kFloat));
  const at::Tensor taps = kernels::state_kernels(modal, 16);
  CHECK((taps.scalar_type() == at::kFloat));
  for (int64_t lag = 0; lag < 16; ++lag)
    CHECK(taps[1][lag].item<double>() == doctest::Approx(tap(p, 1, lag)).epsilon(1e-4));
}

/// sum(weights K) with K from the definition.
double loss(const at::Tensor& weights, const kernels::ModalKernels& modal) {
  return (weights * kernels::state_kernels_reference(modal, weights.size(1))).sum().item<double>();
}

TEST_CASE("Gradients of the taps equal central differences, both ways") {
  const Parameters p = random_parameters(66, 3);  // more kernels than are taken at once
  kernels::ModalKernels modal = kernels::zero_order_hold(p.c, p.a, p.dt);
  for (const int64_t length : {1, 64, 150}) {
    CAPTURE(length);
    const at::Tensor weights = at::randn({66, length}, at::kDouble);
    const auto blocked = kernels::state_kernels_backward_blocked(weights, modal);
    const auto reference = kernels::state_kernels_backward_reference(weights, modal);
    const auto check = [&](at::Tensor& x, const at::Tensor& found, const at::Tensor& expected) {
      const double largest = at::abs(expected).max().item<double>();
      CHECK(at::abs(found - expected).max().item<double>() <= 1e-12 * largest);
      at::Tensor parts = at::view_as_real(x);
      const at::Tensor gradients = at::view_as_real(found);
      for (const int64_t kernel : {0, 65}) {
        for (int64_t part = 0; part < 2; ++part) {
          at::Tensor value = parts[kernel][1][part];
          const double old = value.item<double>(), step = 1e-6;
          value.fill_(old + step);
          const double after = loss(weights, modal);
          value.fill_(old - step);
          const double before = loss(weights, modal);
          value.fill_(old);
          CHECK(gradients[kernel][1][part].item<double>() ==
                doctest::Approx((after - before) / (2 * step)).epsilon(1e-6).scale(largest + 1));
        }
      }
    };
    check(modal.residues, blocked.residues, reference.residues);
    check(modal.log_poles, blocked.log_poles, reference.log_poles);
  }
}

}  // namespace

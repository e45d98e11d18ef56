#include "ssmi/kernels/state_kernel.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log.h>
#include <ATen/ops/real.h>
#include <ATen/ops/view_as_complex.h>

#include <algorithm>
#include <complex>
#include <span>
#include <vector>

namespace ssmi::kernels {
namespace {

using Complex = std::complex<double>;

constexpr int64_t kBlock = 64;   // taps of a block
constexpr int64_t kAtOnce = 64;  // kernels whose tables are in memory at once

/// powers[j] = exp(j step log_pole) for j < powers.size(), by doubling: each is a product of at
/// most log2(size) exponentials whose angles, multiples by powers of two, are exact.
void fill_powers(Complex log_pole, double step, std::span<Complex> powers) {
  powers[0] = 1;
  for (size_t done = 1; done < powers.size(); done *= 2) {
    const Complex factor = std::exp(log_pole * (step * static_cast<double>(done)));
    for (size_t j = 0; j < std::min(done, powers.size() - done); ++j)
      powers[done + j] = powers[j] * factor;
  }
}

/// What a kernel's taps are the product of, with l = 64 q + r:
/// K[l] = sum_n Re(residues[n] z[n]^(64 q)) Re(z[n]^r) - Im(..) Im(..).
struct Tables {
  Tables(int64_t kernels, int64_t blocks, int64_t modes)
      : starts(at::empty({kernels, blocks, 2 * modes}, at::kDouble)),
        within(at::empty({kernels, 2 * modes, kBlock}, at::kDouble)) {}
  at::Tensor starts;  // [kernels, blocks, 2N]
  at::Tensor within;  // [kernels, 2N, 64]
};

void fill_tables(const Complex* residues, const Complex* log_poles, int64_t blocks, int64_t modes,
                 double* starts, double* within) {
  std::vector<Complex> powers(static_cast<size_t>(std::max(blocks, kBlock)));
  const auto fill = [&](int64_t mode, double step, int64_t count) {
    fill_powers(log_poles[mode], step, std::span(powers).first(static_cast<size_t>(count)));
  };
  for (int64_t mode = 0; mode < modes; ++mode) {
    fill(mode, 1, kBlock);
    for (int64_t r = 0; r < kBlock; ++r) {
      within[2 * mode * kBlock + r] = powers[static_cast<size_t>(r)].real();
      within[(2 * mode + 1) * kBlock + r] = -powers[static_cast<size_t>(r)].imag();
    }
    fill(mode, static_cast<double>(kBlock), blocks);
    for (int64_t q = 0; q < blocks; ++q) {
      const Complex start = residues[mode] * powers[static_cast<size_t>(q)];
      starts[2 * (q * modes + mode)] = start.real();
      starts[2 * (q * modes + mode) + 1] = start.imag();
    }
  }
}

bool is_blockable(const ModalKernels& kernels) {
  return kernels.residues.is_cpu() && kernels.residues.scalar_type() == at::kComplexDouble;
}

/// Calls visit(first kernel, tables) for a few kernels at a time. Without residues they are 1.
template <typename Visit>
void visit_tables(const Complex* residues, const at::Tensor& log_poles, int64_t length,
                  Visit visit) {
  const int64_t count = log_poles.size(0), modes = log_poles.size(1);
  const int64_t blocks = (length + kBlock - 1) / kBlock;
  const auto* log_pole = reinterpret_cast<const Complex*>(log_poles.const_data_ptr());
  const std::vector<Complex> ones(residues == nullptr ? static_cast<size_t>(modes) : 0, 1);
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const int64_t here = std::min(kAtOnce, count - first);
    const Tables tables(here, blocks, modes);
    auto* starts = tables.starts.mutable_data_ptr<double>();
    auto* within = tables.within.mutable_data_ptr<double>();
    at::parallel_for(0, here, 1, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g) {
        const Complex* own = ones.empty() ? residues + (first + g) * modes : ones.data();
        fill_tables(own, log_pole + (first + g) * modes, blocks, modes,
                    starts + g * blocks * 2 * modes, within + g * 2 * modes * kBlock);
      }
    });
    visit(first, tables);
  }
}

/// [G] or [G, N] as something that goes with [G, N].
at::Tensor each_mode(const at::Tensor& dt) {
  return dt.dim() == 1 ? dt.unsqueeze(1) : dt;
}

}  // namespace

ModalKernels zero_order_hold(const at::Tensor& c, const at::Tensor& a, const at::Tensor& dt) {
  const at::Tensor log_poles = a * each_mode(dt);
  return {c * (at::exp(log_poles) - 1) / a, log_poles};
}

ModalKernels bilinear(const at::Tensor& c, const at::Tensor& a, const at::Tensor& dt) {
  const at::Tensor half = a * each_mode(dt) / 2;
  return {c * each_mode(dt) / (1 - half), at::log((1 + half) / (1 - half))};
}

at::Tensor state_kernels(const ModalKernels& kernels, int64_t length) {
  return is_blockable(kernels) ? state_kernels_blocked(kernels, length)
                               : state_kernels_reference(kernels, length);
}

ModalKernels state_kernels_backward(const at::Tensor& gradient, const ModalKernels& kernels) {
  return is_blockable(kernels) ? state_kernels_backward_blocked(gradient, kernels)
                               : state_kernels_backward_reference(gradient, kernels);
}

at::Tensor state_kernels_reference(const ModalKernels& kernels, int64_t length) {
  const at::Tensor lags = at::arange(length, at::real(kernels.log_poles).options());
  const at::Tensor powers = at::exp(kernels.log_poles.unsqueeze(-1) * lags);  // [G, N, L]
  return at::real(at::einsum("gn,gnl->gl", {kernels.residues, powers})).contiguous();
}

at::Tensor state_kernels_blocked(const ModalKernels& kernels, int64_t length) {
  const at::Tensor residues = kernels.residues.contiguous();
  const at::Tensor log_poles = kernels.log_poles.contiguous();
  at::Tensor taps = at::empty({residues.size(0), length}, at::kDouble);
  const auto* residue = reinterpret_cast<const Complex*>(residues.const_data_ptr());
  visit_tables(residue, log_poles, length, [&](int64_t first, const Tables& tables) {
    const at::Tensor product = at::bmm(tables.starts, tables.within);  // [here, blocks, 64]
    taps.narrow(0, first, product.size(0)).copy_(product.flatten(1).narrow(1, 0, length));
  });
  return taps;
}

ModalKernels state_kernels_backward_reference(const at::Tensor& gradient,
                                              const ModalKernels& kernels) {
  const at::Tensor lags = at::arange(gradient.size(1), gradient.options());
  const at::Tensor powers = at::exp(kernels.log_poles.unsqueeze(-1) * lags).conj();  // [G, N, L]
  const auto summed = [&](const at::Tensor& weights) {
    return (powers * weights.unsqueeze(1)).sum(-1);
  };
  return {summed(gradient), kernels.residues.conj() * summed(gradient * lags)};
}

ModalKernels state_kernels_backward_blocked(const at::Tensor& gradient,
                                            const ModalKernels& kernels) {
  const int64_t count = gradient.size(0), length = gradient.size(1);
  const int64_t blocks = (length + kBlock - 1) / kBlock;
  const at::Tensor log_poles = kernels.log_poles.contiguous();
  const at::Tensor padded = at::constant_pad_nd(gradient, {0, blocks * kBlock - length});
  const at::Tensor blocked = padded.reshape({count, blocks, kBlock});
  const at::Tensor lags = at::arange(kBlock, gradient.options());
  const at::Tensor first_lags = kBlock * at::arange(blocks, gradient.options()).unsqueeze(1);
  ModalKernels sums{at::empty_like(log_poles), at::empty_like(log_poles)};
  visit_tables(nullptr, log_poles, length, [&](int64_t first, const Tables& tables) {
    const int64_t here = tables.starts.size(0);
    const at::Tensor own = blocked.narrow(0, first, here), powers = tables.within.transpose(1, 2);
    const auto as_complex = [&](const at::Tensor& x) {
      return at::view_as_complex(x.contiguous().unflatten(2, {-1, 2}));  // [here, blocks, N]
    };
    const at::Tensor starts = as_complex(tables.starts).conj();
    const at::Tensor plain = as_complex(at::bmm(own, powers));  // sums over a block of conj(z^r)
    const at::Tensor weighted = as_complex(at::bmm(own * lags, powers));
    sums.residues.narrow(0, first, here).copy_((starts * plain).sum(1));
    sums.log_poles.narrow(0, first, here).copy_((starts * (first_lags * plain + weighted)).sum(1));
  });
  return {sums.residues, kernels.residues.conj() * sums.log_poles};
}

}  // namespace ssmi::kernels

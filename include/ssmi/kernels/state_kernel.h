#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ssmi::kernels {

/// G convolution kernels of N modes each, what every diagonal linear state-space layer with fixed
/// parameters comes to, whatever its parameterisation:
/// K[g, l] = Re sum_n residues[g, n] exp(l log_poles[g, n]), l = 0, 1, ... in tokens.
struct ModalKernels {
  at::Tensor residues;   ///< [G, N] complex
  at::Tensor log_poles;  ///< [G, N] complex; the real part is the decay a token, the imaginary part
                         ///< the angle in radians a token (beyond pi: the frequency is folded)
};

/// Zero-order hold (Gu et al. 2022, "On the Parameterization and Initialization of Diagonal State
/// Space Models", section 3.2): residues c (exp(dt a) - 1) / a, log poles dt a.
/// c, a: [G, N] complex, with the input map folded into c and, where conjugate pairs are stored by
/// halves, the factor 2; dt: [G] or [G, N] real, in tokens.
ModalKernels zero_order_hold(const at::Tensor& c, const at::Tensor& a, const at::Tensor& dt);

/// The first `length` taps: [G, length] real, in the precision of `kernels`.
at::Tensor state_kernels(const ModalKernels& kernels, int64_t length);

}  // namespace ssmi::kernels

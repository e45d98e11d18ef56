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

/// The bilinear transform (Tustin's): poles (1 + dt a / 2) / (1 - dt a / 2), residues
/// c dt / (1 - dt a / 2). Shapes as in zero_order_hold().
ModalKernels bilinear(const at::Tensor& c, const at::Tensor& a, const at::Tensor& dt);

/// The first `length` taps: [G, length] real, in the precision of `kernels`. Float64 on a CPU takes
/// the blocked kernel, whatever else the reference.
at::Tensor state_kernels(const ModalKernels& kernels, int64_t length);

/// The same as the published code does it, exp(l log_pole) at every lag; any device. Takes
/// 16 G N length bytes.
at::Tensor state_kernels_reference(const ModalKernels& kernels, int64_t length);

/// Float64 on a CPU: with l = 64 q + r the taps are a product of two small real matrices a kernel,
/// [length / 64, 2N] and [2N, 64], so that exponentials are few and the rest is matrix products.
at::Tensor state_kernels_blocked(const ModalKernels& kernels, int64_t length);

/// The gradients of a real loss by residues and log poles (by the real part plus i times that by
/// the imaginary one), from that by the taps, `gradient` [G, L] real, in the precision of
/// `kernels`: sum_l gradient[l] conj(z^l) and conj(residue) sum_l gradient[l] l conj(z^l), z =
/// exp(log pole). Float64 on a CPU takes the blocked kernel, whatever else the reference.
ModalKernels state_kernels_backward(const at::Tensor& gradient, const ModalKernels& kernels);
ModalKernels state_kernels_backward_reference(const at::Tensor& gradient,
                                              const ModalKernels& kernels);
ModalKernels state_kernels_backward_blocked(const at::Tensor& gradient,
                                            const ModalKernels& kernels);

}  // namespace ssmi::kernels

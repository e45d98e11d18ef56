#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "ssmi/kernels/long_convolution.h"
#include "ssmi/kernels/rms_norm.h"
#include "ssmi/kernels/selective_scan.h"
#include "ssmi/kernels/short_convolution.h"
#include "ssmi/kernels/ssd.h"
#include "ssmi/kernels/state_kernel.h"

/// Kernels as autograd sees them: where gradients are wanted each records its backward function,
/// otherwise it is the kernel itself. Nothing is written in place where gradients are wanted: `out`
/// is passed over.
namespace ssmi::model::differentiable {

/// Whether operators on these tensors, which may be undefined, are recorded.
bool is_recorded(std::initializer_list<at::Tensor> inputs);

at::Tensor state_kernels(const kernels::ModalKernels& modes, int64_t length);
at::Tensor long_convolution(const at::Tensor& u, const at::Tensor& taps,
                            const std::vector<int64_t>& offsets, kernels::Direction direction);
at::Tensor short_convolution(const kernels::ShortConvolution& convolution,
                             const std::vector<int64_t>& offsets);
at::Tensor selective_scan(const kernels::SelectiveScan& scan, const std::vector<int64_t>& offsets,
                          kernels::Direction direction);
/// In plain operators where it is recorded.
at::Tensor rms_norm(kernels::RmsNorm norm);
/// By selective scans, one a group, where it is recorded.
at::Tensor ssd(const kernels::StateSpaceDual& input, const std::vector<int64_t>& offsets);

}  // namespace ssmi::model::differentiable

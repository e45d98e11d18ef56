#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "architectures.h"
#include "ssmi/kernels/selective_scan.h"
#include "ssmi/kernels/state_kernel.h"
#include "ssmi/model/parameter.h"

namespace ssmi::model {

/// Which of their two parameterisations the authors of S4D published a layer in.
enum class S4dNames {
  kMinimal,  ///< s4d.py: log_dt, C, log_A_real, A_imag
  kLibrary,  ///< SSMKernelDiag: inv_dt, A_real, A_imag, B, C
};

/// How a stored parameter becomes a positive one.
enum class S4dTransform { kNone, kExp, kSoftplus, kSigmoid, kRelu };

struct S4dKernelConfig {
  int64_t width, modes;  ///< channels H, stored modes N / 2
  S4dNames names = S4dNames::kMinimal;
  // Of the library alone:
  int64_t copies = 0;  ///< n_ssm, of A and B: each serves width / copies channels
  bool tied_step = true;
  bool bilinear = false;
  int64_t directions = 1;  ///< 2: a second set of C for the reversed row
  double bandlimit = 0;    ///< 0: none
  S4dTransform step = S4dTransform::kExp, real = S4dTransform::kExp,
               imaginary = S4dTransform::kNone;
};

/// Reads the keys of docs/models.md; the names are what the config says, or else what is stored.
S4dKernelConfig read_s4d_kernel(const JsonObject& config, const Stored& stored);

/// The parameters of one layer's kernels, one a channel.
class S4dKernel {
 public:
  void visit(const S4dKernelConfig& config, const std::string& prefix,
             const ParameterVisitor& visitor);
  /// [H, N / 2], computed in `type` (kFloat or kDouble); of the reversed row for kBackward.
  kernels::ModalKernels modes(const S4dKernelConfig& config, at::ScalarType type,
                              kernels::Direction direction = kernels::Direction::kForward) const;

 private:
  at::Tensor step_;              // [H], [H, 1] or [H, N / 2]
  at::Tensor real_, imaginary_;  // [H, N / 2] or [copies, N / 2]
  at::Tensor b_, c_;  // [1, copies, N / 2, 2]; [H, N / 2, 2] or [directions, H, N / 2, 2]
};

}  // namespace ssmi::model

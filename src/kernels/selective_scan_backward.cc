#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros_like.h>

#include "selective_scan_fused.h"

namespace ssmi::kernels {
namespace {

/// One row's share of the gradients, with d the gradient by the sums over states: g_t = c_t d_t +
/// exp(delta_{t+1} a) g_{t+1} is that by h_t, of which all others are made.
class RowBackward {
 public:
  RowBackward(const SelectiveScan& scan, const at::Tensor& steps, const at::Tensor& change)
      : scan_(scan), steps_(steps), change_(change) {}

  /// Tokens begin, begin + step, ..; adds to `result`, whose delta is that by the step sizes, and
  /// puts the sums over states into `sums`.
  void run(int64_t begin, int64_t step, int64_t count, SelectiveScanGradients& result,
           at::Tensor& sums) const {
    at::Tensor state = at::zeros_like(scan_.a);
    at::Tensor states = at::empty({count, state.size(0), state.size(1)}, state.options());
    for (int64_t i = 0; i < count; ++i) {
      const int64_t t = begin + i * step;
      state = decay(t) * state + (steps_[t] * scan_.u[t]).unsqueeze(1) * scan_.b[t];
      states[i].copy_(state);
      sums[t].copy_(at::matmul(state, scan_.c[t]));
      result.c[t].copy_(at::matmul(change_[t], state));
    }
    at::Tensor carried = at::zeros_like(state);
    for (int64_t i = count - 1; i >= 0; --i) {
      const int64_t t = begin + i * step;
      const at::Tensor by_state = change_[t].unsqueeze(1) * scan_.c[t] + carried;
      carried = by_state * decay(t);
      const at::Tensor kept = i == 0 ? carried * 0 : carried * states[i - 1];
      const at::Tensor fed = at::matmul(by_state, scan_.b[t]);  // [E]
      result.a += kept * steps_[t].unsqueeze(1);
      result.b[t].copy_(at::matmul(steps_[t] * scan_.u[t], by_state));
      result.delta[t].copy_((kept * scan_.a).sum(1) + fed * scan_.u[t]);
      result.u[t].copy_(fed * steps_[t]);
    }
  }

 private:
  at::Tensor decay(int64_t t) const { return at::exp(steps_[t].unsqueeze(1) * scan_.a); }

  const SelectiveScan& scan_;
  const at::Tensor& steps_;
  const at::Tensor& change_;
};

}  // namespace

SelectiveScanGradients selective_scan_backward(const at::Tensor& gradient,
                                               const SelectiveScan& scan,
                                               std::span<const int64_t> offsets,
                                               Direction direction) {
  return is_fusable(scan.u) && decays(scan)
             ? selective_scan_backward_fused(gradient, scan, offsets, direction)
             : selective_scan_backward_reference(gradient, scan, offsets, direction);
}

SelectiveScanGradients selective_scan_backward_reference(const at::Tensor& gradient,
                                                         const SelectiveScan& scan,
                                                         std::span<const int64_t> offsets,
                                                         Direction direction) {
  const at::Tensor steps = scan.softplus ? at::softplus(scan.delta) + scan.step_floor : scan.delta;
  const at::Tensor change = scan.gate.defined() ? gradient * at::silu(scan.gate) : gradient;
  const auto like = [](const at::Tensor& x) { return at::empty(x.sizes(), x.options()); };
  SelectiveScanGradients result{.u = like(scan.u),
                                .delta = like(scan.delta),
                                .a = at::zeros_like(scan.a),
                                .b = like(scan.b),
                                .c = like(scan.c),
                                .skip = {},
                                .onto = scan.onto.defined() ? change : at::Tensor(),
                                .gate = {}};
  at::Tensor sums = like(scan.u);
  const RowBackward row_backward(scan, steps, change);
  for (size_t row = 0; row + 1 < offsets.size(); ++row) {
    const bool forward = direction == Direction::kForward;
    row_backward.run(forward ? offsets[row] : offsets[row + 1] - 1, forward ? 1 : -1,
                     offsets[row + 1] - offsets[row], result, sums);
  }
  if (scan.skip.defined()) {
    result.skip = (change * scan.u).sum(0);
    result.u += change * scan.skip;
    sums += scan.skip * scan.u;
  }
  if (scan.onto.defined()) sums += scan.onto;
  if (scan.gate.defined()) result.gate = at::silu_backward(gradient * sums, scan.gate);
  if (scan.softplus) result.delta *= at::sigmoid(scan.delta);
  return result;
}

}  // namespace ssmi::kernels

#include "differentiable.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

namespace ssmi::model::differentiable {
namespace {

using kernels::Direction;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Maybe = std::optional<at::Tensor>;

Maybe maybe(const at::Tensor& x) {
  return x.defined() ? Maybe(x) : std::nullopt;
}

at::Tensor or_undefined(const Maybe& x) {
  return x.value_or(at::Tensor());
}

struct StateKernelsFunction : Function<StateKernelsFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& residues,
                            const at::Tensor& log_poles, int64_t length) {
    context->save_for_backward({residues, log_poles});
    return kernels::state_kernels({residues, log_poles}, length);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto found = kernels::state_kernels_backward(gradients[0], {saved[0], saved[1]});
    return {found.residues, found.log_poles, {}};
  }
};

/// The rows of a batch and the way through them, as a node keeps them.
struct Rows {
  std::vector<int64_t> offsets;
  Direction direction;

  void save(AutogradContext* context) const {
    context->saved_data["offsets"] = offsets;
    context->saved_data["backward"] = direction == Direction::kBackward;
  }
  static Rows of(AutogradContext* context) {
    const bool backward = context->saved_data["backward"].toBool();
    return {context->saved_data["offsets"].toIntVector(),
            backward ? Direction::kBackward : Direction::kForward};
  }
};

struct LongConvolutionFunction : Function<LongConvolutionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& u, const at::Tensor& taps,
                            const Rows& rows) {
    context->save_for_backward({u, taps});
    rows.save(context);
    return kernels::long_convolution(u, taps, rows.offsets, rows.direction);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Rows rows = Rows::of(context);
    const auto found = kernels::long_convolution_backward(gradients[0], saved[0], saved[1],
                                                          rows.offsets, rows.direction);
    return {found.u, found.kernels, {}};
  }
};

struct ShortConvolutionFunction : Function<ShortConvolutionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const Maybe& bias, const std::vector<int64_t>& offsets, int64_t left,
                            bool silu) {
    context->save_for_backward({x, weight, or_undefined(bias)});
    context->saved_data["offsets"] = offsets;
    context->saved_data["left"] = left;
    context->saved_data["silu"] = silu;
    return kernels::short_convolution({x, weight, or_undefined(bias), left, silu}, offsets);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& data = context->saved_data;
    const auto found = kernels::short_convolution_backward(
        gradients[0],
        {saved[0], saved[1], saved[2], data.at("left").toInt(), data.at("silu").toBool()},
        data.at("offsets").toIntVector());
    return {found.x, found.weight, found.bias, {}, {}, {}};
  }
};

struct SelectiveScanFunction : Function<SelectiveScanFunction> {
  // NOLINTNEXTLINE(readability-function-size): autograd sees the tensors among the arguments alone
  static at::Tensor forward(AutogradContext* context, const at::Tensor& u, const at::Tensor& delta,
                            const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                            const Maybe& skip, const Maybe& onto, const Maybe& gate, bool softplus,
                            double step_floor, const Rows& rows) {
    const kernels::SelectiveScan scan{.u = u,
                                      .delta = delta,
                                      .a = a,
                                      .b = b,
                                      .c = c,
                                      .softplus = softplus,
                                      .step_floor = step_floor,
                                      .skip = or_undefined(skip),
                                      .onto = or_undefined(onto),
                                      .gate = or_undefined(gate)};
    context->save_for_backward({u, delta, a, b, c, scan.skip, scan.onto, scan.gate});
    context->saved_data["softplus"] = softplus;
    context->saved_data["step_floor"] = step_floor;
    rows.save(context);
    return kernels::selective_scan(scan, rows.offsets, rows.direction);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Rows rows = Rows::of(context);
    const kernels::SelectiveScan scan{.u = saved[0],
                                      .delta = saved[1],
                                      .a = saved[2],
                                      .b = saved[3],
                                      .c = saved[4],
                                      .softplus = context->saved_data["softplus"].toBool(),
                                      .step_floor = context->saved_data["step_floor"].toDouble(),
                                      .skip = saved[5],
                                      .onto = saved[6],
                                      .gate = saved[7]};
    const auto found =
        kernels::selective_scan_backward(gradients[0], scan, rows.offsets, rows.direction);
    return {found.u,    found.delta, found.a,      found.b, found.c, found.skip,
            found.onto, found.gate,  at::Tensor(), {},      {}};
  }
};

}  // namespace

bool is_recorded(std::initializer_list<at::Tensor> inputs) {
  return at::GradMode::is_enabled() && std::ranges::any_of(inputs, [](const at::Tensor& x) {
           return x.defined() && x.requires_grad();
         });
}

at::Tensor state_kernels(const kernels::ModalKernels& modes, int64_t length) {
  if (!is_recorded({modes.residues, modes.log_poles})) return kernels::state_kernels(modes, length);
  return StateKernelsFunction::apply(modes.residues, modes.log_poles, length);
}

at::Tensor long_convolution(const at::Tensor& u, const at::Tensor& taps,
                            const std::vector<int64_t>& offsets, Direction direction) {
  if (!is_recorded({u, taps})) return kernels::long_convolution(u, taps, offsets, direction);
  return LongConvolutionFunction::apply(u, taps, Rows{offsets, direction});
}

at::Tensor short_convolution(const kernels::ShortConvolution& convolution,
                             const std::vector<int64_t>& offsets) {
  const auto& [x, weight, bias, left, silu, out] = convolution;
  if (!is_recorded({x, weight, bias})) return kernels::short_convolution(convolution, offsets);
  return ShortConvolutionFunction::apply(x, weight, maybe(bias), offsets, left, silu);
}

at::Tensor selective_scan(const kernels::SelectiveScan& scan, const std::vector<int64_t>& offsets,
                          Direction direction) {
  if (!is_recorded({scan.u, scan.delta, scan.a, scan.b, scan.c, scan.skip, scan.onto, scan.gate}))
    return kernels::selective_scan(scan, offsets, direction);
  return SelectiveScanFunction::apply(scan.u, scan.delta, scan.a, scan.b, scan.c, maybe(scan.skip),
                                      maybe(scan.onto), maybe(scan.gate), scan.softplus,
                                      scan.step_floor, Rows{offsets, direction});
}

at::Tensor rms_norm(kernels::RmsNorm norm) {
  if (!is_recorded({norm.x, norm.weight, norm.gate})) return kernels::rms_norm(norm);
  norm.out.reset();
  return kernels::rms_norm_reference(norm);
}

at::Tensor ssd(const kernels::StateSpaceDual& input, const std::vector<int64_t>& offsets) {
  const auto& [x, delta, a, b, c, skip, groups] = input;
  if (!is_recorded({x, delta, a, b, c, skip})) return kernels::ssd(input, offsets);
  const int64_t width = x.size(1) / a.size(0);
  const at::Tensor steps = delta.repeat_interleave(width, 1);  // [S, H P]
  const at::Tensor decays =
      a.repeat_interleave(width).unsqueeze(1).expand({x.size(1), b.size(1) / groups});  // [H P, N]
  const at::Tensor skips = skip.repeat_interleave(width);
  std::vector<at::Tensor> parts;
  for (int64_t group = 0; group < groups; ++group) {
    const auto own = [&](const at::Tensor& of, int64_t dimension) {
      const int64_t share = of.size(dimension) / input.groups;
      return of.narrow(dimension, group * share, share);
    };
    parts.push_back(selective_scan({.u = own(x, 1),
                                    .delta = own(steps, 1),
                                    .a = own(decays, 0),
                                    .b = own(b, 1),
                                    .c = own(c, 1),
                                    .skip = own(skips, 0)},
                                   offsets, Direction::kForward));
  }
  return at::cat(parts, 1);
}

}  // namespace ssmi::model::differentiable

#pragma once

#include <ATen/ops/linear.h>

#include <string>
#include <utility>

#include "ssmi/model/parameter.h"

namespace ssmi::model {

/// A weight and a bias: a linear layer, a norm or a convolution.
struct Affine {
  at::Tensor weight, bias;
  /// As a linear layer.
  at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }
};

/// Shows a linear layer, its bias initialised to 0.
inline void visit_linear(const ParameterVisitor& visitor, const std::string& name, int64_t out,
                         int64_t in, Initialiser weight, Affine& to) {
  visitor({name + ".weight", {out, in}, std::move(weight)}, to.weight);
  visitor({name + ".bias", {out}, constant(0)}, to.bias);
}

/// Shows a norm's gain and offset, initialised to 1 and 0.
inline void visit_norm(const ParameterVisitor& visitor, const std::string& name, int64_t width,
                       Affine& to) {
  visitor({name + ".weight", {width}, constant(1)}, to.weight);
  visitor({name + ".bias", {width}, constant(0)}, to.bias);
}

}  // namespace ssmi::model

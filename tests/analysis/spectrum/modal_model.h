#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <complex>
#include <vector>

#include "ssmi/model/model.h"

namespace ssmi::spectrum_test {

using Complex = std::complex<double>;

/// K[l] = Re sum residue exp(l log_pole).
struct Mode {
  Complex residue, log_pole;
};

/// A model of one forward kernel a layer, given by its modes.
class ModalModel : public model::Model {
 public:
  explicit ModalModel(std::vector<std::vector<Mode>> layers) : layers_(std::move(layers)) {}

  model::ModelInfo info() const override {
    return {"modal", static_cast<int64_t>(layers_.size()), 8, 1, {}, ""};
  }
  void visit(const model::ParameterVisitor&) override {}
  void forward(const model::Batch&, const model::Tap&) const override {}

  std::vector<model::StateKernels> state_kernels(at::ScalarType) const override {
    std::vector<model::StateKernels> kernels;
    for (const auto& modes : layers_) {
      const auto count = static_cast<int64_t>(modes.size());
      at::Tensor residues = at::empty({1, count}, at::kComplexDouble);
      at::Tensor log_poles = at::empty({1, count}, at::kComplexDouble);
      for (size_t n = 0; n < modes.size(); ++n) {
        static_cast<Complex*>(residues.data_ptr())[n] = modes[n].residue;
        static_cast<Complex*>(log_poles.data_ptr())[n] = modes[n].log_pole;
      }
      kernels.push_back({static_cast<int64_t>(kernels.size()) + 1,
                         kernels::Direction::kForward,
                         {residues, log_poles},
                         at::zeros({1}, at::kDouble)});
    }
    return kernels;
  }

 private:
  std::vector<std::vector<Mode>> layers_;
};

}  // namespace ssmi::spectrum_test

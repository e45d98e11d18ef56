#include "s4d_library.h"

#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "s4d_kernel.h"
#include "ssmi/core/error.h"

namespace ssmi::model {
namespace {

using kernels::Direction;

constexpr int64_t kMaxLayers = 1024;
constexpr std::string_view kStep = "kernel.inv_dt";

/// Names with their numbers padded, so that layer 10 comes after layer 9.
std::string sort_key(const std::string& name) {
  constexpr size_t kDigits = 12;
  std::string key, number;
  for (const char c : name + '.') {
    if (c >= '0' && c <= '9') {
      number += c;
      continue;
    }
    if (!number.empty() && number.size() < kDigits) key.append(kDigits - number.size(), '0');
    key += std::exchange(number, {}) + c;
  }
  return key;
}

/// What stands before "kernel." in each layer's names.
std::vector<std::string> places(const JsonObject& config, const Stored& stored) {
  const auto layers = static_cast<size_t>(config.integer("num_hidden_layers", 1, kMaxLayers));
  std::vector<std::string> found = stored.prefixes(kStep);
  if (!stored.known()) {
    for (size_t i = 0; i < layers; ++i)
      found.push_back(fmt::format("model.layers.{}.layer.layer.", i));
  }
  if (found.size() != layers) {
    bad_input("{}: 'num_hidden_layers' is {}, but {} tensors are named '{}'", config.where(),
              layers, found.size(), kStep);
  }
  std::ranges::sort(found, {}, sort_key);
  return found;
}

struct Layer {
  std::string place;
  S4dKernel kernel;
  at::Tensor skip;  // [1, H]
};

class S4dLibrary : public Model {
 public:
  S4dLibrary(const S4dKernelConfig& config, const std::vector<std::string>& places)
      : config_(config) {
    for (const std::string& place : places)
      layers_.push_back({place, {}, {}});
  }

  ModelInfo info() const override {
    constexpr int64_t kAnyId = INT64_MAX;  // no pass reads ids
    return {"s4d", static_cast<int64_t>(layers_.size()), config_.width, kAnyId, {}, ""};
  }
  void visit(const ParameterVisitor& visitor) override;
  bool ignores(const std::string& /*name*/) const override { return true; }
  std::vector<std::string> notes() const override {
    return {"only the state kernels are read: a network of the S4 library cannot be run"};
  }
  void forward(const Batch& /*batch*/, const Tap& /*tap*/) const override {
    fail(ExitCode::kMismatch,
         "a network of the S4 library cannot be run, only its state kernels can be analysed: "
         "ssmi spectrum");
  }
  std::vector<StateKernels> state_kernels(at::ScalarType type) const override;

 private:
  S4dKernelConfig config_;
  std::vector<Layer> layers_;
};

void S4dLibrary::visit(const ParameterVisitor& visitor) {
  for (Layer& layer : layers_) {
    visitor({layer.place + "D", {1, config_.width}, normal(1), true}, layer.skip);
    layer.kernel.visit(config_, layer.place + "kernel.", visitor);
  }
}

std::vector<StateKernels> S4dLibrary::state_kernels(at::ScalarType type) const {
  std::vector<StateKernels> all;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto number = static_cast<int64_t>(i) + 1;
    const auto modes = [&](Direction direction) {
      return layers_[i].kernel.modes(config_, type, direction);
    };
    const at::Tensor skip = layers_[i].skip.squeeze(0).to(type);
    all.push_back({number, Direction::kForward, modes(Direction::kForward), skip});
    if (config_.directions == 1) continue;
    // The skip term belongs to both; it is counted with the first.
    all.push_back(
        {number, Direction::kBackward, modes(Direction::kBackward), at::zeros_like(skip)});
  }
  return all;
}

}  // namespace

std::unique_ptr<Model> make_s4d_library(const JsonObject& config, const Stored& stored) {
  const S4dKernelConfig kernel = read_s4d_kernel(config, stored);
  if (kernel.names != S4dNames::kLibrary) {
    bad_input("{}: a 'network' of the library needs 'kernel' diag", config.where());
  }
  return std::make_unique<S4dLibrary>(kernel, places(config, stored));
}

}  // namespace ssmi::model

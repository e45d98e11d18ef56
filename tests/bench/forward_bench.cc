// Runs a checkpoint's passes on demand and says how long each took: scripts/bench asks it and the
// transformers library in turn.
//   forward_bench CHECKPOINT THREADS
// Each line of stdin is {"work": WORK, "rows": [[id ..] ..]}; the answer is the seconds that it
// took. WORK is "body" (what the final norm gives), "states" (all hidden states) or "products" (the
// matrix products of the linear layers alone).

#include <ATen/Parallel.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <vector>

#include "ssmi/core/error.h"
#include "ssmi/core/json.h"
#include "ssmi/core/memory.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"

namespace {

using namespace ssmi;

using Rows = std::vector<std::vector<int64_t>>;

constexpr int64_t kBatchTokens = 8192;  // as ssmi embed

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  return spent.count();
}

/// The weights of the linear layers.
std::vector<at::Tensor> linear_weights(model::Model& model) {
  std::vector<at::Tensor> weights;
  model.visit([&](const model::Parameter& parameter, at::Tensor& tensor) {
    const bool table = parameter.name.find("embed") != std::string::npos;
    if (tensor.defined() && tensor.dim() == 2 && !table && !parameter.head &&
        !parameter.state_space) {
      weights.push_back(tensor);
    }
  });
  return weights;
}

double time_products(std::span<const at::Tensor> weights, int64_t tokens) {
  std::map<int64_t, at::Tensor> inputs;
  for (const at::Tensor& weight : weights)
    inputs.try_emplace(weight.size(1), at::randn({tokens, weight.size(1)}));
  return seconds_of([&] {
    for (const at::Tensor& weight : weights)
      at::linear(inputs.at(weight.size(1)), weight);
  });
}

double time_pass(const model::Model& model, const Rows& rows, const model::Points& points) {
  return seconds_of([&] {
    model::forward_rows(
        model, rows, points, kBatchTokens, [](size_t, model::Site, int64_t, const at::Tensor&) {},
        [](size_t) {});
  });
}

double answer(model::Model& model, const Json& request) {
  const auto rows = request.at("rows").get<Rows>();
  const auto work = request.at("work").get<std::string>();
  if (work == "products") {
    int64_t tokens = 0;
    for (const auto& row : rows)
      tokens += static_cast<int64_t>(row.size());
    return time_products(linear_weights(model), tokens);
  }
  if (work == "body") return time_pass(model, rows, {{model::Site::kFinalNorm, 0}});
  if (work != "states") bad_input("work: '{}' is not body, states or products", work);
  model::Points points;
  for (int64_t layer = 0; layer <= model.info().layers; ++layer)
    points.push_back(model::hidden_state(layer));
  return time_pass(model, rows, points);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  setenv("MKL_CBWR", "AUTO,STRICT", 0);  // both as ssmi
  keep_freed_memory();
  try {
    at::set_num_threads(std::atoi(argv[2]));
    const c10::InferenceMode no_gradients;
    const auto checkpoint = io::open_checkpoint(argv[1]);
    const auto loaded = model::load_model(checkpoint, model::is_of_body);
    for (std::string line; std::getline(std::cin, line);)
      std::cout << fmt::format("{}", answer(*loaded.model, parse_json(line, "stdin"))) << std::endl;
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
  return 0;
}

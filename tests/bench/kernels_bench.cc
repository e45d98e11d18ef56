// Times kernels against the least they could cost, and the pass of a model of mamba-130m's shape
// against its matrix products alone: both sides in turn in one process, a JSON line each.
//   kernels_bench [threads [kernels]]
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <vector>

#include "bench/exponentials.h"
#include "ssmi/core/json.h"
#include "ssmi/kernels/rms_norm.h"
#include "ssmi/kernels/selective_scan.h"
#include "ssmi/kernels/short_convolution.h"
#include "ssmi/kernels/ssd.h"
#include "ssmi/model/forward_rows.h"
#include "ssmi/model/model.h"

namespace ssmi::bench {
namespace {

using Work = std::function<void()>;

/// By the clock, and by the processor: what other programs take does not count in the second, which
/// means something for one thread alone.
struct Time {
  double wall, processor;
};

Time time_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t ticks = std::clock();
  work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), static_cast<double>(std::clock() - ticks) / CLOCKS_PER_SEC};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Runs both in turn and prints their medians and the medians of their ratios.
void compare(const std::string& name, int rounds, const Work& work, const Work& least) {
  std::map<std::string, std::vector<double>> values;
  work();
  least();
  for (int round = 0; round < rounds; ++round) {
    const Time time = time_of(work), other = time_of(least);
    values["seconds"].push_back(time.wall);
    values["least_seconds"].push_back(other.wall);
    values["ratio"].push_back(time.wall / other.wall);
    values["processor_ratio"].push_back(time.processor / std::max(other.processor, 1e-6));
  }
  Json line{{"name", name}, {"threads", at::get_num_threads()}};
  for (const auto& [key, list] : values)
    line[key] = median(list);
  std::cout << to_text(line) << std::endl;
}

void bench_scan(int64_t tokens) {
  constexpr int64_t kInner = 1536, kStates = 16, kRank = 48;
  const std::vector<int64_t> offsets{0, tokens};
  const at::Tensor projected = at::randn({tokens, 2 * kInner});
  const at::Tensor selected = at::randn({tokens, kRank + 2 * kStates});
  kernels::SelectiveScan scan{.u = at::randn({tokens, kInner}),
                              .delta = at::rand({tokens, kInner}) * 0.1,
                              .a = -at::exp(at::rand({kInner, kStates}) * 2.7),
                              .b = selected.slice(1, kRank, kRank + kStates),
                              .c = selected.slice(1, kRank + kStates),
                              .out = at::empty({tokens, kInner})};
  const Work exps = [&] { exponentials(scan.delta, scan.a); };
  const auto run = [&] {
    kernels::selective_scan_fused(scan, offsets, kernels::Direction::kForward);
  };
  compare(fmt::format("scan/{} over its exponentials", tokens), 31, run, exps);
  // What ATen takes for them, a cache's worth at a time so that memory costs it nothing.
  at::Tensor decays = at::empty({1, kInner, kStates});
  const Work library = [&] {
    for (int64_t t = 0; t < tokens; ++t)
      at::exp_out(decays, at::mul_out(decays, scan.delta[t].view({1, kInner, 1}), scan.a));
  };
  compare(fmt::format("scan/{} over ATen's exponentials", tokens), 31, run, library);
  kernels::SelectiveScan full = scan;
  full.softplus = true;
  full.skip = at::randn({kInner});
  full.gate = projected.slice(1, kInner);
  compare(
      fmt::format("scan with softplus, skip and gate/{} over its exponentials", tokens), 31,
      [&] { kernels::selective_scan_fused(full, offsets, kernels::Direction::kForward); }, exps);
}

void bench_others(int64_t tokens) {
  constexpr int64_t kInner = 1536, kHeads = 24, kStates = 128;
  const std::vector<int64_t> offsets{0, tokens};
  const at::Tensor all = at::randn({tokens, kInner + 2 * kStates});
  const kernels::StateSpaceDual dual{.x = all.slice(1, 0, kInner),
                                     .delta = at::rand({tokens, kHeads}) * 0.1,
                                     .a = -at::rand({kHeads}) * 16,
                                     .b = all.slice(1, kInner, kInner + kStates),
                                     .c = all.slice(1, kInner + kStates),
                                     .skip = at::rand({kHeads}),
                                     .groups = 1};
  const at::Tensor weight = at::randn({2 * kInner, 768}), x = at::randn({tokens, 768});
  const Work in_proj = [&] { at::linear(x, weight); };
  compare(
      fmt::format("ssd/{} over in_proj", tokens), 15, [&] { kernels::ssd_fused(dual, offsets); },
      in_proj);
  const kernels::ShortConvolution convolution{
      .x = at::randn({tokens, 2 * kInner}).slice(1, 0, kInner),
      .weight = at::randn({kInner, 1, 4}),
      .bias = at::randn({kInner}),
      .left = 3,
      .silu = true};
  compare(
      fmt::format("convolution/{} over in_proj", tokens), 15,
      [&] { kernels::short_convolution_fused(convolution, offsets); }, in_proj);
  const kernels::RmsNorm norm{.x = x, .weight = at::randn({768}), .epsilon = 1e-5};
  compare(
      fmt::format("norm/{} over in_proj", tokens), 15, [&] { kernels::rms_norm_fused(norm); },
      in_proj);
}

/// The inputs of a model's linear layers and their weights.
struct Products {
  std::map<int64_t, at::Tensor> inputs;  // by width
  std::vector<at::Tensor> weights;

  void run() const {
    for (const at::Tensor& weight : weights)
      at::linear(inputs.at(weight.size(1)), weight);
  }
};

Products products_of(model::Model& model, int64_t tokens) {
  Products products;
  model.visit([&](const model::Parameter& parameter, at::Tensor& tensor) {
    if (!parameter.name.ends_with("_proj.weight")) return;
    products.weights.push_back(tensor);
    products.inputs.try_emplace(tensor.size(1), at::randn({tokens, tensor.size(1)}));
  });
  return products;
}

void bench_model(const std::string& name, const Json& config) {
  const auto model = model::make_model(config, name);
  model::initialise(*model, 1, model::is_of_body);
  for (const int64_t tokens : {512, 1024}) {
    const model::Batch batch{
        at::randint(0, config.at("vocab_size").get<int64_t>(), {tokens}, at::kLong), {0, tokens}};
    const Products products = products_of(*model, tokens);
    const model::Points points{{model::Site::kFinalNorm, 0}};
    const model::Tap tap(points, [](model::Site, int64_t, at::Tensor&) {});
    compare(
        fmt::format("{}/{} over its matrix products", name, tokens), 7,
        [&] { model->forward(batch, tap); }, [&] { products.run(); });
  }
}

void run(bool models) {
  const c10::InferenceMode no_gradients;
  for (const int64_t tokens : {512, 1024}) {
    bench_scan(tokens);
    bench_others(tokens);
  }
  if (!models) return;
  const Json shape{{"hidden_size", 768}, {"num_hidden_layers", 24}, {"vocab_size", 50280}};
  Json mamba = shape, mamba2 = shape;
  mamba["model_type"] = "mamba";
  mamba2.update({{"model_type", "mamba2"}, {"num_heads", 24}, {"head_dim", 64}, {"n_groups", 1}});
  bench_model("mamba-130m", mamba);
  bench_model("mamba2-130m", mamba2);
}

}  // namespace
}  // namespace ssmi::bench

int main(int argc, char** argv) {
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  ssmi::bench::run(argc <= 2);
}

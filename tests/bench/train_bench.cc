// Times training steps and kernels with their gradients against the same in plain LibTorch
// operators: both sides in turn in one process, a JSON line each; or the memory that one side's
// steps take at their peak.
//   train_bench [threads [speed | ours | plain]]
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp_max.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/real.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iostream>
#include <map>
#include <vector>

#include "model/differentiable.h"
#include "ssmi/core/json.h"
#include "ssmi/model/model.h"

namespace ssmi::bench {
namespace {

using kernels::Direction;
using Work = std::function<void()>;

constexpr int64_t kRows = 8, kTokens = 256, kVocab = 4000, kWidth = 192, kLayers = 4;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Wall seconds, and the processor's, in which other programs do not count.
std::pair<double, double> time_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t ticks = std::clock();
  work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return {wall.count(), static_cast<double>(std::clock() - ticks) / CLOCKS_PER_SEC};
}

/// Runs both in turn and prints their medians and how many times faster the first is.
void compare(const std::string& name, int rounds, const Work& ours, const Work& plain) {
  ours();
  plain();
  std::map<std::string, std::vector<double>> values;
  for (int round = 0; round < rounds; ++round) {
    const auto [wall, processor] = time_of(ours);
    const auto [plain_wall, plain_processor] = time_of(plain);
    values["seconds"].push_back(wall);
    values["plain_seconds"].push_back(plain_wall);
    values["times_faster"].push_back(plain_wall / wall);
    values["processor_times_faster"].push_back(plain_processor / processor);
  }
  Json line{{"name", name}, {"threads", at::get_num_threads()}};
  for (const auto& [key, list] : values)
    line[key] = median(list);
  std::cout << to_text(line) << std::endl;
}

/// A masked language model of codessm-mini's shape, its parameters leaves, and a batch.
class Training {
 public:
  Training()
      : model_(model::make_model({{"model_type", "codessm"},
                                  {"architectures", {"CodeSSMForMaskedLM"}},
                                  {"hidden_size", kWidth},
                                  {"intermediate_size", 2 * kWidth},
                                  {"num_hidden_layers", kLayers},
                                  {"num_ssm", 64},
                                  {"type_vocab_size", 1},
                                  {"vocab_size", kVocab}},
                                 "codessm-mini")) {
    model::initialise(*model_, 1);
    model_->visit([&](const model::Parameter& parameter, at::Tensor& tensor) {
      tensor.requires_grad_(true);
      parameters_[parameter.name] = tensor;
    });
    batch_.ids = at::randint(0, kVocab, {kRows * kTokens}, at::kLong);
    for (int64_t row = 0; row <= kRows; ++row)
      batch_.offsets.push_back(row * kTokens);
    positions_ = at::arange(0, kRows * kTokens, 7, at::kLong);  // about 15 %
    labels_ = batch_.ids.index_select(0, positions_);
    targets_ = at::full({kRows * kTokens}, -100, at::kLong);
    targets_.index_copy_(0, positions_, labels_);
  }

  /// As ssmi trains: logits at the masked positions alone.
  void ours() {
    at::Tensor logits;
    const std::vector<std::pair<model::Site, int64_t>> points{{model::Site::kBlockOutput, kLayers},
                                                              {model::Site::kLogits, 0}};
    const model::Tap tap(points, [&](model::Site site, int64_t, at::Tensor& value) {
      if (site == model::Site::kLogits) {
        logits = value;
      } else {
        value = value.index_select(0, positions_);
      }
    });
    model_->forward(batch_, tap);
    step(at::cross_entropy_loss(logits, labels_));
  }

  /// As the published code does it; logits everywhere, or at the masked positions alone.
  void plain(bool all_logits) {
    at::Tensor x = at::embedding(of("bigs.embeddings.word_embeddings.weight"), batch_.ids)
                       .view({kRows, kTokens, kWidth});
    x = norm("bigs.embeddings.LayerNorm",
             x + of("bigs.embeddings.token_type_embeddings.weight")[0]);
    for (int64_t layer = 0; layer < kLayers; ++layer)
      x = plain_block(fmt::format("bigs.encoder.layer.{}.", layer), x);
    x = x.flatten(0, 1);
    if (!all_logits) x = x.index_select(0, positions_);
    const std::string head = "cls.predictions.";
    x = norm(head + "transform.LayerNorm", at::gelu(linear(head + "transform.dense", x)));
    const at::Tensor logits =
        at::linear(x, of("bigs.embeddings.word_embeddings.weight"), of("cls.predictions.bias"));
    step(all_logits ? at::cross_entropy_loss(logits, targets_)
                    : at::cross_entropy_loss(logits, labels_));
  }

 private:
  const at::Tensor& of(const std::string& name) const { return parameters_.at(name); }
  at::Tensor linear(const std::string& name, const at::Tensor& x) const {
    return at::linear(x, of(name + ".weight"), of(name + ".bias"));
  }
  at::Tensor norm(const std::string& name, const at::Tensor& x) const {
    return at::layer_norm(x, {kWidth}, of(name + ".weight"), of(name + ".bias"), 1e-12);
  }

  at::Tensor plain_block(const std::string& prefix, const at::Tensor& x) const {
    const at::Tensor input = norm(prefix + "LayerNorm", x);
    const at::Tensor forward =
        plain_layer(prefix + "fs4.", at::gelu(linear(prefix + "du_forward", input)));
    const at::Tensor backward =
        plain_layer(prefix + "bs4.", at::gelu(linear(prefix + "du_backward", input.flip(1))));
    const at::Tensor state =
        linear(prefix + "duc_forward", forward) * linear(prefix + "duc_backward", backward).flip(1);
    const at::Tensor gate = at::gelu(linear(prefix + "dv", input));
    return x + linear(prefix + "do", at::gelu(linear(prefix + "dol", state)) * gate);
  }

  at::Tensor plain_layer(const std::string& prefix, const at::Tensor& u) const {
    const at::Tensor pairs = of(prefix + "kernel.C");
    const at::Tensor c = at::complex(pairs.select(-1, 0), pairs.select(-1, 1));
    const at::Tensor a =
        at::complex(of(prefix + "kernel.A_re").clamp_max(-1e-4), of(prefix + "kernel.A_im"));
    const at::Tensor step = at::exp(of(prefix + "kernel.log_step"));
    const at::Tensor residues = c * (at::exp(step * a) - 1) / a;
    const at::Tensor lags = at::arange(kTokens, at::kFloat);
    const at::Tensor powers = at::exp((step * a).unsqueeze(1) * lags);  // [N, L]
    const at::Tensor taps = at::real(at::einsum("n,nl->l", {residues, powers}));
    const at::Tensor spectrum = at::fft_rfft(taps, 2 * kTokens).unsqueeze(1);  // [L + 1, 1]
    const at::Tensor y = at::fft_irfft(at::fft_rfft(u, 2 * kTokens, 1) * spectrum, 2 * kTokens, 1);
    return y.slice(1, 0, kTokens) + of(prefix + "D") * u;
  }

  /// Gradients are dropped first, as an optimiser does.
  void step(const at::Tensor& loss) {
    for (auto& [name, parameter] : parameters_)
      parameter.mutable_grad().reset();
    loss.backward();
  }

  std::unique_ptr<model::Model> model_;
  std::map<std::string, at::Tensor> parameters_;
  model::Batch batch_;
  at::Tensor positions_, labels_, targets_;
};

std::vector<at::Tensor> as_leaves(std::vector<at::Tensor> tensors) {
  for (at::Tensor& tensor : tensors)
    tensor = tensor.detach().requires_grad_(true);
  return tensors;
}

/// As selective_scan_ref of the package mamba_ssm, an operator at a time, but for views of single
/// tokens, whose gradients would be tensors of all tokens.
at::Tensor plain_scan(const std::vector<at::Tensor>& x, int64_t inner, int64_t states) {
  const auto rows = [](const at::Tensor& all, int64_t width) {
    return all.view({kRows, kTokens, width});
  };
  const at::Tensor u = rows(x[0], inner), delta = at::softplus(rows(x[1], inner));
  const at::Tensor b = rows(x[3], states), c = rows(x[4], states);
  const at::Tensor decays = at::exp(at::einsum("ble,en->blen", {delta, x[2]}));
  const at::Tensor inputs = at::einsum("ble,bln,ble->blen", {delta, b, u});
  const auto decay = decays.unbind(1), input = inputs.unbind(1), map = c.unbind(1);
  at::Tensor state = at::zeros({kRows, inner, states});
  std::vector<at::Tensor> outputs;
  for (size_t t = 0; t < decay.size(); ++t) {
    state = decay[t] * state + input[t];
    outputs.push_back(at::einsum("ben,bn->be", {state, map[t]}));
  }
  return at::stack(outputs, 1).flatten(0, 1);
}

void bench_scan() {
  constexpr int64_t kInner = 384, kStates = 16, kAll = kRows * kTokens;
  const auto x = as_leaves({at::randn({kAll, kInner}), at::randn({kAll, kInner}) - 3,
                            -at::exp(at::rand({kInner, kStates}) * 2.7), at::randn({kAll, kStates}),
                            at::randn({kAll, kStates})});
  std::vector<int64_t> offsets;
  for (int64_t row = 0; row <= kRows; ++row)
    offsets.push_back(row * kTokens);
  const Work ours = [&] {
    model::differentiable::selective_scan(
        {.u = x[0], .delta = x[1], .a = x[2], .b = x[3], .c = x[4], .softplus = true}, offsets,
        Direction::kForward)
        .sum()
        .backward();
  };
  compare("selective scan, forward and backward", 5, ours,
          [&] { plain_scan(x, kInner, kStates).sum().backward(); });
}

void bench_state_kernel() {
  constexpr int64_t kChannels = 768, kModes = 64, kLength = 1024;
  const auto parts = as_leaves({at::randn({kChannels, kModes, 2}), at::rand({kChannels, kModes}),
                                at::rand({kChannels, kModes}) * 3});
  const auto modes = [&](at::ScalarType type) {
    const at::Tensor c = parts[0].to(type);
    return kernels::ModalKernels{at::complex(c.select(-1, 0), c.select(-1, 1)),
                                 at::complex(-0.1 * parts[1].to(type), parts[2].to(type))};
  };
  const at::Tensor weights = at::randn({kChannels, kLength});
  const auto ours = [&] {
    return model::differentiable::state_kernels(modes(at::kDouble), kLength).to(at::kFloat);
  };
  const auto plain = [&] { return kernels::state_kernels_reference(modes(at::kFloat), kLength); };
  const at::Tensor exact = kernels::state_kernels_reference(modes(at::kDouble), kLength).detach();
  const auto error = [&](const at::Tensor& taps) {
    return ((taps.detach() - exact).abs().max() / exact.abs().max()).item<double>();
  };
  std::cout << to_text(Json{{"name", "state kernels, error over the largest tap"},
                            {"error", error(ours())},
                            {"plain_error", error(plain())}})
            << std::endl;
  compare("state kernels", 5, [&] { ours(); }, [&] { plain(); });
  compare(
      "state kernels, forward and backward", 5, [&] { (ours() * weights).sum().backward(); },
      [&] { (plain() * weights).sum().backward(); });
}

void print_peak(const std::string& name, const Work& step) {
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<int64_t>(usage.ru_maxrss) * 1024;
  };
  const int64_t before = peak();
  for (int i = 0; i < 5; ++i)
    step();
  std::cout << to_text(Json{{"name", name}, {"peak_bytes", peak() - before}}) << std::endl;
}

void run(const std::string& what) {
  Training training;
  const Work ours = [&] { training.ours(); };
  const Work plain = [&] { training.plain(true); };
  if (what == "ours") return print_peak("codessm-mini step", ours);
  if (what == "plain") return print_peak("codessm-mini step, plain", plain);
  compare("codessm-mini step", 15, ours, plain);
  compare("codessm-mini step over plain with logits at masked tokens alone", 15, ours,
          [&] { training.plain(false); });
  bench_state_kernel();
  bench_scan();
}

}  // namespace
}  // namespace ssmi::bench

int main(int argc, char** argv) {
  at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  ssmi::bench::run(argc > 2 ? argv[2] : "speed");
}

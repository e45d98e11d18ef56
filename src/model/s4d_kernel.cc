#include "s4d_kernel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/complex.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/imag.h>
#include <ATen/ops/log.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "config_keys.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::model {
namespace {

constexpr double kShortestStep = 0.001, kLongestStep = 0.1;  // of the published initialisation

constexpr std::array<std::pair<std::string_view, S4dTransform>, 5> kTransforms{
    {{"none", S4dTransform::kNone},
     {"exp", S4dTransform::kExp},
     {"softplus", S4dTransform::kSoftplus},
     {"sigmoid", S4dTransform::kSigmoid},
     {"relu", S4dTransform::kRelu}}};

S4dTransform transform(const JsonObject& config, const char* key, S4dTransform otherwise) {
  if (!config.has(key)) return otherwise;
  const std::string name = config.string(key);
  std::vector<std::string_view> names;
  for (const auto& [known, value] : kTransforms) {
    if (name == known) return value;
    names.push_back(known);
  }
  bad_input("{}: '{}' is '{}', expected one of {}", config.where(), key, excerpt(name),
            fmt::join(names, ", "));
}

/// The parameter that is stored for a positive value, and the other way round.
at::Tensor transformed(const at::Tensor& x, S4dTransform by) {
  constexpr double kReluFloor = 1e-4;
  switch (by) {
    case S4dTransform::kNone:
      return x;
    case S4dTransform::kExp:
      return at::exp(x);
    case S4dTransform::kSoftplus:
      return at::softplus(x);
    case S4dTransform::kSigmoid:
      return at::sigmoid(x);
    case S4dTransform::kRelu:
      return at::relu(x) + kReluFloor;
  }
  return x;
}

double inverse(double value, S4dTransform by) {
  value = std::max(value, 1e-4);  // as the published code clamps it
  switch (by) {
    case S4dTransform::kExp:
      return std::log(value);
    case S4dTransform::kSoftplus:
      return std::log(std::expm1(value));
    case S4dTransform::kSigmoid:
      return std::log(value / (1 - value));
    case S4dTransform::kNone:
    case S4dTransform::kRelu:
      return value;
  }
  return value;
}

/// Steps log-uniform in [0.001, 0.1].
Initialiser steps(S4dTransform by) {
  return [=](Random& random, std::span<float> out) {
    const double low = std::log(kShortestStep), high = std::log(kLongestStep);
    for (float& x : out)
      x = static_cast<float>(inverse(std::exp(low + (high - low) * random.uniform()), by));
  };
}

/// pi n for mode n, as `by` stores it: S4D-Lin.
Initialiser frequencies(int64_t modes, S4dTransform by) {
  return [=](Random&, std::span<float> out) {
    for (size_t i = 0; i < out.size(); ++i) {
      const double mode = static_cast<double>(i % static_cast<size_t>(modes));
      const double value = std::numbers::pi * mode;
      out[i] = static_cast<float>(by == S4dTransform::kNone ? value : inverse(value, by));
    }
  };
}

/// 1 + 0i.
Initialiser ones() {
  return [](Random&, std::span<float> out) {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = i % 2 == 0 ? 1.0F : 0.0F;
  };
}

void read_library_keys(const JsonObject& config, S4dKernelConfig& result) {
  const auto flag_or = [&](const char* key, bool otherwise) {
    return config.has(key) ? config.boolean(key) : otherwise;
  };
  result.copies = config.has("n_ssm") ? config.integer("n_ssm", 1, result.width) : result.width;
  if (result.width % result.copies != 0) {
    bad_input("{}: 'n_ssm' {} does not divide 'hidden_size', which is {}", config.where(),
              result.copies, result.width);
  }
  const std::string disc = config.has("disc") ? config.string("disc") : "zoh";
  if (disc != "zoh" && disc != "bilinear") {
    bad_input(
        "{}: 'disc' is '{}', expected zoh or bilinear (the kernels of dss depend on the length of "
        "the row)",
        config.where(), excerpt(disc));
  }
  result.bilinear = disc == "bilinear";
  result.directions = flag_or("bidirectional", false) ? 2 : 1;
  result.tied_step = flag_or("dt_tie", true);
  const bool limited = config.has("bandlimit") && !config.at("bandlimit").is_null();
  if (limited) result.bandlimit = config.number("bandlimit");
  if (limited && !(result.bandlimit > 0)) {
    bad_input("{}: 'bandlimit' is {}, expected a positive number or null", config.where(),
              result.bandlimit);
  }
  result.step = transform(config, "dt_transform", S4dTransform::kExp);
  result.real = transform(config, "real_transform", S4dTransform::kExp);
  result.imaginary = transform(config, "imag_transform", S4dTransform::kNone);
  for (const char* key : {"dt_fast", "is_real"}) {
    if (flag_or(key, false)) {
      bad_input("{}: '{}' is true, only false is supported", config.where(), key);
    }
  }
  if (config.has("channels") && config.integer("channels", 1, kMaxExtent) != 1) {
    bad_input("{}: 'channels' is {}, only 1 is supported", config.where(),
              config.integer("channels", 1, kMaxExtent));
  }
}

S4dNames read_names(const JsonObject& config, const Stored& stored) {
  if (stored.find("kernel.P") != nullptr) {
    bad_input(
        "{}: the checkpoint holds 'kernel.P', the low-rank part of the original S4; only "
        "diagonal kernels (S4D) are read",
        config.where());
  }
  if (!config.has("kernel")) {
    return stored.find("kernel.inv_dt") != nullptr ? S4dNames::kLibrary : S4dNames::kMinimal;
  }
  const std::string name = config.string("kernel");
  if (name == "minimal") return S4dNames::kMinimal;
  if (name == "diag") return S4dNames::kLibrary;
  bad_input("{}: 'kernel' is '{}', expected minimal or diag", config.where(), excerpt(name));
}

}  // namespace

S4dKernelConfig read_s4d_kernel(const JsonObject& config, const Stored& stored) {
  const int64_t states =
      config.has("state_size") ? config.integer("state_size", 2, kMaxExtent) : 64;
  if (states % 2 != 0) {
    bad_input("{}: 'state_size' is {}, expected an even number", config.where(), states);
  }
  S4dKernelConfig result{.width = config.integer("hidden_size", 1, kMaxExtent),
                         .modes = states / 2,
                         .names = read_names(config, stored)};
  if (result.names == S4dNames::kLibrary) read_library_keys(config, result);
  return result;
}

void S4dKernel::visit(const S4dKernelConfig& config, const std::string& prefix,
                      const ParameterVisitor& visitor) {
  const int64_t width = config.width, modes = config.modes;
  const auto state = [&](const char* name, std::vector<int64_t> shape, Initialiser initial,
                         at::Tensor& to) {
    visitor({prefix + name, std::move(shape), std::move(initial), true}, to);
  };
  // Half of each part: torch.randn of a complex type has variance 1 in all.
  const Initialiser complex_normal = normal(std::sqrt(0.5));
  if (config.names == S4dNames::kMinimal) {
    state("log_dt", {width}, steps(S4dTransform::kExp), step_);
    state("C", {width, modes, 2}, complex_normal, c_);
    state("log_A_real", {width, modes}, constant(std::log(0.5F)), real_);
    state("A_imag", {width, modes}, frequencies(modes, S4dTransform::kNone), imaginary_);
    return;
  }
  const int64_t copies = config.copies;
  state("inv_dt", {width, config.tied_step ? 1 : modes}, steps(config.step), step_);
  state("C", {config.directions, width, modes, 2}, complex_normal, c_);
  state("B", {1, copies, modes, 2}, ones(), b_);
  state("A_real", {copies, modes}, constant(static_cast<float>(inverse(0.5, config.real))), real_);
  state("A_imag", {copies, modes}, frequencies(modes, config.imaginary), imaginary_);
}

kernels::ModalKernels S4dKernel::modes(const S4dKernelConfig& config, at::ScalarType type,
                                       kernels::Direction direction) const {
  const auto complex = [&](const at::Tensor& x) {
    return at::complex(x.select(-1, 0).to(type), x.select(-1, 1).to(type));
  };
  constexpr double kPair = 2;  // conjugate pairs are stored by halves
  if (config.names == S4dNames::kMinimal) {
    const at::Tensor c = kPair * complex(c_);
    const at::Tensor a = at::complex(-at::exp(real_.to(type)), imaginary_.to(type));
    return kernels::zero_order_hold(c, a, at::exp(step_.to(type)));
  }
  // Copy v serves channels v, v + copies, ..: the published code tiles them.
  const auto tiled = [&](const at::Tensor& x) {
    return x.repeat({config.width / config.copies, 1});
  };
  const at::Tensor a = tiled(at::complex(-transformed(real_.to(type), config.real),
                                         -transformed(imaginary_.to(type), config.imaginary)));
  const at::Tensor step = transformed(step_.to(type), config.step);  // [H, 1] or [H, N / 2]
  const int64_t set = direction == kernels::Direction::kForward ? 0 : 1;
  at::Tensor cb = kPair * complex(c_.select(0, set)) * tiled(complex(b_).squeeze(0));
  if (config.bandlimit > 0) {
    const at::Tensor frequency = at::abs(at::imag(a)) * step / (2 * std::numbers::pi);
    cb = cb * (frequency < config.bandlimit / 2);
  }
  return config.bilinear ? kernels::bilinear(cb, a, step) : kernels::zero_order_hold(cb, a, step);
}

}  // namespace ssmi::model

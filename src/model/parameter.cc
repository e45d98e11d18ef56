#include "ssmi/model/parameter.h"

#include <algorithm>
#include <cmath>

namespace ssmi::model {

ParameterVisitor as_head(const ParameterVisitor& visitor) {
  return [&visitor](const Parameter& parameter, at::Tensor& tensor) {
    Parameter marked = parameter;
    marked.head = true;
    visitor(marked, tensor);
  };
}

Initialiser constant(float value) {
  return [=](Random&, std::span<float> out) { std::ranges::fill(out, value); };
}

Initialiser uniform(double low, double high) {
  return [=](Random& random, std::span<float> out) {
    for (float& x : out)
      x = static_cast<float>(low + (high - low) * random.uniform());
  };
}

Initialiser uniform_by_fan_in(int64_t fan_in, double scale) {
  const double bound = scale / std::sqrt(static_cast<double>(fan_in));
  return uniform(-bound, bound);
}

Initialiser normal(double standard_deviation) {
  return [=](Random& random, std::span<float> out) {
    for (float& x : out)
      x = static_cast<float>(standard_deviation * random.normal());
  };
}

Initialiser normal_rows(double standard_deviation, int64_t width, int64_t zeros) {
  return [=, draw = normal(standard_deviation)](Random& random, std::span<float> out) {
    draw(random, out);
    const auto first = static_cast<size_t>(zeros * width), size = static_cast<size_t>(width);
    if (zeros >= 0 && first + size <= out.size()) std::ranges::fill(out.subspan(first, size), 0.0F);
  };
}

Initialiser lecun_normal(int64_t fan_in) {
  constexpr double kCut = 2.0;
  constexpr double kDeviationAfterCut = 0.87962566103423978;  // of a standard normal cut at +-2
  const double scale = 1.0 / (std::sqrt(static_cast<double>(fan_in)) * kDeviationAfterCut);
  return [=](Random& random, std::span<float> out) {
    for (float& x : out) {
      double draw = random.normal();
      while (std::abs(draw) > kCut)
        draw = random.normal();
      x = static_cast<float>(scale * draw);
    }
  };
}

}  // namespace ssmi::model

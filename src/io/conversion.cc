#include "conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace ssmi::io {
namespace {

/// The file's name, or FILE where a shell or Python would read more than a name out of it.
std::string safe_name(const std::string& file) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+=";
  const std::string name = std::filesystem::path(file).filename().string();
  const bool safe = !name.empty() && name.size() <= 100 && name.front() != '-' &&
                    name.find_first_not_of(kSafe) == name.npos;
  return safe ? name : "FILE";
}

}  // namespace

std::string conversion_of_pickle(const std::string& file) {
  return fmt::format(
      "if you trust it (loading runs its code), convert it where its classes can be imported, "
      "with: "
      "python -c \"import torch; o = torch.load('{}', map_location='cpu', weights_only=False); "
      "o = o.state_dict() if hasattr(o, 'state_dict') else o.get('state_dict', "
      "o.get('model_state_dict', o)); torch.save({{k: v for k, v in o.items() if "
      "torch.is_tensor(v)}}, 'weights.pt')\"",
      safe_name(file));
}

std::string conversion_of_torchscript(const std::string& file) {
  return fmt::format(
      "if you trust it, convert it with: python -c \"import torch; "
      "torch.save(torch.jit.load('{}', map_location='cpu').state_dict(), 'weights.pt')\"",
      safe_name(file));
}

std::string conversion_of_gguf(const std::string& file) {
  return fmt::format(
      "convert the model to Q8_0 or F16 from its original weights, or, losing no more, this file "
      "with: llama-quantize --allow-requantize {} model-f16.gguf F16",
      safe_name(file));
}

}  // namespace ssmi::io

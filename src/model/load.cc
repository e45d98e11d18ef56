#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/ranges.h>

#include <cstring>
#include <set>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"

namespace ssmi::model {
namespace {

at::ScalarType scalar_type(io::Dtype dtype) {
  switch (dtype) {
    case io::Dtype::kF16:
      return at::kHalf;
    case io::Dtype::kBF16:
      return at::kBFloat16;
    case io::Dtype::kF64:
      return at::kDouble;
    default:
      return at::kFloat;
  }
}

bool is_floating(io::Dtype dtype) {
  return dtype == io::Dtype::kF16 || dtype == io::Dtype::kBF16 || dtype == io::Dtype::kF32 ||
         dtype == io::Dtype::kF64;
}

/// The tensor where it lies in the mapped file, which it keeps open; a copy where float32 is not
/// aligned or the values have another type.
at::Tensor to_float32(const io::TensorView& view) {
  const at::ScalarType type = scalar_type(view.dtype);
  auto* data = const_cast<std::byte*>(view.data.data());  // never written: the mapping is read-only
  const auto options = at::TensorOptions().dtype(type);
  if (reinterpret_cast<uintptr_t>(data) % alignof(double) != 0) {
    at::Tensor copy = at::empty(view.shape, options);
    std::memcpy(copy.data_ptr(), data, view.data.size());
    return copy.to(at::kFloat);
  }
  const auto keep = [owner = view.owner](void*) mutable { owner.reset(); };
  return at::from_blob(data, view.shape, keep, options).to(at::kFloat);
}

/// Names, a few of them in full.
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  const size_t shown = std::min(names.size(), kShown);
  std::string text = fmt::format(
      "'{}'", fmt::join(names.begin(), names.begin() + static_cast<ptrdiff_t>(shown), "', '"));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

/// Compares what the config implies with what the files hold, all at once.
void check_tensors(const io::Checkpoint& checkpoint, Model& model) {
  std::vector<std::string> missing, problems;
  std::set<std::string> expected;
  model.visit([&](const Parameter& parameter, at::Tensor&) {
    expected.insert(parameter.name);
    const auto found = checkpoint.tensors.find(parameter.name);
    if (found == checkpoint.tensors.end()) {
      missing.push_back(parameter.name);
    } else if (found->second.shape != parameter.shape) {
      problems.push_back(fmt::format("tensor '{}' has shape [{}], config.json says [{}]",
                                     parameter.name, fmt::join(found->second.shape, ", "),
                                     fmt::join(parameter.shape, ", ")));
    } else if (!is_floating(found->second.dtype)) {
      problems.push_back(fmt::format("tensor '{}' is {}, expected a floating type", parameter.name,
                                     io::dtype_name(found->second.dtype)));
    }
  });
  std::vector<std::string> unexpected;
  for (const auto& [name, view] : checkpoint.tensors) {
    if (!expected.contains(name)) unexpected.push_back(name);
  }
  if (!missing.empty()) problems.push_back("missing tensors: " + listed(missing));
  if (!unexpected.empty()) problems.push_back("unexpected tensors: " + listed(unexpected));
  if (problems.empty()) return;
  if (problems.size() > 5) problems.resize(5);
  bad_input("{}: does not hold the {} its config.json describes: {}", checkpoint.folder.string(),
            model.info().architecture, fmt::join(problems, "; "));
}

}  // namespace

std::unique_ptr<Model> checked_model(const io::Checkpoint& checkpoint) {
  auto model = make_model(checkpoint.config, (checkpoint.folder / "config.json").string());
  check_tensors(checkpoint, *model);
  return model;
}

std::unique_ptr<Model> load_model(const io::Checkpoint& checkpoint) {
  auto model = checked_model(checkpoint);
  model->visit([&](const Parameter& parameter, at::Tensor& tensor) {
    tensor = to_float32(checkpoint.tensors.at(parameter.name));
  });
  return model;
}

void initialise(Model& model, uint64_t seed, const ParameterFilter& takes) {
  model.visit([&](const Parameter& parameter, at::Tensor& tensor) {
    if (takes && !takes(parameter)) return;
    check_interrupted();
    tensor = at::empty(parameter.shape, at::kFloat);
    Random random(seed, "initialise/" + parameter.name);
    parameter.initial(random, {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())});
  });
}

int64_t parameter_count(Model& model) {
  int64_t count = 0;
  model.visit([&](const Parameter& parameter, at::Tensor&) {
    count += checked_numel(parameter.shape).value_or(0);
  });
  return count;
}

void save_model(Model& model, const Json& config, const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (fs::exists(folder)) {
    fail(ExitCode::kDisk, "{}: exists already; name a new folder", folder.string());
  }
  std::vector<at::Tensor> kept;
  std::vector<io::TensorBytes> tensors;
  model.visit([&](const Parameter& parameter, at::Tensor& tensor) {
    kept.push_back(tensor.contiguous());
    const auto* data = static_cast<const std::byte*>(kept.back().const_data_ptr());
    tensors.push_back(
        {parameter.name, io::Dtype::kF32, parameter.shape, {data, kept.back().nbytes()}});
  });
  fs::path partial = folder;
  partial += ".partial";
  std::error_code status;
  fs::remove_all(partial, status);
  fs::create_directories(partial, status);
  if (status) fail(ExitCode::kDisk, "{}: cannot create: {}", partial.string(), status.message());
  io::write_safetensors(partial / "model.safetensors", tensors, {{"format", "pt"}});
  write_file(partial / "config.json", to_text(config, 2) + "\n");
  fs::rename(partial, folder, status);
  if (status) fail(ExitCode::kDisk, "{}: cannot rename: {}", folder.string(), status.message());
}

void check_ids(const Batch& batch, int64_t vocab_size) {
  const auto* ids = batch.ids.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < batch.ids.numel(); ++i) {
    if (ids[i] < 0 || ids[i] >= vocab_size) {
      fail(ExitCode::kMismatch, "token id {} is outside the model's vocabulary of {}", ids[i],
           vocab_size);
    }
  }
}

}  // namespace ssmi::model

#include <ATen/ops/empty.h>
#include <ATen/ops/isinf.h>

#include <map>

#include "ssmi/core/checked.h"
#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/core/progress.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"
#include "ssmi/model/tensor.h"

namespace ssmi::model {

void visit_distinct(Model& model, const ParameterVisitor& visitor) {
  std::map<std::string, at::Tensor> shown;
  model.visit([&](const Parameter& parameter, at::Tensor& tensor) {
    shown[parameter.name] = tensor;
    if (parameter.tied_to != nullptr && tensor.is_same(shown.at(parameter.tied_to))) return;
    visitor(parameter, tensor);
  });
}

void initialise(Model& model, uint64_t seed, const ParameterFilter& takes) {
  std::map<std::string, at::Tensor> filled;
  model.visit([&](const Parameter& parameter, at::Tensor& tensor) {
    check_interrupted();
    if (takes && !takes(parameter)) return;
    if (parameter.tied_to != nullptr) {
      tensor = filled.at(parameter.tied_to);
    } else {
      tensor = at::empty(parameter.shape, at::kFloat);
      Random random(seed, "initialise/" + parameter.name);
      parameter.initial(random, {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())});
    }
    filled[parameter.name] = tensor;
  });
}

int64_t parameter_count(Model& model) {
  int64_t count = 0;
  visit_distinct(model, [&](const Parameter& parameter, at::Tensor&) {
    const auto values = checked_numel(parameter.shape);
    const auto sum = values ? checked_add(count, *values) : std::nullopt;
    if (!sum) bad_input("the config describes more than {} parameters", INT64_MAX);
    count = *sum;
  });
  return count;
}

void save_model(Model& model, const Json& config, const std::filesystem::path& folder,
                io::Dtype dtype, const FolderWriter& more) {
  namespace fs = std::filesystem;
  if (fs::exists(folder)) {
    fail(ExitCode::kDisk, "{}: exists already; name a new folder", folder.string());
  }
  std::vector<at::Tensor> kept;
  std::vector<io::TensorBytes> tensors;
  visit_distinct(model, [&](const Parameter& parameter, at::Tensor& tensor) {
    const bool is_vector = parameter.shape.size() == 1;
    const io::Dtype type = parameter.state_space || is_vector ? io::Dtype::kF32 : dtype;
    kept.push_back(tensor.to(scalar_type(type)).contiguous());
    if (type == io::Dtype::kF16 && at::isinf(kept.back()).any().item<bool>()) {
      fail(ExitCode::kMismatch,
           "'{}' has values beyond 65504, the largest of float16; take bfloat16 or float32",
           parameter.name);
    }
    tensors.push_back(bytes_of(parameter.name, kept.back()));
    tensors.back().shape = parameter.shape;
  });
  fs::path partial = folder;
  partial += ".partial";
  std::error_code status;
  fs::remove_all(partial, status);
  fs::create_directories(partial, status);
  if (status) fail(ExitCode::kDisk, "{}: cannot create: {}", partial.string(), status.message());
  try {
    io::write_safetensors(partial / "model.safetensors", tensors, {{"format", "pt"}});
    write_file(partial / "config.json", to_text(config, 2) + "\n");
    if (more) more(partial);
  } catch (...) {
    fs::remove_all(partial, status);
    throw;
  }
  fs::rename(partial, folder, status);
  if (status) fail(ExitCode::kDisk, "{}: cannot rename: {}", folder.string(), status.message());
}

}  // namespace ssmi::model

#include "ssmi/train/checkpoint.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <map>
#include <vector>

#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/core/file.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/tensor.h"

namespace ssmi::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRun = "run.json";
constexpr const char* kState = "optimizer.safetensors";
constexpr const char* kPrefix = "step-";
constexpr uint64_t kMaxRun = 1 << 20;

/// The step that a checkpoint's folder is named after.
std::optional<int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* begin = name.data() + std::strlen(kPrefix);
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(begin, end, step);
  if (error != std::errc() || stop != end || begin == end) return std::nullopt;
  return step;
}

/// Calls visit(step, folder) for each checkpoint.
template <typename Visit>
void visit_checkpoints(const fs::path& run, Visit visit) {
  std::error_code status;
  for (const auto& entry : fs::directory_iterator(run, status)) {
    if (const auto step = step_of(entry.path())) visit(*step, entry.path());
  }
  if (status) fail(ExitCode::kDisk, "{}: cannot read: {}", run.string(), status.message());
}

/// Copies a float32 tensor of a file into one of the same shape.
void fill(const fs::path& path, const io::TensorMap& tensors, const std::string& name,
          at::Tensor& to) {
  const auto found = tensors.find(name);
  const bool fits = found != tensors.end() && found->second.dtype == io::Dtype::kF32 &&
                    found->second.shape == to.sizes().vec();
  if (!fits) {
    bad_input(
        "{}: '{}' should be float32 of shape [{}]; the checkpoint is damaged or of another run",
        path.string(), excerpt(name), fmt::join(to.sizes().vec(), ", "));
  }
  std::memcpy(to.mutable_data_ptr(), found->second.data.data(), to.nbytes());
}

}  // namespace

RunFolder::RunFolder(fs::path folder, const Json& run) : folder_(std::move(folder)) {
  make_folder(folder_);
  lock_.emplace(folder_);  // before run.json is looked for: two processes may begin at once
  const fs::path path = folder_ / kRun;
  Json now = run;
  now["threads"] = at::get_num_threads();
  if (!fs::exists(path) || !has_checkpoint(folder_)) write_file(path, to_text(now, 2) + "\n");
  Json known = parse_json(read_file(path, kMaxRun), path.string());
  constexpr int64_t kMostThreads = 1 << 20;
  const JsonObject begun(known, path.string());
  threads_ = at::get_num_threads();
  if (begun.has("threads")) threads_ = begun.integer("threads", 1, kMostThreads);
  known["threads"] = now["threads"];
  const std::string difference = first_difference(known, now);
  if (difference.empty()) return;
  fail(ExitCode::kMismatch,
       "{}: holds another run: {}; give a new folder, or the same arguments to go on with it",
       folder_.string(), difference);
}

bool has_checkpoint(const fs::path& run) {
  if (!fs::exists(run)) return false;
  bool found = false;
  visit_checkpoints(run, [&](int64_t, const fs::path&) { found = true; });
  return found;
}

fs::path RunFolder::checkpoint(int64_t step) const {
  return folder_ / fmt::format("{}{:08}", kPrefix, step);
}

std::optional<int64_t> RunFolder::newest() const {
  std::optional<int64_t> newest;
  bool is_new = true;
  visit_checkpoints(folder_, [&](int64_t step, const fs::path& checkpoint) {
    is_new = false;
    std::error_code ignored;
    if (fs::exists(checkpoint / kState, ignored)) newest = std::max(newest.value_or(step), step);
  });
  if (newest || is_new) return newest;
  fail(ExitCode::kMismatch,
       "{}: holds checkpoints, but none with its {} to go on from; give a new folder",
       folder_.string(), kState);
}

void RunFolder::restore(int64_t step, model::Model& model, AdamW& optimizer) const {
  const fs::path weights = checkpoint(step) / "model.safetensors",
                 state = checkpoint(step) / kState;
  const auto stored = io::open_safetensors(weights), kept = io::open_safetensors(state);
  model::visit_distinct(model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
    fill(weights, stored.tensors, parameter.name, tensor);
  });
  optimizer.visit_state([&](const std::string& name, at::Tensor& tensor) {
    fill(state, kept.tensors, name, tensor);
  });
  optimizer.set_steps(step);
}

void RunFolder::save(model::Model& model, const Json& config, const text::TextFiles& tokenizer,
                     AdamW& optimizer) const {
  const int64_t step = optimizer.steps();
  model::save_model(model, config, checkpoint(step), io::Dtype::kF32, [&](const fs::path& folder) {
    for (const auto& [name, text] : tokenizer)
      write_file(folder / name, text);
    std::vector<io::TensorBytes> tensors;
    optimizer.visit_state([&](const std::string& name, at::Tensor& tensor) {
      tensors.push_back(model::bytes_of(name, tensor));
    });
    io::write_safetensors(folder / kState, tensors);
  });
  visit_checkpoints(folder_, [&](int64_t other, const fs::path& folder) {
    std::error_code ignored;
    if (other < step) fs::remove(folder / kState, ignored);
  });
}

}  // namespace ssmi::train

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "names.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"
#include "ssmi/model/tensor.h"

namespace ssmi::model {
namespace {

bool is_floating(io::Dtype dtype) {
  return dtype == io::Dtype::kF16 || dtype == io::Dtype::kBF16 || dtype == io::Dtype::kF32 ||
         dtype == io::Dtype::kF64;
}

/// Compares what the config implies with what the files hold, all at once.
void check_tensors(const io::Checkpoint& checkpoint, Model& model, const Names& names) {
  const std::string config = checkpoint.config_path.filename().string();
  std::vector<std::string> missing, problems = names.clashes;
  model.visit([&](const Parameter& parameter, at::Tensor&) {
    const auto found = names.stored.find(parameter.name);
    if (found == names.stored.end()) {
      if (parameter.tied_to == nullptr) missing.push_back(parameter.name);
      return;
    }
    const io::TensorView& view = checkpoint.tensors.at(found->second);
    const std::string stored = excerpt(found->second);
    if (view.shape != parameter.shape) {
      problems.push_back(fmt::format("tensor '{}' has shape [{}], {} says [{}]", stored,
                                     fmt::join(view.shape, ", "), config,
                                     fmt::join(parameter.shape, ", ")));
    } else if (!is_floating(view.dtype)) {
      problems.push_back(fmt::format("tensor '{}' is {}, expected a floating type", stored,
                                     io::dtype_name(view.dtype)));
    }
  });
  if (!missing.empty()) problems.push_back("missing tensors: " + listed(missing));
  if (!names.unexpected.empty()) {
    problems.push_back("unexpected tensors: " + listed(names.unexpected));
  }
  if (problems.empty()) return;
  if (problems.size() > 5) problems.resize(5);
  bad_input("{}: does not hold the {} its {} describes: {}", checkpoint.folder.string(),
            model.info().architecture, config, fmt::join(problems, "; "));
}

/// How names were read, as notes.
std::vector<std::string> notes_of_names(const Names& names, const ModelInfo& info) {
  std::vector<std::string> notes;
  for (const auto& [prefix, count] : names.stripped) {
    notes.push_back(fmt::format("names: stripped '{}' from {} tensors", excerpt(prefix), count));
  }
  if (names.added > 0) {
    notes.push_back(fmt::format("names: added '{}' to {} tensors", info.base_prefix, names.added));
  }
  if (names.norms > 0) {
    notes.push_back(
        fmt::format("names: read gamma and beta as weight and bias in {} tensors", names.norms));
  }
  if (!names.ignored.empty()) {
    notes.push_back(fmt::format("ignored {} tensors that a {} has no use for: {}",
                                names.ignored.size(), info.architecture, listed(names.ignored)));
  }
  return notes;
}

/// A warning where state-space parameters lost bits that their kernels need.
std::vector<std::string> notes_of_precision(const io::Checkpoint& checkpoint, Model& model,
                                            const Names& names) {
  std::vector<std::string> halves;
  model.visit([&](const Parameter& parameter, at::Tensor&) {
    const auto found = names.stored.find(parameter.name);
    if (!parameter.state_space || found == names.stored.end()) return;
    const io::Dtype dtype = checkpoint.tensors.at(found->second).dtype;
    if (dtype == io::Dtype::kF16 || dtype == io::Dtype::kBF16) halves.push_back(found->second);
  });
  if (halves.empty()) return {};
  return {
      fmt::format("{} state-space parameters are stored in half precision, which can move kernels "
                  "by 3 to 42 per cent: {}; take a float32 checkpoint where there is one",
                  halves.size(), listed(halves))};
}

bool same_values(const io::TensorView& a, const io::TensorView& b) {
  return a.dtype == b.dtype && a.encoding == b.encoding && a.shape == b.shape &&
         (a.data.data() == b.data.data() ||
          std::memcmp(a.data.data(), b.data.data(), a.data.size()) == 0);
}

/// Fills the parameters from the files. A tied one is the other's tensor, unless the files say that
/// it is not: then its own counts, and a note says so.
void fill(const io::Checkpoint& checkpoint, const Names& names, const ParameterFilter& takes,
          Loaded& loaded) {
  const auto view_of = [&](const std::string& name) -> const io::TensorView* {
    const auto found = names.stored.find(name);
    return found == names.stored.end() ? nullptr : &checkpoint.tensors.at(found->second);
  };
  std::map<std::string, at::Tensor> filled;
  loaded.model->visit([&](const Parameter& parameter, at::Tensor& tensor) {
    if (takes && !takes(parameter)) return;
    const auto* own = view_of(parameter.name);
    const auto* other = parameter.tied_to == nullptr ? nullptr : view_of(parameter.tied_to);
    if (other != nullptr && (own == nullptr || same_values(*own, *other))) {
      tensor = filled.at(parameter.tied_to);
    } else {
      tensor = tensor_of(*own).to(at::kFloat);
    }
    if (other != nullptr && !tensor.is_same(filled.at(parameter.tied_to))) {
      loaded.notes.push_back(
          fmt::format("'{}' is stored with other values than '{}', though the two "
                      "are usually one; its own are used",
                      parameter.name, parameter.tied_to));
    }
    filled[parameter.name] = tensor;
  });
}

/// The model, checked, and where its parameters lie.
std::pair<Loaded, Names> fitted_model(const io::Checkpoint& checkpoint) {
  const std::string where = checkpoint.config_path.string();
  Loaded loaded{make_model(checkpoint.config, where, &checkpoint.tensors), checkpoint.notes};
  Names names = match_names(checkpoint.tensors, *loaded.model);
  check_tensors(checkpoint, *loaded.model, names);
  const ModelInfo info = loaded.model->info();
  for (const auto& notes : {notes_of_names(names, info), loaded.model->notes(),
                            notes_of_precision(checkpoint, *loaded.model, names)}) {
    loaded.notes.insert(loaded.notes.end(), notes.begin(), notes.end());
  }
  return {std::move(loaded), std::move(names)};
}

}  // namespace

Loaded checked_model(const io::Checkpoint& checkpoint) {
  return fitted_model(checkpoint).first;
}

Loaded load_model(const io::Checkpoint& checkpoint, const ParameterFilter& takes) {
  auto [loaded, names] = fitted_model(checkpoint);
  fill(checkpoint, names, takes, loaded);
  return std::move(loaded);
}

void check_batch(const Batch& batch, const ModelInfo& info) {
  const auto* ids = batch.ids.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < batch.ids.numel(); ++i) {
    if (ids[i] < 0 || ids[i] >= info.vocab_size) {
      fail(ExitCode::kMismatch, "token id {} is outside the model's vocabulary of {}", ids[i],
           info.vocab_size);
    }
  }
  const int64_t longest = longest_row(batch.offsets);
  if (info.max_tokens > 0 && longest > info.max_tokens) {
    fail(ExitCode::kMismatch, "a row has {} tokens, the model has positions for {}", longest,
         info.max_tokens);
  }
}

}  // namespace ssmi::model

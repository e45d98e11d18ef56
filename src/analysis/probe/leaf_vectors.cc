#include "ssmi/analysis/probe/leaf_vectors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/all.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mean.h>

#include <algorithm>
#include <map>
#include <set>

#include "ssmi/core/error.h"

namespace ssmi::probe {

LeafSlots::LeafSlots(const std::vector<ParsedFunction>& functions, std::span<const PairSet> sets,
                     std::span<const int32_t> whole)
    : leaves_(functions.size()), first_(functions.size()) {
  std::vector<std::set<int32_t>> used(functions.size());
  for (const int32_t function : whole) {
    const auto f = static_cast<size_t>(function);
    for (size_t leaf = 0; leaf < functions[f].leaves.size(); ++leaf)
      used[f].insert(static_cast<int32_t>(leaf));
  }
  for (const PairSet& set : sets) {
    for (const auto& part : set.parts) {
      for (const Pair& pair : part) {
        used[static_cast<size_t>(pair.function)].insert({pair.first, pair.second});
      }
    }
  }
  for (size_t f = 0; f < functions.size(); ++f) {
    leaves_[f].assign(used[f].begin(), used[f].end());
    first_[f] = size_;
    size_ += static_cast<int64_t>(leaves_[f].size());
  }
}

int64_t LeafSlots::slot(int32_t function, int32_t leaf) const {
  const auto& leaves = leaves_[static_cast<size_t>(function)];
  const auto found = std::lower_bound(leaves.begin(), leaves.end(), leaf);
  return first_[static_cast<size_t>(function)] + (found - leaves.begin());
}

std::vector<at::Tensor> leaf_vectors(const model::Model& model,
                                     const std::vector<TokenisedFunction>& functions,
                                     const LeafSlots& slots, const model::Points& points,
                                     const std::string& stage, Progress& progress) {
  std::map<std::pair<model::Site, int64_t>, size_t> place;
  for (const auto& point : points)
    place.emplace(point, place.size());
  std::vector<at::Tensor> vectors(points.size());
  std::vector<size_t> used;  // functions with slots
  std::vector<std::vector<int64_t>> rows;
  for (size_t f = 0; f < functions.size(); ++f) {
    if (slots.leaves(f).empty()) continue;
    used.push_back(f);
    rows.push_back(functions[f].ids);
  }
  const auto keep = [&](size_t row, model::Site site, int64_t layer, const at::Tensor& value) {
    const size_t f = used[row];
    at::Tensor& out = vectors[place.at({site, layer})];
    if (!out.defined()) out = at::empty({slots.size(), value.size(1)}, at::kFloat);
    int64_t slot = slots.first(f);
    for (const int32_t leaf : slots.leaves(f)) {
      const text::Span tokens = functions[f].leaf_tokens[static_cast<size_t>(leaf)];
      out[slot++].copy_(value.slice(0, tokens.begin, tokens.end).mean(0));
    }
  };
  constexpr int64_t kBatchTokens = 8192;
  progress.begin(stage, "functions", rows.size());
  model::forward_rows(model, rows, points, kBatchTokens, keep,
                      [&](size_t done) { progress.advance(done); });
  progress.end();
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (!vectors[i].isfinite().all().item<bool>()) {
      bad_input(
          "layer {}: the model's values at '{}' are not finite; its weights are damaged or "
          "overflow in float32",
          points[i].second, model::info(points[i].first).name);
    }
  }
  return vectors;
}

at::Tensor pair_vectors(const std::vector<Pair>& pairs, const TaskInfo& task,
                        const LeafSlots& slots, const at::Tensor& vectors) {
  const auto count = static_cast<int64_t>(pairs.size());
  const auto side = [&](int32_t Pair::*leaf) {
    at::Tensor index = at::empty({count}, at::kLong);
    for (size_t i = 0; i < pairs.size(); ++i) {
      index.data_ptr<int64_t>()[i] = slots.slot(pairs[i].function, pairs[i].*leaf);
    }
    return vectors.index_select(0, index).to(at::kDouble);
  };
  at::Tensor first = side(&Pair::first);
  if (task.is_token()) return first;
  const at::Tensor second = side(&Pair::second);
  return task.form == Form::kConcatenation ? at::cat({first, second}, 1) : first - second;
}

}  // namespace ssmi::probe

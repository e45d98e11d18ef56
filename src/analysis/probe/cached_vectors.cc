#include "cached_vectors.h"

#include <fmt/format.h>

#include "ssmi/core/hash.h"
#include "ssmi/model/tensor.h"

namespace ssmi::probe {
namespace {

constexpr const char* kTensor = "leaf_vectors";

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

/// Everything of the functions that decides leaf vectors: token ids in their order, and the tokens
/// of each leaf that has a slot.
std::string functions_sha256(const std::vector<TokenisedFunction>& functions,
                             const LeafSlots& slots) {
  Sha256 hash;
  for (size_t f = 0; f < functions.size(); ++f) {
    const std::vector<int64_t>& ids = functions[f].ids;
    const std::vector<int32_t>& leaves = slots.leaves(f);
    if (leaves.empty()) continue;
    hash.update(bytes_of(ids.size()));
    hash.update(std::as_bytes(std::span(ids)));
    hash.update(bytes_of(leaves.size()));
    for (const int32_t leaf : leaves) {
      const text::Span tokens = functions[f].leaf_tokens[static_cast<size_t>(leaf)];
      hash.update(bytes_of(tokens.begin));
      hash.update(bytes_of(tokens.end));
    }
  }
  return hash.finish();
}

Json key_of(const Pass& pass, const std::vector<TokenisedFunction>& functions,
            const LeafSlots& slots) {
  int64_t used = 0;
  for (size_t f = 0; f < functions.size(); ++f)
    used += !slots.leaves(f).empty();
  Json key{{"what", "leaf vectors"},
           {"control", pass.control},
           {"tokenizer_sha256", pass.subject.tokenizer->sha256()},
           {"functions", used},
           {"functions_sha256", functions_sha256(functions, slots)},
           {"leaves", slots.size()}};
  if (pass.control == "none") {
    key["checkpoint_sha256"] = pass.subject.sha256;
  } else {  // a twin is decided by configuration and seed
    key["config_sha256"] = sha256(to_text(pass.subject.checkpoint->config));
    key["seed"] = pass.seed;
  }
  return key;
}

Json point_key(const Json& key, const std::pair<model::Site, int64_t>& point) {
  Json own = key;
  own["site"] = model::info(point.first).name;
  own["layer"] = point.second;
  return own;
}

/// The kept vectors, [slots, D], or an undefined tensor.
at::Tensor found(const Pass& pass, const Json& key, const LeafSlots& slots, Progress& progress) {
  const auto tensors = pass.cache->find(key, progress);
  if (!tensors) return {};
  const auto view = tensors->find(kTensor);
  const bool fits = view != tensors->end() && view->second.dtype == io::Dtype::kF32 &&
                    view->second.shape.size() == 2 && view->second.shape[0] == slots.size();
  return fits ? model::tensor_of(view->second) : at::Tensor();
}

void keep(const Pass& pass, const Json& key, const at::Tensor& vectors, Progress& progress) {
  const io::TensorBytes tensor = model::bytes_of(kTensor, vectors);
  pass.cache->put(key, pass.subject.name, {&tensor, 1}, progress);
}

}  // namespace

std::vector<at::Tensor> cached_vectors(const Pass& pass,
                                       const std::vector<TokenisedFunction>& functions,
                                       const LeafSlots& slots, const model::Points& points,
                                       const Forward& forward, Progress& progress) {
  if (pass.cache == nullptr) return forward(points);
  const Json key = key_of(pass, functions, slots);
  std::vector<at::Tensor> vectors;
  model::Points missing;
  for (const auto& point : points) {
    vectors.push_back(found(pass, point_key(key, point), slots, progress));
    if (!vectors.back().defined()) missing.push_back(point);
  }
  if (missing.size() < points.size()) {
    progress.note(fmt::format("forward {}{}: {} of {} layers taken from the cache",
                              pass.subject.name, pass.control == "none" ? "" : " " + pass.control,
                              points.size() - missing.size(), points.size()));
  }
  if (missing.empty()) return vectors;
  auto made = forward(missing);
  for (size_t i = 0, next = 0; i < points.size(); ++i) {
    if (vectors[i].defined()) continue;
    vectors[i] = std::move(made[next++]);
    keep(pass, point_key(key, points[i]), vectors[i], progress);
  }
  return vectors;
}

}  // namespace ssmi::probe

#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "ssmi/core/json.h"

namespace ssmi::model {

inline constexpr int64_t kMaxExtent = 1 << 24;  ///< of any one dimension that a config names
inline constexpr int64_t kMaxLayers = 1024;

/// Whether the key is there and not null.
bool is_given(const JsonObject& config, const std::string& key);

/// A key of a config, or `otherwise` where it is absent or null. All throw Error{kBadInput}.
bool boolean_or(const JsonObject& config, const std::string& key, bool otherwise);
double number_or(const JsonObject& config, const std::string& key, double otherwise);
/// What a norm adds below its root: not negative.
double epsilon_or(const JsonObject& config, const std::string& key, double otherwise);
int64_t integer_or(const JsonObject& config, const std::string& key, int64_t otherwise, int64_t min,
                   int64_t max);
std::string string_or(const JsonObject& config, const std::string& key,
                      const std::string& otherwise);
/// A dimension: an integer within [1, kMaxExtent].
int64_t extent(const JsonObject& config, const std::string& key);

/// Throws Error{kBadInput} when an option that makes it another network has the value `refused`.
void refuse(const JsonObject& config, const std::string& key, bool refused);

using Activation = at::Tensor (*)(const at::Tensor&);
/// An activation by the name that the transformers library gives it; null where it is not known.
Activation activation_named(const std::string& name);
/// The activation that `key` names; `otherwise` where it is absent. Throws Error{kBadInput} with
/// the list of known names.
Activation activation_named(const JsonObject& config, const std::string& key,
                            const std::string& otherwise);

/// The one class that 'architectures' names ("BertForMaskedLM"); "" where the key is absent or
/// null. Throws Error{kBadInput} when it is no list of one.
std::string class_name(const JsonObject& config);
/// 'num_labels', else the size of 'id2label', else `otherwise`.
int64_t label_count(const JsonObject& config, int64_t otherwise);

}  // namespace ssmi::model

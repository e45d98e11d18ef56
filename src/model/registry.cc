#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "architectures.h"
#include "config_keys.h"
#include "ssmi/core/error.h"
#include "ssmi/core/excerpt.h"
#include "ssmi/model/known_keys.h"
#include "ssmi/model/model.h"

namespace ssmi::model {
namespace {

using Maker = std::unique_ptr<Model> (*)(const JsonObject& config, const Stored& stored);

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> kMakers{
      {"BiGS", make_bigs},  // as the published configs write it
      {"bert", make_bert},
      {"bigs", make_bigs},
      {"bimamba", make_bimamba},
      {"codessm", make_codessm},
      {"falcon_mamba", make_falcon_mamba},
      {"gpt2", make_gpt2},
      {"gpt_neox", make_gpt_neox},
      {"llama", make_llama},
      {"mamba", make_mamba},
      {"mamba2", make_mamba2},
      {"qwen2", make_qwen2},
      {"roberta", make_roberta},
      {"rocoder", make_rocoder},
      {"s4d", make_s4d},
      {"starcoder2", make_starcoder2},
  };
  return kMakers;
}

/// Whether `stored` is `name` or ends in it after a dot.
bool is_at_end(std::string_view name, std::string_view stored) {
  return stored.ends_with(name) &&
         (stored.size() == name.size() || stored[stored.size() - name.size() - 1] == '.');
}

}  // namespace

const io::TensorView* Stored::find(std::string_view name) const {
  if (!known()) return nullptr;
  const auto found = std::ranges::find_if(
      *tensors_, [&](const auto& entry) { return is_at_end(name, entry.first); });
  return found == tensors_->end() ? nullptr : &found->second;
}

std::vector<std::string> Stored::prefixes(std::string_view name) const {
  std::vector<std::string> prefixes;
  if (!known()) return prefixes;
  for (const auto& [stored, view] : *tensors_) {
    if (is_at_end(name, stored)) prefixes.push_back(stored.substr(0, stored.size() - name.size()));
  }
  return prefixes;
}

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers())
    names.push_back(name);
  return names;
}

namespace {

std::unique_ptr<Model> make(const Json& config, const JsonObject& object, const Stored& stored) {
  const std::string& where = object.where();
  if (is_given(object, "quantization_config")) {
    bad_input(
        "{}: 'quantization_config' is given; quantised weights are read from GGUF files alone",
        where);
  }
  if (is_mamba_ssm(config)) return make_mamba_ssm(object, stored);
  const std::string type = object.string("model_type");
  const auto maker = makers().find(type);
  if (maker == makers().end()) {
    bad_input("{}: model_type '{}' is not known; known are: {}", where, excerpt(type),
              fmt::join(architectures(), ", "));
  }
  return maker->second(object, stored);
}

}  // namespace

std::unique_ptr<Model> make_model(const Json& config, const std::string& where,
                                  const io::TensorMap* stored) {
  return make(config, JsonObject(config, where), Stored(stored));
}

void refuse_unknown_keys(const Json& config, const std::string& where) {
  static constexpr std::array kOfOthers{"_name_or_path",
                                        "architectures",
                                        "bos_token_id",
                                        "chunk_size",
                                        "dtype",
                                        "eos_token_id",
                                        "fused_add_norm",
                                        "id2label",
                                        "is_decoder",
                                        "label2id",
                                        "layer_types",
                                        "mask_token_id",
                                        "max_window_layers",
                                        "num_labels",
                                        "pad_token_id",
                                        "residual_in_fp32",
                                        "sep_token_id",
                                        "sliding_window",
                                        "tokenizer",
                                        "tokenizer_class",
                                        "torch_dtype",
                                        "transformers_version",
                                        "unk_token_id",
                                        "use_associative_scan",
                                        "use_cache",
                                        "use_mambapy"};
  const JsonObject object(config, where);
  make(config, object, Stored(nullptr));
  for (const char* key : kOfOthers)
    if (object.has(key)) object.at(key);
  object.refuse_other_keys();
}

}  // namespace ssmi::model

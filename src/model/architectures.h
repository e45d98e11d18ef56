#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"

namespace ssmi::model {

/// The tensors of the checkpoint that a model is made for; none where it is made from its config
/// alone.
class Stored {
 public:
  explicit Stored(const io::TensorMap* tensors) : tensors_(tensors) {}
  /// Whether there is a checkpoint at all.
  bool known() const { return tensors_ != nullptr; }
  /// The tensor of that name, whatever prefix it may have; null where there is none.
  const io::TensorView* find(std::string_view name) const;
  /// What stands before `name` in the names that end in it, sorted.
  std::vector<std::string> prefixes(std::string_view name) const;

 private:
  const io::TensorMap* tensors_;
};

/// One maker an architecture; each lives in the file of that name; CodeSSM is a BiGS, Falcon-Mamba
/// a Mamba, RoCoder a BERT, Qwen2 a Llama.
std::unique_ptr<Model> make_bert(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_bigs(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_bimamba(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_codessm(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_falcon_mamba(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_gpt2(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_gpt_neox(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_llama(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_mamba(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_mamba2(const JsonObject& config, const Stored& stored);
/// Mamba or Mamba-2 by a config of the package mamba_ssm, which has no model_type.
std::unique_ptr<Model> make_mamba_ssm(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_mamba2_ssm(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_qwen2(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_roberta(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_rocoder(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_s4d(const JsonObject& config, const Stored& stored);
std::unique_ptr<Model> make_starcoder2(const JsonObject& config, const Stored& stored);

}  // namespace ssmi::model

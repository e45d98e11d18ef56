#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ssmi/io/safetensors.h"
#include "ssmi/model/model.h"

namespace ssmi::model {

/// Which stored tensor each parameter of a model is. A stored name that is a parameter's is taken
/// as it is. Otherwise wrappers' prefixes ("module.", "model.", "_orig_mod.", the model's own base
/// prefix) are taken off its front, one after the other, until it is one, or is one with the base
/// prefix added. A norm's "gamma" and "beta", as the first BERTs have them, are its weight and
/// bias. docs/formats.md lists the rules.
struct Names {
  std::map<std::string, std::string> stored;  ///< parameter -> stored name
  std::vector<std::string> ignored;           ///< stored names the model passes over
  std::vector<std::string> unexpected;        ///< stored names that are nothing
  std::vector<std::string> clashes;           ///< messages: two stored names are one parameter
  std::map<std::string, int64_t> stripped;    ///< what was taken off -> number of tensors
  int64_t added = 0;                          ///< tensors that lacked the base prefix
  int64_t norms = 0;                          ///< "gamma" and "beta" read as weight and bias
};

Names match_names(const io::TensorMap& tensors, Model& model);

/// Untrusted names for a message, a few of them.
std::string listed(const std::vector<std::string>& names);

}  // namespace ssmi::model

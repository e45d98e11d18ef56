#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ssmi/core/json.h"
#include "ssmi/io/checkpoint.h"
#include "ssmi/model/batch.h"
#include "ssmi/model/parameter.h"
#include "ssmi/model/state_space.h"
#include "ssmi/model/tap.h"

namespace ssmi::model {

/// What every architecture tells of itself.
struct ModelInfo {
  std::string architecture;  ///< the config's model_type
  int64_t layers;            ///< blocks
  int64_t hidden_size;       ///< D
  int64_t vocab_size;
  std::vector<Site> sites;  ///< the sites its pass goes through
  /// Begins the names of all but a head; files may lack it or have it twice.
  std::string base_prefix;
  bool logits_per_row = false;  ///< the head gives one value a row, not one a token
  int64_t max_tokens = 0;       ///< the longest row it has positions for; 0: any length
  bool causal = false;          ///< nothing of a token depends on those behind it
};

/// An embedding, a list of blocks, a final norm and perhaps a head.
class Model {
 public:
  virtual ~Model() = default;
  virtual ModelInfo info() const = 0;
  /// Shows each parameter to `visitor`, in a fixed order.
  virtual void visit(const ParameterVisitor& visitor) = 0;
  /// What its user should know: a head that is absent, say.
  virtual std::vector<std::string> notes() const { return {}; }
  /// Whether a stored tensor that is no parameter may be passed over: a buffer, another class's
  /// head.
  virtual bool ignores(const std::string& /*name*/) const { return false; }
  /// Runs the pass as far as `tap` asks, handing it the values. Ids must be in [0, vocab_size).
  virtual void forward(const Batch& batch, const Tap& tap) const = 0;

  /// The fixed state kernels of every block and direction, in that order, computed in `type`
  /// (kFloat or kDouble) from the parameters; none where there are none. Only the parameters marked
  /// `state_space` need to be defined.
  virtual std::vector<StateKernels> state_kernels(at::ScalarType /*type*/) const { return {}; }
  /// The same for selective blocks, in float64.
  virtual std::vector<SelectiveDynamics> selective_dynamics() const { return {}; }

  /// Where its parameters lie; forward() wants its batch there too.
  at::Device device() const { return device_; }
  /// Puts every parameter that is defined on a device; tied ones stay one tensor.
  void move(at::Device device);

 private:
  at::Device device_ = at::kCPU;
};

/// The model_types that can be opened, sorted.
std::vector<std::string> architectures();

/// Whether this is a config of the original package mamba_ssm, which has no model_type and can be
/// opened nevertheless.
bool is_mamba_ssm(const Json& config);

/// Makes the model a config describes, its parameters undefined. `where` names the config in
/// messages; `stored` are the checkpoint's tensors, if there is one, which tell what the config may
/// leave open (its head). Throws Error{kBadInput} for an unknown model_type (with the list of known
/// ones) or a config that is not valid.
std::unique_ptr<Model> make_model(const Json& config, const std::string& where,
                                  const io::TensorMap* stored = nullptr);

/// A checkpoint's model and what its user should know: prefixes taken off names, tensors passed
/// over, state-space parameters in half precision, a head that is absent.
struct Loaded {
  std::unique_ptr<Model> model;
  std::vector<std::string> notes;
};

/// Makes the checkpoint's model, its parameters undefined, after checking that the files hold what
/// the config describes. docs/formats.md has the rules of names. Throws Error{kBadInput} naming
/// missing, unexpected and wrongly shaped tensors.
Loaded checked_model(const io::Checkpoint& checkpoint);

/// Whether to take a parameter.
using ParameterFilter = std::function<bool(const Parameter&)>;
inline bool is_state_space(const Parameter& parameter) {
  return parameter.state_space;
}
/// What hidden states need: all but the head.
inline bool is_of_body(const Parameter& parameter) {
  return !parameter.head;
}

/// Makes the checkpoint's model and fills every parameter that `takes` does (all of them without
/// one). float32 is used where it lies in the mapped file, other floating types become float32.
/// Throws as checked_model().
Loaded load_model(const io::Checkpoint& checkpoint, const ParameterFilter& takes = {});

/// Fills every parameter that `takes` does (all of them without one) by the architecture's own
/// initialisation, each from its own random stream, so that it gets the same values whichever
/// others are taken.
void initialise(Model& model, uint64_t seed, const ParameterFilter& takes = {});

/// The number of distinct values: tied parameters count once. Throws Error{kBadInput} when it
/// does not fit 63 bits.
int64_t parameter_count(Model& model);

/// Shows each parameter that is not just another name of one shown before.
void visit_distinct(Model& model, const ParameterVisitor& visitor);

/// Writes further files into a folder before it appears.
using FolderWriter = std::function<void(const std::filesystem::path& folder)>;

/// Writes config.json and model.safetensors into `folder`, which appears only when complete, with
/// what `more` writes. `dtype` is kF32, kF16 or kBF16; state-space parameters and vectors (norms,
/// biases) stay float32 in all of them. Throws Error{kDisk}, also when the folder exists,
/// Error{kMismatch} when a value is beyond float16.
void save_model(Model& model, const Json& config, const std::filesystem::path& folder,
                io::Dtype dtype = io::Dtype::kF32, const FolderWriter& more = {});

/// Throws Error{kMismatch} naming the first id outside [0, vocab_size), or a row longer than
/// max_tokens.
void check_batch(const Batch& batch, const ModelInfo& info);

}  // namespace ssmi::model

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
};

/// An embedding, a list of blocks, a final norm and perhaps a head.
class Model {
 public:
  virtual ~Model() = default;
  virtual ModelInfo info() const = 0;
  /// Shows each parameter to `visitor`, in a fixed order.
  virtual void visit(const ParameterVisitor& visitor) = 0;
  /// Runs the pass as far as `tap` asks, handing it the values. Ids must be in [0, vocab_size).
  virtual void forward(const Batch& batch, const Tap& tap) const = 0;

  /// The fixed state kernels of every block and direction, in that order, computed in `type`
  /// (kFloat or kDouble) from the parameters; none where there are none. Only the parameters marked
  /// `state_space` need to be defined.
  virtual std::vector<StateKernels> state_kernels(at::ScalarType /*type*/) const { return {}; }
  /// The same for selective blocks, in float64.
  virtual std::vector<SelectiveDynamics> selective_dynamics() const { return {}; }
};

/// The model_types that can be opened, sorted.
std::vector<std::string> architectures();

/// Makes the model a config describes, its parameters undefined. `where` names the config in
/// messages. Throws Error{kBadInput} for an unknown model_type (with the list of known ones) or a
/// config that is not valid.
std::unique_ptr<Model> make_model(const Json& config, const std::string& where);

/// Makes the checkpoint's model, its parameters undefined, after checking that the files hold what
/// the config describes. Throws Error{kBadInput} naming missing, unexpected and wrongly shaped
/// tensors.
std::unique_ptr<Model> checked_model(const io::Checkpoint& checkpoint);

/// Makes the checkpoint's model and fills it. float32 is used where it lies in the mapped file,
/// float16 and bfloat16 become float32. Throws as checked_model().
std::unique_ptr<Model> load_model(const io::Checkpoint& checkpoint);

/// Whether to take a parameter.
using ParameterFilter = std::function<bool(const Parameter&)>;

/// Fills every parameter that `takes` does (all of them without one) by the architecture's own
/// initialisation, each from its own random stream, so that it gets the same values whichever
/// others are taken.
void initialise(Model& model, uint64_t seed, const ParameterFilter& takes = {});

int64_t parameter_count(Model& model);

/// Writes config.json and model.safetensors into `folder`, which appears only when complete. Throws
/// Error{kDisk}, also when the folder exists.
void save_model(Model& model, const Json& config, const std::filesystem::path& folder);

/// Throws Error{kMismatch} naming the first id outside [0, vocab_size).
void check_ids(const Batch& batch, int64_t vocab_size);

}  // namespace ssmi::model

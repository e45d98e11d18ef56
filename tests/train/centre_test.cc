#include "ssmi/train/centre.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>

#include <map>

#include "ssmi/model/forward_rows.h"
#include "ssmi/task/embedding.h"
#include "support.h"

namespace ssmi::train {
namespace {

using Rows = std::vector<std::vector<int64_t>>;

Json config_of(const char* architecture) {
  if (std::string(architecture) == "codessm") {
    return {{"model_type", "codessm"},
            {"architectures", {"CodeSSMModel"}},
            {"vocab_size", 12},
            {"hidden_size", 8},
            {"intermediate_size", 16},
            {"num_hidden_layers", 2},
            {"num_ssm", 4},
            {"type_vocab_size", 1}};
  }
  if (std::string(architecture) == "rocoder") {
    return {
        {"model_type", "rocoder"},  {"architectures", {"RoCoderModel"}}, {"vocab_size", 12},
        {"hidden_size", 8},         {"intermediate_size", 16},           {"num_hidden_layers", 2},
        {"num_attention_heads", 2}, {"max_position_embeddings", 32},     {"type_vocab_size", 1}};
  }
  return {{"model_type", "mamba"}, {"architectures", {"MambaModel"}}, {"vocab_size", 12},
          {"hidden_size", 8},      {"num_hidden_layers", 2},          {"state_size", 4}};
}

at::Tensor mean_state(const model::Model& model, const Rows& rows) {
  at::Tensor sum = at::zeros({8});
  for (const auto& row : rows) {
    sum +=
        model::value_at(model, model::pack({&row, 1}), task::embedding_point(model.info())).mean(0);
  }
  return sum / static_cast<double>(rows.size());
}

TEST_CASE("centre: one bias moves, and the mean embedding is zero") {
  const Rows rows{{1, 2, 3, 4}, {5, 6}, {7, 8, 9, 10, 11}, {2, 2}};
  for (const char* architecture : {"codessm", "rocoder"}) {
    CAPTURE(architecture);
    const auto model = model::make_model(config_of(architecture), "c.json");
    model::initialise(*model, 3);
    std::map<std::string, at::Tensor> before;
    model::visit_distinct(*model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
      if (parameter.name.ends_with("bias")) tensor += 0.5;  // all are 0 as they are born
      before[parameter.name] = tensor.clone();
    });
    REQUIRE(at::linalg_vector_norm(mean_state(*model, rows)).item<double>() > 0.1);
    CHECK(centre_embeddings(*model, rows));
    CHECK(at::linalg_vector_norm(mean_state(*model, rows)).item<double>() < 1e-5);
    int moved = 0;
    model::visit_distinct(*model, [&](const model::Parameter& parameter, at::Tensor& tensor) {
      CHECK(!tensor.requires_grad());
      if (!tensor.equal(before.at(parameter.name))) ++moved;
    });
    CHECK(moved == 1);
  }
}

TEST_CASE("centre: nothing moves where nothing is added last") {
  const auto model = model::make_model(config_of("mamba"), "c.json");
  model::initialise(*model, 3);
  const Rows rows{{1, 2, 3}};
  const at::Tensor before = mean_state(*model, rows);
  CHECK(!centre_embeddings(*model, rows));
  CHECK(mean_state(*model, rows).equal(before));
  CHECK(!centre_embeddings(*model, {}));
}

}  // namespace
}  // namespace ssmi::train

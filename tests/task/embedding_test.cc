#include "ssmi/task/embedding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include "ssmi/model/forward_rows.h"
#include "task/words.h"

namespace ssmi::task {
namespace {

std::unique_ptr<model::Model> small_model() {
  const Json config{{"model_type", "codessm"},
                    {"hidden_size", 8},
                    {"intermediate_size", 16},
                    {"num_hidden_layers", 2},
                    {"num_ssm", 4},
                    {"vocab_size", 11},
                    {"type_vocab_size", 2},
                    {"layer_norm_eps", 1e-12},
                    {"initializer_range", 0.5},
                    {"hidden_act", "gelu"}};
  auto model = model::make_model(config, "test");
  model::initialise(*model, 1);
  return model;
}

TEST_CASE("embedding: the mean over a row's tokens, of length one") {
  const auto model = small_model();
  CHECK((embedding_point(model->info()) == model::hidden_state(2)));
  const std::vector<std::vector<int64_t>> rows{{5, 6, 7, 8}, {9}, {5, 5, 6}};
  std::vector<at::Tensor> expected(3);
  model::forward_rows(
      *model, rows, {model::hidden_state(2)}, 100,
      [&](size_t row, model::Site, int64_t, const at::Tensor& value) {
        const at::Tensor sum = value.sum(0);
        expected[row] = (sum / at::linalg_vector_norm(sum)).clone();
      },
      [](size_t) {});
  NoProgress none;
  const at::Tensor want = at::stack(expected);
  for (const int64_t batch_tokens : {1, 100})
    CHECK(at::allclose(embed_rows(*model, rows, batch_tokens, none), want, 1e-4, 1e-5));
  CHECK(at::allclose(embeddings(*model, model::pack(rows)), want, 1e-4, 1e-5));
}

TEST_CASE("embedding: of a text its first tokens, markers included") {
  const auto tokenizer = test::words();
  CHECK(first_tokens(*tokenizer, "a b c", 3) == std::vector<int64_t>{1, 5, 6});
  CHECK(first_tokens(*tokenizer, "a b c", 9) == std::vector<int64_t>{1, 5, 6, 7, 2});
}

}  // namespace
}  // namespace ssmi::task

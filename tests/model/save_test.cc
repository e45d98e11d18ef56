#include <ATen/ops/equal.h>

#include "ssmi/model/model.h"
#include "support.h"

namespace ssmi::model {
namespace {

using test::check_fails;
using test::TemporaryFolder;

/// An embedding, a head tied to it and one of its own, all of one shape.
struct TiedModel : Model {
  explicit TiedModel(std::vector<int64_t> all) : shape(std::move(all)) {}
  ModelInfo info() const override { return {"tied", 1, 2, 3, {}, "base."}; }
  void forward(const Batch&, const Tap&) const override {}
  void visit(const ParameterVisitor& visitor) override {
    visitor({"base.embedding", shape, uniform(-1, 1)}, embedding);
    visitor({"head", shape, uniform(-1, 1), false, "base.embedding"}, head);
    visitor({"other", shape, uniform(-1, 1), true}, other);
  }

  std::vector<int64_t> shape;
  at::Tensor embedding, head, other;
};

TEST_CASE("initialise: a tied parameter is the other's tensor and counts once") {
  TiedModel model({3, 2});
  CHECK(parameter_count(model) == 12);
  initialise(model, 1);
  CHECK(model.head.is_same(model.embedding));
  CHECK(!at::equal(model.other, model.embedding));
  CHECK(parameter_count(model) == 12);
  model.head = model.embedding.clone();
  CHECK(parameter_count(model) == 18);
}

TEST_CASE("initialise: what is filled does not depend on what else is") {
  TiedModel all({3, 2}), some({3, 2});
  initialise(all, 1);
  initialise(some, 1, [](const Parameter& parameter) { return parameter.state_space; });
  CHECK(!some.embedding.defined());
  CHECK(!some.head.defined());
  CHECK(at::equal(some.other, all.other));
}

TEST_CASE("count: more parameters than 63 bits count are refused") {
  TiedModel square({int64_t{1} << 32, int64_t{1} << 32}), sum({int64_t{1} << 31, int64_t{1} << 31});
  check_fails(ExitCode::kBadInput, "more than 9223372036854775807 parameters",
              [&] { parameter_count(square); });
  check_fails(ExitCode::kBadInput, "more than 9223372036854775807 parameters",
              [&] { parameter_count(sum); });
}

TEST_CASE("save: a tied parameter is written once") {
  const TemporaryFolder folder;
  TiedModel model({3, 2});
  initialise(model, 1);
  save_model(model, {{"model_type", "tied"}}, folder / "out");
  const auto tensors = io::open_checkpoint(folder / "out").tensors;
  CHECK(tensors.size() == 2);
  CHECK(tensors.contains("base.embedding"));
  CHECK(!tensors.contains("head"));
}

}  // namespace
}  // namespace ssmi::model

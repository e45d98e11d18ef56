#include "ssmi/train/config.h"

#include <vector>

#include "support.h"
#include "tiny.h"

namespace ssmi::train {
namespace {

using ssmi::test::check_fails;

TEST_CASE("train config: the schedule rises in a line and falls along half a cosine") {
  TrainConfig config = test::tiny_config();
  config.warmup = 4;
  config.steps = 12;
  config.final_learning_rate = 0.1;
  CHECK(schedule(config, 1) == 0.25);
  CHECK(schedule(config, 4) == 1);
  CHECK(schedule(config, 6) == doctest::Approx(0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2));
  CHECK(schedule(config, 8) == doctest::Approx(0.55));
  CHECK(schedule(config, 12) == doctest::Approx(0.1));
  config.warmup = 0;
  CHECK(schedule(config, 1) < 1);
  config.warmup = config.steps = 3;
  CHECK(schedule(config, 3) == 1);
}

TEST_CASE("train config: values are put over the file's") {
  Json json = test::tiny_json();
  const std::vector<std::string> values{"steps=7",      "learning_rate=1e-4",
                                        "layers=3",     "model.hidden_size=16",
                                        "objective=lm", "model.high_frequency=true"};
  set_values(json, values);
  const TrainConfig config = read_train_config(json, "c.json");
  CHECK(config.steps == 7);
  CHECK(config.learning_rate == 1e-4);
  CHECK(config.objective == Objective::kNextToken);
  CHECK(config.model["num_hidden_layers"] == 3);
  CHECK(config.model["hidden_size"] == 16);
  CHECK(config.model["high_frequency"] == true);
  const auto refused = [&](const std::string& value, const std::string& message) {
    check_fails(ExitCode::kUsage, message,
                [&] { set_values(json, std::vector<std::string>{value}); });
  };
  refused("step=7", "--set step=7: the configuration has no key 'step'");
  refused("model.hidden_size.of=7", "has no key 'model.hidden_size.of'");
  refused("steps.of=7", "has no key 'steps.of'");
  refused("steps", "expected KEY=VALUE");
  refused("=3", "expected KEY=VALUE");
}

TEST_CASE("train config: what is missing, not known or out of range is refused by name") {
  const auto refused = [](const char* key, const Json& value, const std::string& message) {
    CAPTURE(key);
    Json json = test::tiny_json();
    json[key] = value;
    check_fails(ExitCode::kBadInput, message, [&] { read_train_config(json, "c.json"); });
  };
  refused("learning_rat", 1, "c.json: key 'learning_rat' is not known");
  refused("steps", 0, "'steps'");
  refused("steps", "many", "'steps'");
  refused("beta1", 1, "'beta1' is 1, expected 0 to");
  refused("learning_rate", -1, "'learning_rate' is -1, expected 0 to 10");
  refused("objective", "clm",
          "objective 'clm' is not known; known are: mlm, lm, types, code-search, sqa");
  refused("batch_tokens", 12, "'batch_tokens' is 12, expected a multiple of 'length', which is 8");
  refused("warmup", 6, "'warmup' is 6, expected fewer than 'steps', which is 6");
  refused("model", 1, "'model' should be an object");
  Json json = test::tiny_json();
  json.erase("warmup");
  check_fails(ExitCode::kBadInput, "'warmup' is missing",
              [&] { read_train_config(json, "c.json"); });
}

}  // namespace
}  // namespace ssmi::train

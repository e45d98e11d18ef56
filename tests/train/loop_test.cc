#include "ssmi/train/loop.h"

#include <ATen/ops/cross_entropy_loss.h>

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "ssmi/core/file.h"
#include "ssmi/task/masking.h"
#include "support.h"
#include "tiny.h"

namespace ssmi::train {
namespace {

namespace fs = std::filesystem;
using ssmi::test::check_fails;
using ssmi::test::TemporaryFolder;

task::TokenBatch batch_of(int64_t step) {
  Random random(7, std::to_string(step));
  task::TokenRows rows(2);
  for (auto& row : rows) {
    for (int i = 0; i < 8; ++i)
      row.push_back(static_cast<int64_t>(3 + random.below(9)));
  }
  return task::Masking({.mask = 0, .all = {0, 1, 2}}, 12).batch(rows, random);
}

StepLoss loss_of(const model::Model& model, int64_t step) {
  const task::TokenBatch batch = batch_of(step);
  const std::pair<model::Site, int64_t> point{model::Site::kLogits, 0};
  at::Tensor logits;
  model.forward(batch.batch, model::Tap({&point, 1}, [&](model::Site, int64_t, at::Tensor& value) {
                  logits = value.index_select(0, batch.positions);
                }));
  return {at::cross_entropy_loss(logits, batch.labels), batch.batch.ids.numel()};
}

Work work(int64_t breaks_at = -1) {
  return {.loss =
              [=](const model::Model& model, int64_t step) {
                if (step == breaks_at) throw std::runtime_error("killed");
                return loss_of(model, step);
              },
          .validate =
              [](const model::Model& model) {
                return Json{{"validation_loss", loss_of(model, -1).value.item<double>()}};
              }};
}

std::unique_ptr<model::Model> fresh_model(const TrainConfig& config) {
  auto model = model::make_model(config.model, "tiny.json");
  model::initialise(*model, config.seed);
  return model;
}

void run(const fs::path& folder, const Work& data, model::Model& model) {
  const TrainConfig config = test::tiny_config();
  NoProgress progress;
  train(config, data, {config.model, {{"tokenizer.json", "{}"}}},
        RunFolder(folder, test::tiny_json()), model, progress);
}

void run(const fs::path& folder, const Work& data) {
  run(folder, data, *fresh_model(test::tiny_config()));
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

std::string content(const fs::path& path) {
  return read_file(path, 1 << 20);
}

TEST_CASE("train loop: checkpoints are folders, the newest has the optimiser's state") {
  const TemporaryFolder folder;
  run(folder / "run", work());
  CHECK(names_in(folder / "run") == std::set<std::string>{"log.jsonl", "run.json", "step-00000002",
                                                          "step-00000004", "step-00000006"});
  const std::set<std::string> plain{"config.json", "model.safetensors", "tokenizer.json"};
  CHECK(names_in(folder / "run" / "step-00000002") == plain);
  std::set<std::string> whole = plain;
  whole.insert("optimizer.safetensors");
  CHECK(names_in(folder / "run" / "step-00000006") == whole);
}

TEST_CASE("train loop: a run that broke off goes on to the same bytes") {
  const TemporaryFolder folder;
  run(folder / "whole", work());
  for (const int64_t step : {1, 3, 4, 6}) {
    CAPTURE(step);
    const fs::path broken = folder / std::to_string(step);
    CHECK_THROWS_WITH(run(broken, work(step)), "killed");
    run(broken, work());
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      CHECK(content(broken / "step-00000006" / name) ==
            content(folder / "whole" / "step-00000006" / name));
    }
    const auto steps_of = [](const fs::path& log) {
      std::vector<int64_t> steps;
      std::istringstream lines(content(log));
      for (std::string line; std::getline(lines, line);)
        steps.push_back(Json::parse(line)["step"].get<int64_t>());
      return steps;
    };
    CHECK(steps_of(broken / "log.jsonl") == std::vector<int64_t>{1, 2, 3, 3, 4, 5, 6, 6});
  }
  run(folder / "whole", work(1));  // nothing is left to do
}

TEST_CASE("train loop: the loss falls on what can be learned") {
  const TemporaryFolder folder;
  TrainConfig config = test::tiny_config();
  config.steps = config.checkpoint_every = config.validate_every = 60;
  Work same = work();
  same.loss = [](const model::Model& model, int64_t) { return loss_of(model, 1); };
  const auto model = fresh_model(config);
  NoProgress progress;
  train(config, same, {config.model, {}}, RunFolder(folder / "run", {}), *model, progress);
  std::istringstream lines(content(folder / "run" / "log.jsonl"));
  std::vector<double> losses;
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line);
    if (entry.contains("loss")) losses.push_back(entry["loss"].get<double>());
  }
  CHECK(losses.size() == 60);
  CHECK(losses.front() == doctest::Approx(std::log(12)).epsilon(0.2));
  CHECK(losses.back() < 0.5 * losses.front());
}

TEST_CASE("train loop: a loss that is not finite ends the run and leaves the checkpoints") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(run(folder / "run", work(3)), "killed");
  const std::string before = content(folder / "run" / "step-00000002" / "model.safetensors");
  Work bad = work();
  const TrainConfig config = test::tiny_config();
  const auto model = fresh_model(config);
  bad.loss = [&](const model::Model& given, int64_t) {
    model->visit([](const model::Parameter&, at::Tensor& tensor) { tensor.detach().fill_(NAN); });
    return loss_of(given, 1);
  };
  check_fails(ExitCode::kCheckFailed, "step 3: the loss is nan",
              [&] { run(folder / "run", bad, *model); });
  CHECK(content(folder / "run" / "step-00000002" / "model.safetensors") == before);
  CHECK(RunFolder(folder / "run", test::tiny_json()).newest() == 2);
}

TEST_CASE("train loop: a folder without a checkpoint is open to another run") {
  const TemporaryFolder folder;
  CHECK(!has_checkpoint(folder / "run"));
  CHECK(!fs::exists(folder / "run"));
  Work bad = work();
  bad.loss = [](const model::Model& model, int64_t step) {
    StepLoss loss = loss_of(model, step);
    loss.value = loss.value * NAN;
    return loss;
  };
  check_fails(ExitCode::kCheckFailed, "there is no checkpoint yet",
              [&] { run(folder / "run", bad); });
  Json other = test::tiny_json();
  other["seed"] = 2;
  CHECK(!RunFolder(folder / "run", other).newest());
  run(folder / "run", work());
  check_fails(ExitCode::kMismatch, "holds another run: seed was 1, now 2",
              [&] { RunFolder(folder / "run", other); });
}

TEST_CASE(
    "train loop: it says where the checkpoint is, from where it goes on, with how many threads") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(run(folder / "run", work(3)), "killed");
  const fs::path path = folder / "run" / "run.json";
  Json begun = Json::parse(content(path));
  begun["threads"] = begun["threads"].get<int>() + 1;
  write_file(path, to_text(begun));
  std::string said;
  struct : NoProgress {
    std::string* said = nullptr;
    uint64_t skipped = 0;
    void note(std::string_view line) override { said->append(line).append("\n"); }
    void skip(uint64_t units) override { skipped = units; }
  } progress;
  progress.said = &said;
  const auto again = [&] {
    said.clear();
    const TrainConfig config = test::tiny_config();
    train(config, work(), {config.model, {}}, RunFolder(folder / "run", test::tiny_json()),
          *fresh_model(config), progress);
  };
  const auto is_said = [&](const std::string& text) { return said.find(text) != said.npos; };
  again();
  CHECK(progress.skipped == 2);
  CHECK(is_said("going on after step 2"));
  CHECK(is_said(fmt::format("the run began with {} threads and goes on with {}",
                            begun["threads"].get<int>(), begun["threads"].get<int>() - 1)));
  const std::string where = (folder / "run" / "step-00000006").string();
  CHECK(is_said("the checkpoint of step 6 is " + where));
  again();
  CHECK(!is_said("going on"));
  begun.erase("threads");  // as runs were before
  write_file(path, to_text(begun));
  again();
  CHECK(is_said("all 6 steps are done"));
  CHECK(is_said("the checkpoint of step 6 is " + where));
}

TEST_CASE("train loop: without the optimiser's state nothing is trained over the checkpoints") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(run(folder / "run", work(3)), "killed");
  fs::remove(folder / "run" / "step-00000002" / "optimizer.safetensors");
  check_fails(ExitCode::kMismatch, "holds checkpoints, but none with its optimizer.safetensors",
              [&] { run(folder / "run", work()); });
}

TEST_CASE("train loop: a folder of another run, and a damaged state, are refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(run(folder / "run", work(3)), "killed");
  Json other = test::tiny_json();
  other["seed"] = 2;
  check_fails(ExitCode::kMismatch, "holds another run: seed was 1, now 2",
              [&] { RunFolder(folder / "run", other); });
  other = test::tiny_json();
  other.erase("seed");
  check_fails(ExitCode::kMismatch, "holds another run: seed was 1, now absent",
              [&] { RunFolder(folder / "run", other); });
  const fs::path state = folder / "run" / "step-00000002" / "optimizer.safetensors";
  write_file(state, content(folder / "run" / "step-00000002" / "model.safetensors"));
  check_fails(ExitCode::kBadInput, "optimizer.safetensors: 'bigs",
              [&] { run(folder / "run", work()); });
}

}  // namespace
}  // namespace ssmi::train

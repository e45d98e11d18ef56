#include "ssmi/train/loop.h"

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <chrono>
#include <cmath>
#include <sstream>

#include "ssmi/core/error.h"
#include "ssmi/core/file.h"
#include "ssmi/train/optimizer.h"

namespace ssmi::train {
namespace {

constexpr const char* kLog = "log.jsonl";
constexpr uint64_t kMaxLog = uint64_t{1} << 30;

/// Takes back what was logged after `step`, by a run that was killed before its next checkpoint.
void cut_log(const std::filesystem::path& path, int64_t step) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  std::istringstream lines(read_file(path, kMaxLog));
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line, nullptr, false);
    if (!entry.is_object() || !entry.contains("step") || !entry["step"].is_number_integer())
      continue;
    if (entry["step"].get<int64_t>() <= step) kept += line + "\n";
  }
  write_file(path, kept);
}

class Run {
 public:
  Run(const TrainConfig& config, const Work& work, const Made& made, const RunFolder& folder,
      model::Model& model, Progress& progress)
      : config_(config),
        work_(work),
        made_(made),
        folder_(folder),
        model_(model),
        progress_(progress),
        optimizer_(model, config) {}

  void go() {
    resume();
    progress_.begin("training", "steps", static_cast<uint64_t>(config_.steps));
    progress_.skip(static_cast<uint64_t>(saved_));
    began_ = std::chrono::steady_clock::now();
    for (int64_t step = saved_ + 1; step <= config_.steps; ++step) {
      update(step);
      if (step % config_.validate_every == 0 || step == config_.steps) log_validation(step);
      const bool last = step == config_.steps;
      if (last || step % config_.checkpoint_every == 0) save();
      progress_.advance(1);
      stop_if_asked();
    }
    progress_.end();
    progress_.note(fmt::format("the checkpoint of step {} is {}", saved_,
                               folder_.checkpoint(saved_).string()));
  }

 private:
  void resume() {
    const auto newest = folder_.newest();
    if (newest) {
      folder_.restore(*newest, model_, optimizer_);
      saved_ = *newest;
      note_resumed();
    }
    cut_log(folder_.path() / kLog, saved_);
  }

  void note_resumed() {
    if (saved_ >= config_.steps) {
      progress_.note(fmt::format("{}: all {} steps are done", folder_.path().string(), saved_));
      return;
    }
    progress_.note(fmt::format("going on after step {} of {}", saved_, folder_.path().string()));
    const int now = at::get_num_threads();
    if (folder_.threads() == now) return;
    progress_.note(
        fmt::format("the run began with {} threads and goes on with {}: the bytes will "
                    "not be those of one number alone",
                    folder_.threads(), now));
  }

  void update(int64_t step) {
    const StepLoss loss = work_.loss(model_, step);
    loss.value.backward();
    const double factor = schedule(config_, step);
    const double norm = optimizer_.step(factor), value = loss.value.item<double>();
    if (!std::isfinite(norm) || !std::isfinite(value)) {
      fail(
          ExitCode::kCheckFailed,
          "step {}: the loss is {} and the gradient's norm {}; {}; a lower learning_rate, a longer "
          "warmup or a smaller clip may help",
          step, value, norm,
          saved_ == 0 ? "there is no checkpoint yet"
                      : fmt::format("the last checkpoint is that of step {}", saved_));
    }
    tokens_ += loss.tokens;
    sum_ += value;
    ++count_;
    norm_ = norm;
    if (step % config_.log_every == 0 || step == config_.steps) log_training(step);
  }

  /// What was done since the last line.
  void log_training(int64_t step) {
    if (count_ == 0) return;
    const double loss = sum_ / static_cast<double>(count_);
    const double rate = static_cast<double>(tokens_) / seconds();
    log({{"step", step},
         {"loss", loss},
         {"gradient_norm", norm_},
         {"learning_rate", config_.learning_rate * schedule(config_, step)},
         {"tokens", tokens_ - logged_tokens_},
         {"tokens_per_second", rate}});
    progress_.detail(fmt::format("loss {:.4f}, {:.0f} tokens/s", loss, rate));
    sum_ = 0;
    count_ = 0;
    logged_tokens_ = tokens_;
  }

  void log_validation(int64_t step) {
    const at::NoGradGuard no_gradients;
    Json line{{"step", step}};
    std::string text = fmt::format("step {}:", step);
    const auto start = std::chrono::steady_clock::now();
    const Json found = work_.validate(model_);
    began_ += std::chrono::steady_clock::now() - start;  // it is no training
    if (found.empty()) return;
    for (const auto& [key, value] : found.items()) {
      line[key] = value;
      text += fmt::format(" {} {:.4f},", key, value.get<double>());
    }
    log(line);
    progress_.note(
        fmt::format("{} {:.0f} tokens/s", text, static_cast<double>(tokens_) / seconds()));
  }

  void save() {
    log_training(optimizer_.steps());  // a run that goes on begins a new sum
    folder_.save(model_, made_.config, made_.tokenizer, optimizer_);
    saved_ = optimizer_.steps();
  }

  /// A signal leaves a checkpoint of what was done.
  void stop_if_asked() {
    try {
      check_interrupted();
    } catch (const Error&) {
      if (saved_ != optimizer_.steps()) save();
      progress_.note(fmt::format("stopped after step {}; the same command goes on", saved_));
      throw;
    }
  }

  double seconds() const {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began_;
    return passed.count();
  }

  void log(const Json& line) { append_line(folder_.path() / kLog, to_text(line)); }

  const TrainConfig& config_;
  const Work& work_;
  const Made& made_;
  const RunFolder& folder_;
  model::Model& model_;
  Progress& progress_;
  AdamW optimizer_;
  int64_t saved_ = 0;  // the newest checkpoint's step
  std::chrono::steady_clock::time_point began_;
  int64_t tokens_ = 0, logged_tokens_ = 0, count_ = 0;
  double sum_ = 0, norm_ = 0;
};

}  // namespace

void train(const TrainConfig& config, const Work& work, const Made& made, const RunFolder& folder,
           model::Model& model, Progress& progress) {
  Run(config, work, made, folder, model, progress).go();
}

}  // namespace ssmi::train

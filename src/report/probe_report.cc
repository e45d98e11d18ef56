#include "ssmi/report/probe_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "rows.h"
#include "short_number.h"
#include "ssmi/analysis/probe/task.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::report {
namespace {

Json linear_json(const probe::LinearDetail& detail) {
  return {{"l2", detail.l2},
          {"validation_accuracy", detail.validation_accuracy},
          {"gradient_norm", detail.gradient_norm},
          {"converged", detail.converged},
          {"bits", optional_json(detail.bits)},
          {"compression", optional_json(detail.compression)}};
}

Json ridge_json(const probe::RidgeDetail& detail) {
  return {{"l2", detail.l2}, {"validation_accuracy", detail.validation_accuracy}};
}

Json directprobe_json(const probe::DirectProbeDetail& detail) {
  return {{"capacity", detail.capacity},
          {"undecided", detail.undecided},
          {"unfinished_distances", detail.unfinished_distances},
          {"min_distance", optional_json(detail.min_distance)},
          {"mean_distance", optional_json(detail.mean_distance)},
          {"max_distance", optional_json(detail.max_distance)}};
}

Json label_accuracies(const probe::Result& result) {
  Json labels = Json::object();
  for (size_t i = 0; i < result.labels.size(); ++i) {
    const double value = result.evaluation.per_label_accuracy[i];
    labels[result.labels[i]] = std::isnan(value) ? Json(nullptr) : Json(value);
  }
  return labels;
}

Json token_json(const probe::TokenPlace& token) {
  return {{"line", token.line},
          {"column", token.column},
          {"text", excerpt(token.text)},
          {"source", token.source}};
}

Json mistake_json(const probe::Result& result, const probe::Mistake& mistake) {
  const auto label = [&](int64_t place) { return result.labels[static_cast<size_t>(place)]; };
  const probe::PairPlace& place = mistake.place;
  Json object{
      {"path", place.path}, {"function", place.function}, {"first", token_json(place.first)}};
  if (place.second) object["second"] = token_json(*place.second);
  object["label"] = label(mistake.label);
  object["predicted"] = label(mistake.predicted);
  object["probability"] = mistake.probability;
  return object;
}

}  // namespace

Json probe_row(const probe::Result& result) {
  const auto& evaluation = result.evaluation;
  Json row{
      {"checkpoint", result.checkpoint.empty() ? Json(nullptr) : Json(result.checkpoint)},
      {"task", result.task},
      {"layer", optional_json(result.layer)},
      {"draw", result.draw},
      {"probe", result.probe},
      {"control", result.control},
      {"accuracy", evaluation.accuracy},
      {"low", evaluation.low},
      {"high", evaluation.high},
      {"per_label_accuracy", label_accuracies(result)},
      {"mean_label_accuracy", evaluation.mean_label_accuracy},
      {"confusion", evaluation.confusion},
      {"clusters", result.directprobe ? Json(result.directprobe->clusters) : Json(nullptr)},
      {"train", result.train},
      {"test", result.test},
      {"dropped",
       {{"missing_pairs", result.missing_pairs}, {"identical_vectors", result.identical_vectors}}},
      {"linear", result.linear ? linear_json(*result.linear) : Json(nullptr)},
      {"ridge", result.ridge ? ridge_json(*result.ridge) : Json(nullptr)},
      {"directprobe", result.directprobe ? directprobe_json(*result.directprobe) : Json(nullptr)}};
  if (!result.layer) return row;  // mistakes of a model alone, which have places
  for (const probe::Mistake& mistake : result.mistakes)
    row["mistakes"].push_back(mistake_json(result, mistake));
  return row;
}

Json probe_data(const probe::SuiteData& data) {
  return {{"functions", data.functions},
          {"probed", data.probed},
          {"dropped", data.dropped},
          {"pairs_sha256", data.pairs_sha256}};
}

namespace {

bool is_row(const Json& row, const Json& checkpoint, const std::string& task,
            const std::string& probe, const std::string& control) {
  return row["checkpoint"] == checkpoint && row["task"] == task && row["probe"] == probe &&
         row["control"] == control && row["draw"] == 0;
}

/// The block (not the embedding) with the best validation accuracy; null when there is none.
const Json* best_block(const Json& rows, const Json& checkpoint, const std::string& task,
                       const std::string& control) {
  const Json* best = nullptr;
  const auto validated = [](const Json& row) {
    return row["linear"]["validation_accuracy"].get<double>();
  };
  for (const Json& row : rows) {
    if (!is_row(row, checkpoint, task, "linear", control) || row["layer"] == 0) continue;
    if (best == nullptr || validated(row) > validated(*best)) best = &row;
  }
  return best;
}

/// Mean accuracy of the twins, each at its own best block; null without twins.
Json twins_mean(const Json& rows, const Json& checkpoint, const std::string& task) {
  double sum = 0;
  int count = 0;
  while (const Json* twin = best_block(rows, checkpoint, task, fmt::format("twin-{}", count + 1))) {
    sum += (*twin)["accuracy"].get<double>();
    ++count;
  }
  return count == 0 ? Json(nullptr) : Json(sum / count);
}

Json text_accuracy(const Json& rows, const std::string& task, const std::string& control) {
  for (const Json& row : rows) {
    if (is_row(row, nullptr, task, "linear", control)) return row["accuracy"];
  }
  return nullptr;
}

}  // namespace

Json probe_summary(const Json& rows) {
  Json summary = Json::array();
  for (const std::string& checkpoint : distinct(rows, "checkpoint")) {
    for (const std::string& task : distinct(rows, "task")) {
      const Json* best = best_block(rows, checkpoint, task, "none");
      if (best == nullptr) continue;
      summary.push_back({{"checkpoint", checkpoint},
                         {"task", task},
                         {"layer", (*best)["layer"]},
                         {"accuracy", (*best)["accuracy"]},
                         {"low", (*best)["low"]},
                         {"high", (*best)["high"]},
                         {"texts", text_accuracy(rows, task, "texts")},
                         {"texts_and_gap", text_accuracy(rows, task, "texts_and_gap")},
                         {"twins", twins_mean(rows, checkpoint, task)}});
    }
  }
  return summary;
}

namespace {

/// ".612"; "-" for null.
std::string number_or_dash(const Json& value) {
  return value.is_null() ? "-" : short_number(value.get<double>());
}

std::string with_interval(const Json& row) {
  return fmt::format("{} [{}, {}]", number_or_dash(row["accuracy"]), number_or_dash(row["low"]),
                     number_or_dash(row["high"]));
}

}  // namespace

std::string probe_sentence(const Json& summary) {
  std::string sentence;
  for (const Json& entry : summary) {
    sentence += sentence.empty() ? "" : "; ";
    sentence += fmt::format("block {} of {} tells {} right {} of the time",
                            entry["layer"].get<int64_t>(), entry["checkpoint"].get<std::string>(),
                            entry["task"].get<std::string>(), with_interval(entry));
    std::string beside;
    if (!entry["texts"].is_null()) {
      beside =
          entry["texts_and_gap"].is_null()
              ? fmt::format("its text alone {}", number_or_dash(entry["texts"]))
              : fmt::format("the two texts alone {}, with their distance {}",
                            number_or_dash(entry["texts"]), number_or_dash(entry["texts_and_gap"]));
    }
    if (!entry["twins"].is_null()) {
      beside += fmt::format("{}random weights {}", beside.empty() ? "" : ", ",
                            number_or_dash(entry["twins"]));
    }
    if (!beside.empty()) sentence += fmt::format(" ({})", beside);
  }
  return sentence;
}

namespace {

/// What a table shows of one layer.
struct LayerCells {
  std::string linear, ridge, shuffled, selectivity, compression, directprobe, clusters,
      shuffled_clusters, capacity;
  double accuracy = 0;
  double twin_accuracy = 0, twin_clusters = 0;
  int linear_twins = 0, directprobe_twins = 0;
};

void fill_cells(const Json& row, LayerCells& cells) {
  const auto control = row["control"].get<std::string>();
  const bool twin = control.starts_with("twin-");
  if (row["probe"] == "linear") {
    if (control == "none") {
      cells.linear = with_interval(row);
      cells.accuracy = row["accuracy"].get<double>();
      const Json& compression = row["linear"]["compression"];
      if (!compression.is_null()) {
        cells.compression = fmt::format("{:.2f}", compression.get<double>());
      }
    }
    if (control == "control_task") {  // behind the row of the labels themselves
      cells.selectivity = short_number(cells.accuracy - row["accuracy"].get<double>());
    }
    if (control == "shuffled") cells.shuffled = number_or_dash(row["accuracy"]);
    if (twin) cells.twin_accuracy += row["accuracy"].get<double>();
    cells.linear_twins += twin ? 1 : 0;
    return;
  }
  if (row["probe"] == "ridge") {
    if (control == "none") cells.ridge = number_or_dash(row["accuracy"]);
    return;
  }
  const auto clusters = row["clusters"].get<int64_t>();
  if (control == "none") {
    cells.directprobe = with_interval(row);
    cells.clusters = std::to_string(clusters);
    cells.capacity = fmt::format("{:.2f}", row["directprobe"]["capacity"].get<double>());
  }
  if (control == "shuffled") cells.shuffled_clusters = std::to_string(clusters);
  if (twin) cells.twin_clusters += static_cast<double>(clusters);
  cells.directprobe_twins += twin ? 1 : 0;
}

std::string mean_text(double sum, int count, int digits) {
  if (count == 0) return "-";
  if (digits == 3) return short_number(sum / count);
  return fmt::format("{:.1f}", sum / count);
}

std::string control_line(const Json& rows, const std::string& task) {
  std::string line;
  for (const Json& row : rows) {
    if (row["task"] != task || !row["checkpoint"].is_null()) continue;
    auto name = row["control"].get<std::string>();
    std::replace(name.begin(), name.end(), '_', ' ');
    line += fmt::format("  {} {}", name, with_interval(row));
  }
  if (line.empty()) return line;
  if (probe::items_of(task) == "tokens") line += "  texts and gap -";
  return " " + line + "\n";
}

/// Accuracy by how many training pairs there were, a line a layer; nothing without such rows.
std::string learning_curves(const Json& rows, const std::string& checkpoint,
                            const std::string& task) {
  std::map<int64_t, std::string> lines;
  for (const Json& row : rows) {
    if (row["checkpoint"] != checkpoint || row["task"] != task || row["control"] != "fewer_pairs")
      continue;
    lines[row["layer"].get<int64_t>()] +=
        fmt::format("  {} {}", row["train"].get<int64_t>(), number_or_dash(row["accuracy"]));
  }
  std::string text = lines.empty() ? "" : "  linear on fewer training pairs:\n";
  for (const auto& [layer, line] : lines)
    text += fmt::format("  {:<9}{}\n", layer_name(layer), line);
  return text;
}

std::string table(const Json& rows, const std::string& checkpoint, const std::string& task) {
  std::map<int64_t, LayerCells> layers;
  int64_t train = 0, test = 0;
  for (const Json& row : rows) {
    if (row["checkpoint"] != checkpoint || row["task"] != task || row["draw"] != 0) continue;
    fill_cells(row, layers[row["layer"].get<int64_t>()]);
    train = std::max(train, row["train"].get<int64_t>());
    test = std::max(test, row["test"].get<int64_t>());
  }
  if (layers.empty()) return {};
  std::string text = fmt::format("{}, {} ({} training and {} test {})\n", checkpoint, task, train,
                                 test, probe::items_of(task));
  text += control_line(rows, task);
  constexpr auto* kLine =
      "  {:<9} {:<19} {:>8} {:>6} {:>7} {:>6}   {:<19} {:>8} {:>8} {:>6} {:>8}{}\n";
  const bool ridged = !layers.begin()->second.ridge.empty();
  text += fmt::format(fmt::runtime(kLine), "layer", "linear", "shuffled", "twins", "select.",
                      "compr.", "directprobe", "clusters", "shuffled", "twins", "n/2(d+1)",
                      ridged ? "  ridge" : "");
  for (const auto& [layer, cells] : layers) {
    const auto dash = [](const std::string& value) { return value.empty() ? "-" : value; };
    text += fmt::format(fmt::runtime(kLine), layer_name(layer), dash(cells.linear),
                        dash(cells.shuffled), mean_text(cells.twin_accuracy, cells.linear_twins, 3),
                        dash(cells.selectivity), dash(cells.compression), dash(cells.directprobe),
                        dash(cells.clusters), dash(cells.shuffled_clusters),
                        mean_text(cells.twin_clusters, cells.directprobe_twins, 1),
                        dash(cells.capacity), ridged ? fmt::format("  {:>5}", cells.ridge) : "");
  }
  return text + learning_curves(rows, checkpoint, task) + "\n";
}

}  // namespace

std::string probe_tables(const Json& rows) {
  std::string text;
  for (const std::string& checkpoint : distinct(rows, "checkpoint")) {
    for (const std::string& task : distinct(rows, "task"))
      text += table(rows, checkpoint, task);
  }
  return text;
}

std::string vector_table(const Json& data, const Json& rows) {
  std::string text = fmt::format("{} training and {} test vectors of {} numbers, {} labels\n",
                                 data["train"].get<int64_t>(), data["test"].get<int64_t>(),
                                 data["columns"].get<int64_t>(), data["labels"].size());
  constexpr auto* kLine = "  {:<12} {:<9} {:<19} {:>8} {:>8}\n";
  text += fmt::format(fmt::runtime(kLine), "probe", "control", "accuracy", "clusters", "n/2(d+1)");
  for (const Json& row : rows) {
    const Json& detail = row["directprobe"];
    text += fmt::format(
        fmt::runtime(kLine), row["probe"].get<std::string>(), row["control"].get<std::string>(),
        with_interval(row), detail.is_null() ? "-" : std::to_string(row["clusters"].get<int64_t>()),
        detail.is_null() ? "-" : fmt::format("{:.2f}", detail["capacity"].get<double>()));
  }
  return text + "\n";
}

std::string probe_functions(const Json& data) {
  std::string left_out;
  for (const auto& [reason, count] : data["dropped"].items()) {
    if (count == 0) continue;
    std::string words = reason;
    std::replace(words.begin(), words.end(), '_', ' ');
    left_out += fmt::format("{}{} {}", left_out.empty() ? "; left out: " : ", ",
                            count.get<int64_t>(), words);
  }
  return fmt::format("{} of {} functions probed{}\n\n", data["probed"].get<int64_t>(),
                     data["functions"].get<int64_t>(), left_out);
}

}  // namespace ssmi::report

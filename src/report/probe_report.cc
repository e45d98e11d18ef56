#include "ssmi/report/probe_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "rows.h"
#include "short_number.h"
#include "ssmi/analysis/probe/compare.h"
#include "ssmi/analysis/probe/task.h"
#include "ssmi/core/excerpt.h"

namespace ssmi::report {
namespace {

Json linear_json(const probe::LinearDetail& detail) {
  return {{"l2", detail.l2},
          {"validation_accuracy", detail.validation_accuracy},
          {"gradient_norm", detail.gradient_norm},
          {"converged", detail.converged},
          {"selectivity", nullptr},  // see add_selectivity()
          {"bits", or_null(detail.bits)},
          {"code_l2", or_null(detail.code_l2)},
          {"compression", or_null(detail.compression)}};
}

Json ridge_json(const probe::RidgeDetail& detail) {
  return {{"l2", detail.l2}, {"validation_accuracy", detail.validation_accuracy}};
}

Json directprobe_json(const probe::DirectProbeDetail& detail) {
  return {{"capacity", detail.capacity},
          {"undecided", detail.undecided},
          {"unfinished_distances", detail.unfinished_distances},
          {"min_distance", or_null(detail.min_distance)},
          {"mean_distance", or_null(detail.mean_distance)},
          {"max_distance", or_null(detail.max_distance)}};
}

Json label_accuracies(const probe::Result& result) {
  Json labels = Json::object();
  for (size_t i = 0; i < result.labels.size(); ++i) {
    labels[result.labels[i]] = or_null(result.evaluation.per_label_accuracy[i]);
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
      {"checkpoint", or_null(result.checkpoint)},
      {"task", result.task},
      {"layer", or_null(result.layer)},
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

void add_selectivity(Json& rows) {
  const auto key = [](const Json& row) {
    return to_text(Json{row["checkpoint"], row["task"], row["layer"], row["draw"]});
  };
  std::map<std::string, double> control_tasks;
  for (const Json& row : rows) {
    if (row["control"] == "control_task") control_tasks[key(row)] = row["accuracy"];
  }
  for (Json& row : rows) {
    if (row["probe"] != "linear" || row["control"] != "none") continue;
    const auto found = control_tasks.find(key(row));
    if (found == control_tasks.end()) continue;
    row["linear"]["selectivity"] = row["accuracy"].get<double>() - found->second;
  }
}

Json probe_data(const probe::SuiteData& data) {
  return {{"functions", data.functions},
          {"probed", data.probed},
          {"dropped", data.dropped},
          {"pairs_sha256", data.pairs_sha256}};
}

namespace {

std::vector<const Json*> linear_rows(const Json& rows, const Json& checkpoint,
                                     const std::string& task, const std::string& control) {
  std::vector<const Json*> found;
  for (const Json& row : rows) {
    if (row["checkpoint"] == checkpoint && row["task"] == task && row["probe"] == "linear" &&
        row["control"] == control) {
      found.push_back(&row);
    }
  }
  return found;
}

/// Of the first draw at best_block(); null where there is none.
const Json* best_row(const Json& rows, const Json& checkpoint, const std::string& task,
                     const std::string& control) {
  const auto own = linear_rows(rows, checkpoint, task, control);
  std::vector<probe::Validated> validated;
  for (const Json* row : own) {
    validated.push_back(
        {(*row)["layer"].get<int64_t>(), (*row)["linear"]["validation_accuracy"].get<double>()});
  }
  const auto block = probe::best_block(validated);
  for (const Json* row : own) {
    if (block && (*row)["layer"] == *block && (*row)["draw"] == 0) return row;
  }
  return nullptr;
}

/// Mean accuracy of the twins, each at its own best block; null without twins.
Json twins_mean(const Json& rows, const Json& checkpoint, const std::string& task) {
  double sum = 0;
  int count = 0;
  while (const Json* twin = best_row(rows, checkpoint, task, fmt::format("twin-{}", count + 1))) {
    sum += (*twin)["accuracy"].get<double>();
    ++count;
  }
  return count == 0 ? Json(nullptr) : Json(sum / count);
}

Json text_accuracy(const Json& rows, const std::string& task, const std::string& control) {
  const auto found = linear_rows(rows, nullptr, task, control);  // the first draw's come first
  return found.empty() ? Json(nullptr) : (*found.front())["accuracy"];
}

}  // namespace

Json probe_summary(const Json& rows) {
  Json summary = Json::array();
  for (const std::string& checkpoint : distinct(rows, "checkpoint")) {
    for (const std::string& task : distinct(rows, "task")) {
      const Json* best = best_row(rows, checkpoint, task, "none");
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

std::string accuracy_text(const Json& row) {
  return with_interval(row["accuracy"].get<double>(), row["low"].get<double>(),
                       row["high"].get<double>());
}

}  // namespace

std::string probe_sentence(const Json& summary) {
  std::string sentence;
  for (const Json& entry : summary) {
    sentence += sentence.empty() ? "" : "; ";
    sentence += fmt::format("block {} of {} tells {} right {} of the time",
                            entry["layer"].get<int64_t>(), entry["checkpoint"].get<std::string>(),
                            entry["task"].get<std::string>(), accuracy_text(entry));
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

struct Mean {
  double sum = 0;
  int count = 0;

  void add(double value) {
    sum += value;
    ++count;
  }
};

/// What a table shows of one layer.
struct LayerCells {
  std::string linear, shuffled, twins, selectivity, compression, directprobe, clusters,
      shuffled_clusters, twin_clusters, capacity, ridge;
  Mean twin_accuracies, twin_counts;
};

struct Column {
  const char* heading;
  const char* format;
  std::string LayerCells::*cell;
};

constexpr Column kColumns[] = {{"linear", " {:<19}", &LayerCells::linear},
                               {"shuffled", " {:>8}", &LayerCells::shuffled},
                               {"twins", " {:>6}", &LayerCells::twins},
                               {"select.", " {:>7}", &LayerCells::selectivity},
                               {"compr.", " {:>6}", &LayerCells::compression},
                               {"directprobe", "   {:<19}", &LayerCells::directprobe},
                               {"clusters", " {:>8}", &LayerCells::clusters},
                               {"shuffled", " {:>8}", &LayerCells::shuffled_clusters},
                               {"twins", " {:>6}", &LayerCells::twin_clusters},
                               {"n/2(d+1)", " {:>8}", &LayerCells::capacity},
                               {"ridge", "   {:>5}", &LayerCells::ridge}};

void fill_linear(const Json& row, const std::string& control, LayerCells& cells) {
  const auto accuracy = row["accuracy"].get<double>();
  if (control == "none") {
    cells.linear = accuracy_text(row);
    const Json &selectivity = row["linear"]["selectivity"],
               &compression = row["linear"]["compression"];
    if (!selectivity.is_null()) cells.selectivity = short_number(selectivity.get<double>());
    if (!compression.is_null()) {
      cells.compression = fmt::format("{:.2f}", compression.get<double>());
    }
  } else if (control == "shuffled") {
    cells.shuffled = short_number(accuracy);
  } else if (control.starts_with("twin-")) {
    cells.twin_accuracies.add(accuracy);
    cells.twins = short_number(cells.twin_accuracies.sum / cells.twin_accuracies.count);
  }
}

void fill_directprobe(const Json& row, const std::string& control, LayerCells& cells) {
  const auto clusters = row["clusters"].get<int64_t>();
  if (control == "none") {
    cells.directprobe = accuracy_text(row);
    cells.clusters = std::to_string(clusters);
    cells.capacity = fmt::format("{:.2f}", row["directprobe"]["capacity"].get<double>());
  } else if (control == "shuffled") {
    cells.shuffled_clusters = std::to_string(clusters);
  } else if (control.starts_with("twin-")) {
    cells.twin_counts.add(static_cast<double>(clusters));
    cells.twin_clusters = fmt::format("{:.1f}", cells.twin_counts.sum / cells.twin_counts.count);
  }
}

void fill_cells(const Json& row, LayerCells& cells) {
  const auto control = row["control"].get<std::string>();
  if (row["probe"] == "linear") fill_linear(row, control, cells);
  if (row["probe"] == "directprobe") fill_directprobe(row, control, cells);
  if (row["probe"] == "ridge" && control == "none") {
    cells.ridge = number_or_dash(row["accuracy"]);
  }
}

std::string control_line(const Json& rows, const std::string& task) {
  std::string line;
  for (const Json& row : rows) {
    if (row["task"] != task || !row["checkpoint"].is_null()) continue;
    line += fmt::format("  {} {}", words(row["control"]), accuracy_text(row));
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

/// What makes the rows themselves, not those of controls, doubtful, in a line; nothing where all is
/// well.
std::string doubts(const Json& rows, const Json& checkpoint, const std::string& task) {
  int64_t identical = 0, undecided = 0, unfinished = 0, unconverged = 0;
  for (const Json& row : rows) {
    if (row["checkpoint"] != checkpoint || row["task"] != task || row["control"] != "none")
      continue;
    const Json &linear = row["linear"], &directprobe = row["directprobe"];
    unconverged += !linear.is_null() && !linear["converged"].get<bool>() ? 1 : 0;
    if (directprobe.is_null()) continue;
    identical += row["dropped"]["identical_vectors"].get<int64_t>();
    undecided += directprobe["undecided"].get<int64_t>();
    unfinished += directprobe["unfinished_distances"].get<int64_t>();
  }
  std::vector<std::string> found;
  if (unconverged > 0) found.push_back(fmt::format("{} fits not converged", unconverged));
  if (identical > 0) found.push_back(fmt::format("{} vectors with two labels", identical));
  if (undecided > 0) found.push_back(fmt::format("{} pairs of hulls undecided", undecided));
  if (unfinished > 0) found.push_back(fmt::format("{} distances not exact", unfinished));
  return found.empty() ? "" : fmt::format("  beware: {}\n", fmt::join(found, ", "));
}

std::string trimmed(const std::string& line) {
  return line.substr(0, line.find_last_not_of(' ') + 1);
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
  std::string line = fmt::format("  {:<9}", "layer");
  std::vector<Column> shown;
  for (const Column& column : kColumns) {
    const auto has = [&](const auto& layer) { return !(layer.second.*column.cell).empty(); };
    if (std::ranges::none_of(layers, has)) continue;
    line += fmt::format(fmt::runtime(column.format), column.heading);
    shown.push_back(column);
  }
  text += trimmed(line) + '\n';
  for (const auto& [layer, cells] : layers) {
    line = fmt::format("  {:<9}", layer_name(layer));
    for (const auto& [heading, format, cell] : shown) {
      const std::string& value = cells.*cell;
      line += fmt::format(fmt::runtime(format), value.empty() ? "-" : value);
    }
    text += trimmed(line) + '\n';
  }
  return text + doubts(rows, checkpoint, task) + learning_curves(rows, checkpoint, task) + "\n";
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
        accuracy_text(row), detail.is_null() ? "-" : std::to_string(row["clusters"].get<int64_t>()),
        detail.is_null() ? "-" : fmt::format("{:.2f}", detail["capacity"].get<double>()));
  }
  return text + doubts(rows, nullptr, rows.front()["task"]) + "\n";
}

std::string probe_functions(const Json& data) {
  std::string left_out;
  for (const auto& [reason, count] : data["dropped"].items()) {
    if (count == 0) continue;
    left_out += fmt::format("{}{} {}", left_out.empty() ? "; left out: " : ", ",
                            count.get<int64_t>(), words(reason));
  }
  return fmt::format("{} of {} functions probed{}\n\n", data["probed"].get<int64_t>(),
                     data["functions"].get<int64_t>(), left_out);
}

}  // namespace ssmi::report

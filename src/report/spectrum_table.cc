#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "spectrum_words.h"
#include "ssmi/report/spectrum_report.h"

namespace ssmi::report {
namespace {

using spectrum::FilterClass;
using Kernels = std::span<const spectrum::Kernel>;

constexpr size_t kMostChanges = 12;  // listed of a comparison

/// ".166" for "0.166".
std::string without_zero(std::string text) {
  return text.starts_with("0.") ? text.substr(1) : text;
}

/// With so many digits after the point; "-" for what does not exist.
std::string number(double value, int digits) {
  return std::isfinite(value) ? without_zero(fmt::format("{:.{}f}", value, digits)) : "-";
}

/// "+1.20".
std::string signed_number(double value) {
  return std::isfinite(value) ? fmt::format("{:+.2f}", value) : "-";
}

/// A share of the energy; small ones keep a digit that tells them from nothing.
std::string share(double value) {
  if (std::isnan(value)) return "-";
  return value >= 0.0995 || value == 0 ? number(value, 2)
                                       : without_zero(fmt::format("{:.1g}", value));
}

std::string class_name(std::optional<FilterClass> filter_class) {
  return filter_class ? std::string(name(*filter_class)) : "no class";
}

/// Eight heights, the largest value full.
std::string sparkline(std::span<const double> values) {
  constexpr std::array<const char*, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double largest = *std::ranges::max_element(values);
  std::string text;
  for (const double value : values) {
    const double height = largest > 0 ? value / largest * 8 : 0;
    text += kBars[static_cast<size_t>(std::clamp(height, 0.0, 7.0))];
  }
  return text;
}

std::string response(Kernels kernels) {
  std::array<double, spectrum::kSketchBins> sum{};
  for (const auto& kernel : kernels) {
    for (size_t i = 0; i < sum.size(); ++i) {
      if (std::isfinite(kernel.sketch[i])) sum[i] += static_cast<double>(kernel.sketch[i]);
    }
  }
  return sparkline(sum);
}

double median(Kernels kernels, const std::function<double(const spectrum::Kernel&)>& value) {
  std::vector<double> values;
  for (const auto& kernel : kernels)
    values.push_back(value(kernel));
  return spectrum::quartiles(std::move(values)).median;
}

/// The class of one kernel, or the commonest of several and how many are of it.
std::string class_cell(Kernels kernels, const spectrum::Classes& classes) {
  if (kernels.size() == 1) return class_name(kernels[0].measures.filter_class);
  const auto most = std::ranges::max_element(classes.kernels);
  if (*most == 0) return "no class";
  const auto index = static_cast<FilterClass>(most - classes.kernels.begin());
  return fmt::format("{} {}", *most, name(index));
}

std::string counts(const spectrum::Classes& classes) {
  std::string text;
  for (size_t i = 0; i < spectrum::kFilterClasses; ++i) {
    if (classes.kernels[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", classes.kernels[i],
                        name(static_cast<FilterClass>(i)));
  }
  return text.empty() ? "none with a class" : text;
}

std::string twins_cell(const std::vector<spectrum::LayerSummary>& twins, size_t place) {
  if (place >= twins.size()) return "";
  return fmt::format("{:>5}  {}", number(twins[place].centroid.median, 3),
                     counts(twins[place].classes));
}

std::string kernel_line(Kernels kernels, const spectrum::Finding& finding, size_t place) {
  const auto measured = [&](double spectrum::Measures::*member) {
    return median(kernels, [&](const spectrum::Kernel& kernel) { return kernel.measures.*member; });
  };
  using spectrum::Measures;
  const double folded = median(kernels, [](const auto& kernel) { return kernel.aliased; });
  return fmt::format(
      "  {:>5}  {:<9}  {:<15} {:>8} {:>10} {:>6} {:>7} {:>8} {:>9} {:>6}  {}  {}\n",
      kernels[0].layer, direction_name(kernels[0].direction),
      class_cell(kernels, finding.layers[place].classes), number(measured(&Measures::centroid), 3),
      signed_number(measured(&Measures::log10_lhfr)),
      number(measured(&Measures::dominant_frequency), 3), share(finding.layers[place].energy_share),
      number(measured(&Measures::mean_lag), 1), number(measured(&Measures::half_life), 0),
      number(folded, 2), response(kernels), twins_cell(finding.twins, place));
}

std::string kernel_table(const spectrum::Finding& finding, const spectrum::Options& options) {
  const auto places = spectrum::by_place(finding.spectrum.kernels);
  if (places.empty()) return "";
  std::string text =
      fmt::format("{}: {} kernels of {} taps: {}{}\n", finding.checkpoint,
                  finding.spectrum.kernels.size(), options.length, counts(finding.classes),
                  places[0].size() > 1 ? " (medians over the kernels of a block)" : "");
  text +=
      fmt::format("  {:>5}  {:<9}  {:<15} {:>8} {:>10} {:>6} {:>7} {:>8} {:>9} {:>6}  {:<24}  {}\n",
                  "layer", "direction", "class", "centroid", "log10 LHFR", "peak", "energy",
                  "mean lag", "half-life", "folded", "response, 0 to 0.5",
                  finding.twins.empty() ? "" : "random twins: centroid, classes");
  bool folded = false;
  for (size_t place = 0; place < places.size(); ++place) {
    text += kernel_line(places[place], finding, place);
    for (const auto& kernel : places[place])
      folded = folded || kernel.aliased > 0;
  }
  if (folded) {
    text +=
        "  folded: share of modes that turn by more than half a cycle a token; they show at the "
        "frequency they alias to\n";
  }
  return text + "\n";
}

std::string selective_table(const spectrum::Finding& finding) {
  if (finding.spectrum.selective.empty()) return "";
  std::string text = fmt::format(
      "{}: selective, so no fixed kernels and no classes; at the step size of the bias, in tokens "
      "(quartiles)\n  {:>5}  {:<9}  {:>22}  {:>26}  {:>22}  {}\n",
      finding.checkpoint, "layer", "direction", "step size", "time constant", "gain",
      finding.twin_selective.empty() ? "" : "random twin: time constant");
  const auto cell = [](const spectrum::Quartiles& q) {
    return fmt::format("{:.3g} {:.3g} {:.3g}", q.low, q.median, q.high);
  };
  for (size_t i = 0; i < finding.spectrum.selective.size(); ++i) {
    const auto& layer = finding.spectrum.selective[i];
    text += fmt::format(
        "  {:>5}  {:<9}  {:>22}  {:>26}  {:>22}  {}\n", layer.layer,
        direction_name(layer.direction), cell(layer.step), cell(layer.time_constant),
        cell(layer.gain),
        i < finding.twin_selective.size() ? cell(finding.twin_selective[i].time_constant) : "");
  }
  return text + "\n";
}

/// "layer 4 forward: low-pass → band-pass, but it carries 0.0003 of the energy".
std::string change_sentence(const spectrum::Move& move, bool names_channel) {
  std::string text = fmt::format("layer {} {}", move.layer, direction_name(move.direction));
  if (names_channel) text += fmt::format(" channel {}", move.channel);
  text += fmt::format(": {} → {}", class_name(move.before), class_name(move.after));
  text += fmt::format(", {} {:.2g} of the energy", move.silent ? "but it carries" : "carries",
                      move.energy_share);
  if (move.toward_twins.value_or(false)) text += ", towards random initialisation";
  return text;
}

/// The class changes, those that carry most first.
std::vector<std::string> changes(const spectrum::Comparison& comparison) {
  std::vector<const spectrum::Move*> changed;
  for (const auto& move : comparison.moves) {
    if (move.changes_class()) changed.push_back(&move);
  }
  std::ranges::stable_sort(
      changed, [](const auto* a, const auto* b) { return a->energy_share > b->energy_share; });
  const bool names_channel = comparison.moves.size() > comparison.layers.size();
  std::vector<std::string> sentences;
  for (size_t i = 0; i < std::min(changed.size(), kMostChanges); ++i)
    sentences.push_back(change_sentence(*changed[i], names_channel));
  if (changed.size() > kMostChanges) {
    sentences.push_back(
        fmt::format("and {} more, each carrying less", changed.size() - kMostChanges));
  }
  return sentences;
}

std::string comparison_sentence(const std::string& from, const std::string& to,
                                const spectrum::Comparison& comparison) {
  if (!comparison.reason.empty()) {
    return fmt::format("{} against {}: not compared: {}", to, from, comparison.reason);
  }
  std::string text = fmt::format(
      "{} against {}: {} of {} kernels change class, carrying {:.2g} of the energy", to, from,
      comparison.class_changes, comparison.moves.size(), comparison.changed_energy_share);
  if (comparison.silent_class_changes > 0)
    text += fmt::format("; {} of them are silent", comparison.silent_class_changes);
  if (comparison.class_changes_toward_twins > 0) {
    text += fmt::format("; {} end nearer to random initialisation than they began",
                        comparison.class_changes_toward_twins);
  }
  if (!std::isfinite(comparison.centroid.plain + comparison.centroid.energy_weighted)) return text;
  return text + fmt::format("; the centroid moves by {:+.4f} on average, {:+.4f} by energy",
                            comparison.centroid.plain, comparison.centroid.energy_weighted);
}

}  // namespace

std::vector<std::string> spectrum_sentences(const spectrum::Study& study) {
  std::vector<std::string> sentences;
  for (size_t i = 0; i < study.comparisons.size(); ++i) {
    sentences.push_back(comparison_sentence(
        study.findings[0].checkpoint, study.findings[i + 1].checkpoint, study.comparisons[i]));
    for (std::string& change : changes(study.comparisons[i]))
      sentences.push_back(std::move(change));
  }
  return sentences;
}

std::string spectrum_tables(const spectrum::Study& study, const spectrum::Options& options) {
  std::string text;
  for (const auto& finding : study.findings)
    text += kernel_table(finding, options) + selective_table(finding);
  for (const std::string& sentence : spectrum_sentences(study))
    text += sentence + "\n";
  return text;
}

}  // namespace ssmi::report

#include "ssmi/report/probe_report.h"

#include <limits>

#include "ssmi/report/run.h"
#include "support.h"

namespace ssmi::report {
namespace {

probe::Result result(const std::string& control, std::optional<int64_t> layer, double accuracy,
                     double validation) {
  probe::Result row;
  row.checkpoint = layer ? "model" : "";
  row.task = "siblings";
  row.labels = {"0", "1"};
  row.layer = layer;
  row.probe = "linear";
  row.control = control;
  row.evaluation.accuracy = accuracy;
  row.evaluation.low = accuracy - 0.05;
  row.evaluation.high = accuracy + 0.05;
  row.evaluation.per_label_accuracy = {accuracy, std::numeric_limits<double>::quiet_NaN()};
  row.evaluation.confusion = {{1, 2}, {0, 0}};
  row.train = 80;
  row.test = 20;
  row.linear = probe::LinearDetail{0.1, validation, 1e-7, true, {}, {}};
  if (control == "none") row.linear->compression = 1.5;
  return row;
}

probe::Result clusters(const std::string& control, int64_t count) {
  probe::Result row = result(control, 1, 0.6, 0);
  row.probe = "directprobe";
  row.linear.reset();
  row.directprobe = probe::DirectProbeDetail{count, 0.25, 0, 0, 0.5, 1.5, std::nullopt};
  return row;
}

/// A model whose layer 2 is best on test and layer 1 on validation, and two twins.
Json rows() {
  Json all = Json::array();
  for (const auto& row :
       {result("texts", std::nullopt, 0.55, 0.5), result("texts_and_gap", std::nullopt, 0.65, 0.6),
        result("none", 0, 0.99, 0.99), result("none", 1, 0.7, 0.75), result("none", 2, 0.8, 0.7),
        result("shuffled", 1, 0.5, 0.9), result("control_task", 1, 0.3, 0.9),
        result("twin-1", 1, 0.4, 0.5), result("twin-1", 2, 0.6, 0.4), result("twin-2", 1, 0.1, 0.1),
        result("twin-2", 2, 0.5, 0.2), clusters("none", 4), clusters("shuffled", 9),
        clusters("twin-1", 5), clusters("twin-2", 8)}) {
    all.push_back(probe_row(row));
  }
  add_selectivity(all);
  return all;
}

TEST_CASE("report: what is not a number is null, labels are named") {
  const Json row = probe_row(result("none", 1, 0.7, 0.75));
  CHECK(row["per_label_accuracy"].dump() == R"({"0":0.7,"1":null})");
  CHECK(row["directprobe"].is_null());
  CHECK(row["clusters"].is_null());
  CHECK(probe_row(clusters("none", 4))["clusters"] == 4);
  CHECK(probe_row(clusters("none", 4))["directprobe"]["max_distance"].is_null());
  CHECK(probe_row(result("texts", std::nullopt, 0.5, 0.5))["checkpoint"].is_null());
}

TEST_CASE("report: selectivity is of the checkpoint's own rows beside a control task") {
  for (const Json& row : rows()) {
    if (row["linear"].is_null()) continue;
    const bool own = row["control"] == "none" && row["layer"] == 1;
    CHECK(row["linear"]["selectivity"] == (own ? Json(0.7 - 0.3) : Json(nullptr)));
  }
}

TEST_CASE("report: the summary chooses blocks on validation, twins each at their own") {
  const Json summary = probe_summary(rows());
  REQUIRE(summary.size() == 1);
  CHECK(summary[0]["layer"] == 1);  // not the embedding, not the best on test
  CHECK(summary[0]["accuracy"] == 0.7);
  CHECK(summary[0]["texts"] == 0.55);
  CHECK(summary[0]["texts_and_gap"] == 0.65);
  CHECK(summary[0]["twins"] == (0.4 + 0.5) / 2);
}

TEST_CASE("report: the summary's block is that of all draws, its numbers those of the first") {
  Json all = rows();
  for (const auto& [layer, validation] : {std::pair{1, 0.1}, {2, 0.9}}) {
    probe::Result again = result("none", layer, 0.2, validation);
    again.draw = 1;
    all.push_back(probe_row(again));
  }
  const Json summary = probe_summary(all);
  CHECK(summary[0]["layer"] == 2);
  CHECK(summary[0]["accuracy"] == 0.8);
}

TEST_CASE("report: without controls the summary says so with null") {
  Json few = Json::array({probe_row(result("none", 1, 0.7, 0.75))});
  const Json summary = probe_summary(few);
  CHECK(summary[0]["texts"].is_null());
  CHECK(summary[0]["twins"].is_null());
  CHECK(probe_summary(Json::array({probe_row(clusters("none", 4))})).empty());
  CHECK(probe_sentence(summary) ==
        "block 1 of model tells siblings right .700 [.650, .750] of the time");
}

TEST_CASE("report: the sentence names the controls") {
  CHECK(probe_sentence(probe_summary(rows())) ==
        "block 1 of model tells siblings right .700 [.650, .750] of the time (the two texts alone "
        ".550, with their distance .650, random weights .450)");
}

TEST_CASE("report: single tokens have one text and no distance") {
  probe::Result own = result("none", 1, 0.7, 0.75), texts = result("texts", std::nullopt, 0.5, 0.5);
  own.task = texts.task = "depth";
  const Json all = Json::array({probe_row(texts), probe_row(own)});
  CHECK(probe_summary(all)[0]["texts_and_gap"].is_null());
  CHECK(probe_sentence(probe_summary(all)) ==
        "block 1 of model tells depth right .700 [.650, .750] of the time (its text alone .500)");
  const std::string table = probe_tables(all);
  CAPTURE(table);
  CHECK(table.find("\n  layer     linear              compr.\n") != table.npos);  // no empty column
  CHECK(table.find("model, depth (80 training and 20 test tokens)") == 0);
  CHECK(table.find("texts .500 [.450, .550]  texts and gap -\n") != table.npos);
}

TEST_CASE("report: a mistake about a token alone has no second one") {
  probe::Result row = result("none", 1, 0.7, 0.75);
  row.mistakes.push_back({0, 0, 1, 0.9, {"f.py", "f", {3, 4, "x", "    x = y"}, {}}});
  const Json alone = probe_row(row)["mistakes"][0];
  CHECK(alone["first"]["text"] == "x");
  CHECK_FALSE(alone.contains("second"));
  row.mistakes[0].place.second = probe::TokenPlace{3, 8, "y", "    x = y"};
  CHECK(probe_row(row)["mistakes"][0]["second"]["column"] == 8);
}

TEST_CASE("report: the table has a line a layer, with controls beside") {
  const std::string table = probe_tables(rows());
  CAPTURE(table);
  const auto has = [&](const char* text) { return table.find(text) != std::string::npos; };
  CHECK(has("model, siblings (80 training and 20 test pairs)"));
  CHECK(has("texts .550 [.500, .600]  texts and gap .650 [.600, .700]"));
  CHECK(has("embedding .990 [.940, 1.040]"));
  // shuffled, mean of the twins, less the control task, compression; clusters of the model,
  // shuffled, twins' mean; capacity
  CHECK(
      has("  1         .700 [.650, .750]       .500   .250    .400   1.50   .600 [.550, .650]      "
          "    4        9    6.5     0.25\n"));
}

TEST_CASE("report: functions left out are said with their reason") {
  const Json data{{"functions", 9},
                  {"probed", 5},
                  {"dropped", {{"too_long", 3}, {"duplicate", 0}, {"syntax_error", 1}}}};
  CHECK(probe_functions(data) ==
        "5 of 9 functions probed; left out: 3 too long, 1 syntax error\n\n");
}

TEST_CASE("report: timing has all that may differ between equal runs") {
  const Json timing = Timing().json();
  CHECK(timing["wall_seconds"].get<double>() >= 0);
  CHECK(timing["peak_memory_bytes"].get<int64_t>() > 1'000'000);
  CHECK(timing["command_line"].size() >= 1);
  CHECK(timing["started"].get<std::string>().ends_with("Z"));
  CHECK_FALSE(run_environment().contains("wall_seconds"));
}

}  // namespace
}  // namespace ssmi::report

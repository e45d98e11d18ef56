#include "ssmi/analysis/spectrum/study.h"

#include <map>

#include "ssmi/core/error.h"

namespace ssmi::spectrum {
namespace {

struct Twins {
  std::vector<LayerSummary> layers;
  std::vector<SelectiveLayer> selective;
};

Twins summarise_twins(const Subject& subject, const Options& options, Progress& progress) {
  auto spectra = twins(*subject.config, subject.name, options, progress);
  Twins result{summarise(spectra), {}};
  if (!spectra.empty()) result.selective = std::move(spectra[0].selective);
  return result;
}

}  // namespace

Study study(const std::vector<Subject>& subjects, const Options& options, Progress& progress) {
  Study study;
  std::map<std::string, Twins> made;  // by configuration
  for (const Subject& subject : subjects) {
    Finding finding{subject.name, spectrum(*subject.model, options, progress), {}, {}, {}, {}};
    if (finding.spectrum.kernels.empty() && finding.spectrum.selective.empty()) {
      fail(ExitCode::kMismatch, "{}: a {} has no state kernels; spectrum is for state-space models",
           subject.name, subject.model->info().architecture);
    }
    const std::string key = subject.config->dump();
    if (!made.contains(key)) made[key] = summarise_twins(subject, options, progress);
    finding.classes = classes_of(finding.spectrum.kernels);
    finding.layers = summarise({finding.spectrum});
    finding.twins = made[key].layers;
    finding.twin_selective = made[key].selective;
    study.findings.push_back(std::move(finding));
  }
  for (size_t i = 1; i < study.findings.size(); ++i) {
    const Finding& first = study.findings[0];
    study.comparisons.push_back(compare(first.spectrum, study.findings[i].spectrum, first.twins));
  }
  return study;
}

}  // namespace ssmi::spectrum

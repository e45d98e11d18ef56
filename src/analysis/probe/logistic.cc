#include "ssmi/analysis/probe/logistic.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>

#include "ssmi/core/error.h"
#include "ssmi/core/progress.h"

namespace ssmi::probe {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void add_scaled(Vector& a, double factor, const Vector& b) {
  for (size_t i = 0; i < a.size(); ++i)
    a[i] += factor * b[i];
}

/// The objective over the classes that occur. Parameters are one vector: weights [K, d] row by
/// row, then the bias [K].
class Objective {
 public:
  Objective(const Design& design, std::vector<int64_t> labels, int64_t classes, double l2)
      : design_(design),
        labels_(std::move(labels)),
        rows_(design.rows()),
        classes_(classes),
        penalised_(static_cast<size_t>(classes * design.columns())),
        l2_(l2),
        residuals_(at::empty({classes, rows_}, at::kDouble)),
        product_(at::empty({classes, design.columns()}, at::kDouble)) {}

  size_t size() const { return penalised_ + static_cast<size_t>(classes_); }
  /// The first this many parameters, the weights, are penalised.
  size_t penalised() const { return penalised_; }
  double l2() const { return l2_; }

  /// [K, n]
  at::Tensor logits(const Vector& parameters) const {
    at::Tensor out = at::empty({classes_, rows_}, at::kDouble);
    at::Tensor weights = at::empty_like(product_);
    std::copy_n(parameters.data(), penalised_, weights.mutable_data_ptr<double>());
    design_.times(weights, out);
    double* logit = out.mutable_data_ptr<double>();
    for (size_t k = penalised_; k < size(); ++k) {
      for (int64_t i = 0; i < rows_; ++i)
        *logit++ += parameters[k];
    }
    return out;
  }

  struct Slope {
    double loss;        ///< mean cross-entropy at logits + step * direction
    double derivative;  ///< its derivative by step
  };

  /// Also leaves (softmax - one hot) / n in residuals_.
  Slope slope(const at::Tensor& logits, const at::Tensor& direction, double step) {
    const double* z = logits.const_data_ptr<double>();
    const double* dz = direction.const_data_ptr<double>();
    double* r = residuals_.mutable_data_ptr<double>();
    const double scale = 1.0 / static_cast<double>(rows_);
    Slope total{0, 0};
    for (int64_t i = 0; i < rows_; ++i, ++z, ++dz, ++r) {
      double largest = -std::numeric_limits<double>::infinity();
      for (int64_t k = 0; k < classes_; ++k) {
        r[k * rows_] = z[k * rows_] + step * dz[k * rows_];
        largest = std::max(largest, r[k * rows_]);
      }
      const int64_t label = labels_[static_cast<size_t>(i)];
      total.loss -= r[label * rows_] - largest;
      double sum = 0;
      for (int64_t k = 0; k < classes_; ++k) {
        sum += r[k * rows_] = std::exp(r[k * rows_] - largest);
      }
      total.loss += std::log(sum);
      for (int64_t k = 0; k < classes_; ++k) {
        r[k * rows_] = scale * (r[k * rows_] / sum - (k == label ? 1.0 : 0.0));
        total.derivative += r[k * rows_] * dz[k * rows_];
      }
    }
    total.loss *= scale;
    return total;
  }

  /// The gradient of the whole objective where slope() was last evaluated.
  Vector gradient(const Vector& parameters) {
    design_.back(residuals_, product_);
    Vector result = with_bias_sums();
    for (size_t i = 0; i < penalised_; ++i)
      result[i] += l2_ * parameters[i];
    return result;
  }

  /// 1 / diagonal of the Hessian where slope() was last evaluated. Overwrites residuals_.
  Vector inverse_curvature() {
    double* r = residuals_.mutable_data_ptr<double>();
    const double n = static_cast<double>(rows_);
    for (int64_t k = 0; k < classes_; ++k) {
      for (int64_t i = 0; i < rows_; ++i, ++r) {
        const double probability = n * *r + (labels_[static_cast<size_t>(i)] == k ? 1.0 : 0.0);
        *r = probability * (1 - probability) / n;
      }
    }
    design_.squares_back(residuals_, product_);
    Vector result = with_bias_sums();
    for (size_t i = 0; i < result.size(); ++i) {
      const double curvature = result[i] + (i < penalised_ ? l2_ : 0.0);
      result[i] = 1.0 / std::max(curvature, 1e-12);
    }
    return result;
  }

  double penalty(const Vector& parameters) const {
    double sum = 0;
    for (size_t i = 0; i < penalised_; ++i)
      sum += parameters[i] * parameters[i];
    return 0.5 * l2_ * sum;
  }

 private:
  /// product_, then the sums over the rows of residuals_.
  Vector with_bias_sums() const {
    const double* product = product_.const_data_ptr<double>();
    Vector result(product, product + penalised_);
    const double* r = residuals_.const_data_ptr<double>();
    for (int64_t k = 0; k < classes_; ++k, r += rows_) {
      result.push_back(std::accumulate(r, r + rows_, 0.0));
    }
    return result;
  }

  const Design& design_;
  std::vector<int64_t> labels_;
  int64_t rows_, classes_;
  size_t penalised_;
  double l2_;
  at::Tensor residuals_;  // [K, n]
  at::Tensor product_;    // [K, d]
};

/// The last few steps and gradient changes (Nocedal 1980).
class History {
 public:
  void add(Vector step, Vector change) {
    const double curvature = dot(step, change);
    if (curvature <= 0) return;  // only rounding does that to a convex function
    if (entries_.size() == kEntries) entries_.pop_front();
    entries_.push_back({std::move(step), std::move(change), 1.0 / curvature});
  }
  void clear() { entries_.clear(); }
  bool empty() const { return entries_.empty(); }

  /// -H gradient by the two-loop recursion, from H = scale * diag(inverse_curvature).
  Vector direction(const Vector& gradient, const Vector& inverse_curvature) const {
    Vector q = gradient;
    Vector factors(entries_.size());
    for (size_t i = entries_.size(); i-- > 0;) {
      factors[i] = entries_[i].inverse * dot(entries_[i].step, q);
      add_scaled(q, -factors[i], entries_[i].change);
    }
    const double scale = entries_.empty() ? 1.0 : initial_scale(inverse_curvature);
    for (size_t i = 0; i < q.size(); ++i)
      q[i] *= scale * inverse_curvature[i];
    for (size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      add_scaled(q, factors[i] - entry.inverse * dot(entry.change, q), entry.step);
    }
    for (double& value : q)
      value = -value;
    return q;
  }

 private:
  static constexpr size_t kEntries = 20;
  struct Entry {
    Vector step, change;
    double inverse;
  };

  double initial_scale(const Vector& inverse_curvature) const {
    const Entry& last = entries_.back();
    double norm = 0;
    for (size_t i = 0; i < last.change.size(); ++i) {
      norm += last.change[i] * inverse_curvature[i] * last.change[i];
    }
    return 1.0 / (last.inverse * norm);
  }

  std::deque<Entry> entries_;
};

/// The objective along parameters + step * direction. The logits are linear in the step, so that a
/// trial costs no product with X.
class Line {
 public:
  Line(Objective& objective, const at::Tensor& logits, const at::Tensor& direction_logits,
       const Vector& parameters, const Vector& direction, double slope)
      : objective_(objective), logits_(logits), direction_(direction_logits), slope_(slope) {
    const size_t penalised = objective.penalised();
    for (size_t i = 0; i < penalised; ++i) {
      constant_ += parameters[i] * parameters[i];
      linear_ += parameters[i] * direction[i];
      square_ += direction[i] * direction[i];
    }
  }

  struct Point {
    double step, value;
  };

  /// A step at which the slope has shrunk to a third, by secants inside a bracket; step 0 when
  /// there is none that lowers `value` (within rounding). The objective stays evaluated there.
  Point search(double value) {
    double low = 0, low_slope = slope_, high = 0, high_slope = 0, step = 1;
    for (int trial = 0; trial < 40; ++trial) {
      const Objective::Slope at = evaluate(step);
      const bool lower = at.loss <= value + 1e-14 * std::abs(value);
      if (lower && std::abs(at.derivative) <= -slope_ / 3) return {step, at.loss};
      if (lower && at.derivative < 0) {
        low = step;
        low_slope = at.derivative;
      } else {
        high = step;
        high_slope = at.derivative;
      }
      step = next(low, low_slope, high, high_slope);
    }
    return {low, evaluate(low).loss};
  }

 private:
  Objective::Slope evaluate(double step) {
    Objective::Slope at = objective_.slope(logits_, direction_, step);
    at.loss += 0.5 * objective_.l2() * (constant_ + 2 * step * linear_ + step * step * square_);
    at.derivative += objective_.l2() * (linear_ + step * square_);
    return at;
  }

  static double next(double low, double low_slope, double high, double high_slope) {
    if (high == 0) return 3 * low;
    if (high_slope <= 0) return 0.5 * (low + high);
    const double secant = low + (high - low) * low_slope / (low_slope - high_slope);
    const double edge = 0.1 * (high - low);
    return std::clamp(secant, low + edge, high - edge);
  }

  Objective& objective_;
  const at::Tensor& logits_;
  const at::Tensor& direction_;
  double slope_, constant_ = 0, linear_ = 0, square_ = 0;
};

struct State {
  Vector parameters, gradient;
  double value = 0;
  int64_t iterations = 0;
};

/// Evaluates everything from the parameters; gives the logits.
at::Tensor evaluate(Objective& objective, State& state) {
  at::Tensor logits = objective.logits(state.parameters);
  state.value = objective.slope(logits, logits, 0).loss + objective.penalty(state.parameters);
  state.gradient = objective.gradient(state.parameters);
  return logits;
}

void minimise(Objective& objective, State& state, const LogisticOptions& options) {
  at::Tensor logits = evaluate(objective, state);
  const Vector inverse_curvature = objective.inverse_curvature();
  History history;
  // A little below the tolerance, since the logits are carried along and checked afresh at the end.
  const double target = 0.99 * options.gradient_tolerance;
  while (std::sqrt(dot(state.gradient, state.gradient)) > target &&
         state.iterations < options.max_iterations) {
    if (state.iterations % 16 == 0) check_interrupted();
    Vector direction = history.direction(state.gradient, inverse_curvature);
    const at::Tensor direction_logits = objective.logits(direction);
    Line line(objective, logits, direction_logits, state.parameters, direction,
              dot(state.gradient, direction));
    const Line::Point point = line.search(state.value);
    ++state.iterations;
    if (point.step == 0) {
      if (history.empty()) break;  // rounding forbids any further descent
      history.clear();
      continue;
    }
    add_scaled(state.parameters, point.step, direction);
    logits.add_(direction_logits, point.step);
    state.value = point.value;
    Vector gradient = objective.gradient(state.parameters);
    for (double& value : direction)
      value *= point.step;
    add_scaled(state.gradient, -1, gradient);
    for (double& value : state.gradient)
      value = -value;
    history.add(std::move(direction), std::move(state.gradient));
    state.gradient = std::move(gradient);
  }
  evaluate(objective, state);
}

/// The classes that occur, ascending; `labels` become indices into them.
std::vector<int64_t> compact(std::vector<int64_t>& labels, int64_t classes) {
  std::vector<int64_t> index(static_cast<size_t>(classes), -1), present;
  for (const int64_t label : labels)
    index[static_cast<size_t>(label)] = 0;
  for (int64_t k = 0; k < classes; ++k) {
    if (index[static_cast<size_t>(k)] < 0) continue;
    index[static_cast<size_t>(k)] = static_cast<int64_t>(present.size());
    present.push_back(k);
  }
  for (int64_t& label : labels)
    label = index[static_cast<size_t>(label)];
  return present;
}

Vector gather(const LogisticFit& fit, const std::vector<int64_t>& present) {
  const int64_t columns = fit.weights.size(1);
  const double* weights = fit.weights.const_data_ptr<double>();
  const double* bias = fit.bias.const_data_ptr<double>();
  Vector parameters;
  for (const int64_t k : present) {
    parameters.insert(parameters.end(), weights + k * columns, weights + (k + 1) * columns);
  }
  // A class that had no rows in the earlier fit starts at bias 0.
  for (const int64_t k : present)
    parameters.push_back(std::isfinite(bias[k]) ? bias[k] : 0.0);
  return parameters;
}

void scatter(const Vector& parameters, const std::vector<int64_t>& present, LogisticFit& fit) {
  const int64_t columns = fit.weights.size(1);
  const double* source = parameters.data();
  for (const int64_t k : present) {
    std::copy_n(source, columns, fit.weights.mutable_data_ptr<double>() + k * columns);
    source += columns;
  }
  for (const int64_t k : present)
    fit.bias.mutable_data_ptr<double>()[k] = *source++;
}

void check(const Design& design, std::span<const int64_t> labels, int64_t classes) {
  if (static_cast<int64_t>(labels.size()) != design.rows() || labels.empty()) {
    bad_input("logistic regression: {} labels for {} rows, expected as many and at least one",
              labels.size(), design.rows());
  }
  for (const int64_t label : labels) {
    if (label < 0 || label >= classes) {
      bad_input("logistic regression: label {} is not in [0, {})", label, classes);
    }
  }
}

}  // namespace

LogisticFit fit_logistic(const Design& design, std::span<const int64_t> labels, int64_t classes,
                         const LogisticOptions& options, const LogisticFit* start) {
  check(design, labels, classes);
  std::vector<int64_t> compacted(labels.begin(), labels.end());
  const std::vector<int64_t> present = compact(compacted, classes);
  Objective objective(design, std::move(compacted), static_cast<int64_t>(present.size()),
                      options.l2);
  State state;
  state.parameters = start != nullptr ? gather(*start, present) : Vector(objective.size(), 0.0);
  minimise(objective, state, options);

  LogisticFit fit;
  fit.weights = at::zeros({classes, design.columns()}, at::kDouble);
  fit.bias = at::full({classes}, -std::numeric_limits<double>::infinity(), at::kDouble);
  scatter(state.parameters, present, fit);
  fit.objective = state.value;
  fit.gradient_norm = std::sqrt(dot(state.gradient, state.gradient));
  fit.iterations = state.iterations;
  fit.converged = fit.gradient_norm <= options.gradient_tolerance;
  return fit;
}

std::vector<int64_t> predict_logistic(const LogisticFit& fit, const Design& design,
                                      std::vector<double>* probability) {
  const int64_t classes = fit.weights.size(0), rows = design.rows();
  at::Tensor logits = at::empty({classes, rows}, at::kDouble);
  design.times(fit.weights, logits);
  logits.add_(fit.bias.unsqueeze(1));
  const double* z = logits.const_data_ptr<double>();
  std::vector<int64_t> result(static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i) {
    int64_t best = 0;
    for (int64_t k = 1; k < classes; ++k) {
      if (z[k * rows + i] > z[best * rows + i]) best = k;
    }
    result[static_cast<size_t>(i)] = best;
    if (probability == nullptr) continue;
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k)
      sum += std::exp(z[k * rows + i] - z[best * rows + i]);
    probability->push_back(1 / sum);
  }
  return result;
}

double accuracy(std::span<const int64_t> predicted, std::span<const int64_t> labels) {
  if (labels.empty()) return 0;
  size_t correct = 0;
  for (size_t i = 0; i < labels.size(); ++i)
    correct += predicted[i] == labels[i] ? 1 : 0;
  return static_cast<double>(correct) / static_cast<double>(labels.size());
}

}  // namespace ssmi::probe

#pragma once

#include <cstddef>

#include "ssmi/kernels/double_double.h"

namespace ssmi::kernels {

/// Short float64 loops that BLAS is too heavy for. Sums run in an order that depends on the
/// instruction set and n alone: not on threads or alignment.

/// sum a_i b_i
double dot(const double* a, const double* b, size_t n);
/// sum (a_i - b_i)^2
double squared_distance(const double* a, const double* b, size_t n);
/// sum a_i b_i to about 32 digits of sum |a_i b_i|
DoubleDouble precise_dot(const double* a, const double* b, size_t n);
DoubleDouble precise_dot(const DoubleDouble* a, const DoubleDouble* b, size_t n);
/// a_i += factor b_i
void add_scaled(double* a, double factor, const double* b, size_t n);
/// The place of the smallest a_i, the first of equal ones. None is NaN, n > 0.
size_t place_of_smallest(const double* a, size_t n);

}  // namespace ssmi::kernels

#pragma once

#include "ssmi/kernels/selective_scan.h"

namespace ssmi::report {

inline const char* direction_name(kernels::Direction direction) {
  return direction == kernels::Direction::kForward ? "forward" : "backward";
}

}  // namespace ssmi::report

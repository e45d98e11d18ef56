// Compiled once for each instruction set that Highway knows; the best one is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/instruction_set.cc"
// clang-format off
#include <hwy/foreach_target.h>
// clang-format on
#include <hwy/highway.h>

#include "ssmi/kernels/instruction_set.h"

HWY_BEFORE_NAMESPACE();
namespace ssmi::kernels::HWY_NAMESPACE {

const char* own_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace ssmi::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ssmi::kernels {

HWY_EXPORT(own_name);

const char* instruction_set() {
  return HWY_DYNAMIC_DISPATCH(own_name)();
}

}  // namespace ssmi::kernels
#endif

#pragma once

namespace ssmi::kernels {

/// The instruction set whose versions of the fused kernels this machine runs, as Highway calls it
/// ("AVX2").
const char* instruction_set();

}  // namespace ssmi::kernels

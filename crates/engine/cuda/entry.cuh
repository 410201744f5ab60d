// What every entry point shares. An entry point takes raw pointers and sizes that its Rust wrapper has checked, puts its
// work on the caller's stream and gives 0, a `cudaError_t`, or `kThrown` for an exception, which must not cross into Rust.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <exception>
#include <string>

namespace docent {

using Number = __nv_bfloat16;
using Index = int32_t;

constexpr int kThrown = -1;

// What the last exception of this thread said.
std::string& thrown();

template <typename Work>
int guarded(Work&& work) {
  try {
    return static_cast<int>(work());
  } catch (const std::exception& error) {
    thrown() = error.what();
  } catch (...) {
    thrown() = "an exception that says nothing";
  }
  return kThrown;
}

}  // namespace docent

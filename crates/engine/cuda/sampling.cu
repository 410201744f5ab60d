// The likeliest ids of rows of logits, so that rows need not leave the device.
#include "entry.cuh"

namespace docent {

constexpr int kThreads = 1024, kBits = 8, kBins = 1 << kBits;

// Higher for higher logits (ordered as IEEE 754's totalOrder), among equal ones for lower ids: no two keys are the same.
__device__ __forceinline__ uint64_t key_of(float logit, int id) {
  const uint32_t bits = __float_as_uint(logit);
  const uint32_t ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<uint64_t>(ordered) << 32 | static_cast<uint32_t>(~id);
}

struct Likeliest {
  const float* logits;  // [rows, columns]
  int columns;
  int below;            // ids from here on are not looked at
  int count;            // of ids for a row, at most `below`
  Index* ids;           // [rows, count], in any order
  float* values;        // [rows, count], theirs
  Index* broken;        // [rows]: 1 where a logit is NaN or infinitely high, else 0
};

// One block a row. Radix selection: the highest bits of the key that is the `count`-th from the top, then the next ones,
// until no more keys begin with them than are looked for; then all that are not below are taken.
__global__ void __launch_bounds__(kThreads) likeliest(Likeliest p) {
  __shared__ int bins[kBins], chosen, missing, taken, broken;
  const float* row = p.logits + static_cast<size_t>(blockIdx.x) * p.columns;
  if (threadIdx.x == 0) {
    missing = p.count;
    taken = broken = 0;
  }
  uint64_t begins = 0;
  int shift = 64;
  bool over = false;
  while (!over) {
    shift -= kBits;
    for (int bin = threadIdx.x; bin < kBins; bin += kThreads) bins[bin] = 0;
    __syncthreads();
    for (int id = threadIdx.x; id < p.below; id += kThreads) {
      const float logit = row[id];
      if (isnan(logit) || logit == INFINITY) broken = 1;
      const uint64_t key = key_of(logit, id) >> shift;
      // at first nothing was chosen yet, and every key begins with nothing
      if (key >> kBits == begins) atomicAdd(&bins[key % kBins], 1);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int bin = kBins - 1, before = 0;
      while (before + bins[bin] < missing) before += bins[bin--];
      chosen = bin;
      missing -= before;
    }
    __syncthreads();
    begins = begins << kBits | static_cast<uint64_t>(chosen);
    over = bins[chosen] == missing;  // at the latest with the last bits, for keys differ
    __syncthreads();
  }
  for (int id = threadIdx.x; id < p.below; id += kThreads) {
    if (key_of(row[id], id) >> shift >= begins) {
      const size_t at = static_cast<size_t>(blockIdx.x) * p.count + atomicAdd(&taken, 1);
      p.ids[at] = id;
      p.values[at] = row[id];
    }
  }
  if (threadIdx.x == 0) p.broken[blockIdx.x] = broken;
}

}  // namespace docent

using namespace docent;

extern "C" {

// The `count` highest logits of each row.
int docent_likeliest(const Likeliest* p, int rows, cudaStream_t stream) {
  likeliest<<<rows, kThreads, 0, stream>>>(*p);
  return static_cast<int>(cudaGetLastError());
}

}  // extern "C"

// Everything of a layer but products and attention. Rows are tokens; numbers are bf16, sums are f32.
#include "entry.cuh"

#include <flashinfer/activation.cuh>
#include <flashinfer/norm.cuh>

#include <algorithm>

namespace docent {

std::string& thrown() {
  thread_local std::string text;
  return text;
}

__device__ __forceinline__ float silu(const float& x) { return x / (1.0f + __expf(-x)); }

// One block a row; `columns` is a multiple of 8, so that a row is whole pieces of 16 bytes.
__global__ void take_rows(const uint4* table, const Index* rows, uint4* out, int pieces) {
  const uint4* from = table + static_cast<size_t>(rows[blockIdx.x]) * pieces;
  uint4* to = out + static_cast<size_t>(blockIdx.x) * pieces;
  for (int piece = threadIdx.x; piece < pieces; piece += blockDim.x) to[piece] = from[piece];
}

struct Place {
  const Number* qkv;         // [tokens, (heads + 2 * kv_heads) * head]
  const Number* bias;        // [(heads + 2 * kv_heads) * head] or null
  const Number* query_norm;  // [head] or null
  const Number* key_norm;    // [head] or null
  const float* angles;       // [rows, head]: head / 2 cosines, head / 2 sines
  const Index* angle_rows;   // [tokens]
  const Index* slots;        // [tokens]: block * 64 + place in it
  Number* queries;           // [tokens, heads * head]
  Number* keys;              // [blocks * 64, kv_heads * head]
  Number* values;            // as keys
  int heads, kv_heads;
  float epsilon;
  bool interleaved;
};

// A warp takes one head of one token: adds the bias, norms queries and keys (Qwen3), rotates them by the table's angles,
// and puts queries aside, keys and values into the cache. A lane holds pairs of numbers that are rotated together.
template <int kHead>
__global__ void place(Place p) {
  constexpr int kHalf = kHead / 2, kPairs = kHalf / 32;
  const int token = blockIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y, lane = threadIdx.x;
  const int rows = p.heads + 2 * p.kv_heads;
  if (row >= rows) return;
  const Number* from = p.qkv + (static_cast<size_t>(token) * rows + row) * kHead;
  const bool is_query = row < p.heads, is_value = row >= p.heads + p.kv_heads;

  float a[kPairs], b[kPairs];
  int at_a[kPairs], at_b[kPairs];
  float squares = 0.0f;
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    const int pair = lane + 32 * j;
    at_a[j] = p.interleaved ? 2 * pair : pair;
    at_b[j] = p.interleaved ? 2 * pair + 1 : pair + kHalf;
    a[j] = __bfloat162float(from[at_a[j]]);
    b[j] = __bfloat162float(from[at_b[j]]);
    if (p.bias) {
      a[j] += __bfloat162float(p.bias[row * kHead + at_a[j]]);
      b[j] += __bfloat162float(p.bias[row * kHead + at_b[j]]);
    }
    squares += a[j] * a[j] + b[j] * b[j];
  }
  const Number* norm = is_query ? p.query_norm : is_value ? nullptr : p.key_norm;
  if (norm) {
    // every lane of the warp is here: a warp has one row
    for (int offset = 16; offset > 0; offset /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, offset);
    const float scale = rsqrtf(squares / kHead + p.epsilon);
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      a[j] *= scale * __bfloat162float(norm[at_a[j]]);
      b[j] *= scale * __bfloat162float(norm[at_b[j]]);
    }
  }
  if (!is_value) {
    const float* angles = p.angles + static_cast<size_t>(p.angle_rows[token]) * kHead;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const float cosine = angles[lane + 32 * j], sine = angles[kHalf + lane + 32 * j];
      const float turned = a[j] * cosine - b[j] * sine;
      b[j] = b[j] * cosine + a[j] * sine;
      a[j] = turned;
    }
  }
  Number* to;
  if (is_query) {
    to = p.queries + (static_cast<size_t>(token) * p.heads + row) * kHead;
  } else {
    Number* pool = is_value ? p.values : p.keys;
    const int kv_head = row - p.heads - (is_value ? p.kv_heads : 0);
    to = pool + (static_cast<size_t>(p.slots[token]) * p.kv_heads + kv_head) * kHead;
  }
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    to[at_a[j]] = __float2bfloat16(a[j]);
    to[at_b[j]] = __float2bfloat16(b[j]);
  }
}

template <int kHead>
cudaError_t launch_place(const Place& p, int tokens, cudaStream_t stream) {
  constexpr int kWarps = 4;
  const int rows = p.heads + 2 * p.kv_heads;
  place<kHead><<<dim3(tokens, (rows + kWarps - 1) / kWarps), dim3(32, kWarps), 0, stream>>>(p);
  return cudaGetLastError();
}

}  // namespace docent

using namespace docent;

extern "C" {

// What a code of an entry point means; lives until the next call of this thread.
const char* docent_message(int code) {
  return code == kThrown ? thrown().c_str() : cudaGetErrorString(static_cast<cudaError_t>(code));
}

// out[i] = table[rows[i]]; `columns` a multiple of 8.
int docent_take_rows(const void* table, const Index* rows, void* out, int count, int columns, cudaStream_t stream) {
  const int pieces = columns / 8;
  take_rows<<<count, std::min(pieces, 256), 0, stream>>>(static_cast<const uint4*>(table), rows,
                                                         static_cast<uint4*>(out), pieces);
  return static_cast<int>(cudaGetLastError());
}

// out = x / rms(x) * weight
int docent_norm(void* x, void* weight, void* out, int tokens, int columns, float epsilon, cudaStream_t stream) {
  return guarded([&] {
    return flashinfer::norm::RMSNorm<Number>(static_cast<Number*>(x), static_cast<Number*>(weight),
                                             static_cast<Number*>(out), tokens, columns, columns, columns, epsilon,
                                             false, stream);
  });
}

// sum += x; x = sum / rms(sum) * weight
int docent_add_norm(void* x, void* sum, void* weight, int tokens, int columns, float epsilon, cudaStream_t stream) {
  return guarded([&] {
    return flashinfer::norm::FusedAddRMSNorm<Number>(static_cast<Number*>(x), static_cast<Number*>(sum),
                                                     static_cast<Number*>(weight), tokens, columns, columns, columns,
                                                     epsilon, false, stream);
  });
}

// out[i, j] = silu(gate_up[i, j]) * gate_up[i, inner + j]; `inner` a multiple of 8.
int docent_gate(const void* gate_up, void* out, int tokens, int inner, cudaStream_t stream) {
  flashinfer::activation::act_and_mul_kernel<Number, silu><<<tokens, std::min(inner / 8, 1024), 0, stream>>>(
      static_cast<Number*>(out), static_cast<const Number*>(gate_up), inner);
  return static_cast<int>(cudaGetLastError());
}

int docent_place(const Place* p, int tokens, int head, cudaStream_t stream) {
  switch (head) {
    case 64: return static_cast<int>(launch_place<64>(*p, tokens, stream));
    case 128: return static_cast<int>(launch_place<128>(*p, tokens, stream));
    default: return static_cast<int>(cudaErrorInvalidValue);
  }
}

}  // extern "C"

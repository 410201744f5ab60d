// Attention over the paged cache, from FlashInfer's templates (Ye et al. 2025, arXiv 2501.01005), bf16, heads of 64 or 128.
//
// A step is planned once on the host and run once a layer. A plan says which part of which sequence each thread block
// takes, so that long sequences are split over the whole device; it is a few numbers, offsets into the workspace, that the
// caller keeps. With `fixed` a plan's numbers and the size of its grid depend on the count of sequences alone, so that a
// graph that was captured with one plan can run with the next.
#include "entry.cuh"

#include <flashinfer/attention/decode.cuh>
#include <flashinfer/attention/default_decode_params.cuh>
#include <flashinfer/attention/default_prefill_params.cuh>
#include <flashinfer/attention/mask.cuh>
#include <flashinfer/attention/prefill.cuh>
#include <flashinfer/attention/scheduler.cuh>
#include <flashinfer/attention/variants.cuh>
#include <flashinfer/page.cuh>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace docent {

using Plain = flashinfer::DefaultAttention<false, false, false, false>;
using Prompts = flashinfer::BatchPrefillPagedParams<Number, Number, Number, Index>;
using Answers = flashinfer::BatchDecodeParams<Number, Number, Number, Index>;
using flashinfer::GetPtrFromBaseOffset;
using flashinfer::MaskMode;
using flashinfer::PosEncodingMode;

constexpr int kPlanNumbers = 16;

// The same fields in the same order as `Heads`, `Workspace` and `Sequences` of kernels/cuda/ffi.rs.
struct Heads {
  int heads, kv_heads, head, block_tokens;
};
struct Workspace {
  void* floats;
  size_t float_bytes;
  void* indices;
  void* indices_on_host;
  size_t index_bytes;
};
struct Sequences {
  const Index* query_starts;  // [count + 1]: the first row of queries of each
  const Index* block_starts;  // [count + 1]: where its blocks begin in `blocks`
  const Index* blocks;        // the blocks of one sequence after another
  const Index* last_tokens;   // [count]: tokens in its last block, 1 to block_tokens
  int count;
};

template <typename Info>
void keep(const Info& info, int64_t* plan) {
  const std::vector<int64_t> numbers = info.ToVector();
  if (numbers.size() >= kPlanNumbers) throw std::length_error("a plan has more numbers than there is room for");
  plan[0] = static_cast<int64_t>(numbers.size());
  std::copy(numbers.begin(), numbers.end(), plan + 1);
}

template <typename Info>
Info kept(const int64_t* plan) {
  Info info;
  info.FromVector(std::vector<int64_t>(plan + 1, plan + 1 + plan[0]));
  return info;
}

flashinfer::paged_kv_t<Number, Index> cache(const Heads& h, const Sequences& s, void* keys, void* values) {
  return flashinfer::paged_kv_t<Number, Index>(
      h.kv_heads, h.block_tokens, h.head, s.count, flashinfer::QKVLayout::kNHD, static_cast<Number*>(keys),
      static_cast<Number*>(values), const_cast<Index*>(s.blocks), const_cast<Index*>(s.block_starts),
      const_cast<Index*>(s.last_tokens));
}

cudaError_t plan_prompts(const Heads& h, const Workspace& w, const Index* query_starts, const Index* block_starts,
                         int count, bool fixed, int64_t* plan, cudaStream_t stream) {
  flashinfer::PrefillPlanInfo info;
  const cudaError_t status = flashinfer::PrefillPlan<Index>(
      w.floats, w.float_bytes, w.indices, w.indices_on_host, w.index_bytes, info, const_cast<Index*>(query_starts),
      const_cast<Index*>(block_starts), query_starts[count], count, h.heads, h.kv_heads, h.head, h.head,
      h.block_tokens, fixed, sizeof(Number), /*window_left=*/-1, /*fixed_split_size=*/-1, /*disable_split_kv=*/false,
      /*num_colocated_ctas=*/0, /*uniform_q_len=*/fixed ? 1 : 0, stream);
  keep(info, plan);
  return status;
}

template <int kHead>
cudaError_t plan_answers(const Heads& h, const Workspace& w, const Index* block_starts, int count, bool fixed,
                         int64_t* plan, cudaStream_t stream) {
  flashinfer::DecodePlanInfo info;
  cudaError_t status = cudaErrorInvalidValue;
  DISPATCH_GQA_GROUP_SIZE(h.heads / h.kv_heads, kGroup, {
    auto estimate = flashinfer::BatchDecodeWithPagedKVCacheWorkEstimationDispatched<kGroup, kHead, PosEncodingMode::kNone,
                                                                                   Plain, Answers>;
    status = flashinfer::DecodePlan<kHead, PosEncodingMode::kNone, Plain, Answers>(
        w.floats, w.float_bytes, w.indices, w.indices_on_host, w.index_bytes, info, const_cast<Index*>(block_starts),
        count, h.heads, h.block_tokens, fixed, stream, estimate);
  });
  keep(info, plan);
  return status;
}

template <int kHead>
cudaError_t attend_prompts(const Heads& h, const Workspace& w, const Sequences& s, const int64_t* plan, void* queries,
                           void* keys, void* values, void* out, cudaStream_t stream) {
  const auto info = kept<flashinfer::PrefillPlanInfo>(plan);
  const float scale = 1.0f / sqrtf(static_cast<float>(kHead));
  Prompts p(static_cast<Number*>(queries), cache(h, s, keys, values), nullptr, const_cast<Index*>(s.query_starts),
            nullptr, nullptr, static_cast<Number*>(out), nullptr, nullptr, h.heads, h.heads * kHead, kHead,
            /*window_left=*/-1, /*logits_soft_cap=*/0.0f, scale, /*rope_scale=*/1.0f, /*rope_theta=*/1e4f);
  p.request_indices = GetPtrFromBaseOffset<Index>(w.indices, info.request_indices_offset);
  p.qo_tile_indices = GetPtrFromBaseOffset<Index>(w.indices, info.qo_tile_indices_offset);
  p.kv_tile_indices = GetPtrFromBaseOffset<Index>(w.indices, info.kv_tile_indices_offset);
  p.o_indptr = GetPtrFromBaseOffset<Index>(w.indices, info.o_indptr_offset);
  p.kv_chunk_size_ptr = GetPtrFromBaseOffset<Index>(w.indices, info.kv_chunk_size_ptr_offset);
  p.padded_batch_size = info.padded_batch_size;
  p.max_total_num_rows = info.total_num_rows;
  Number* parts = nullptr;
  float* weights = nullptr;
  if (info.split_kv) {
    p.merge_indptr = GetPtrFromBaseOffset<Index>(w.indices, info.merge_indptr_offset);
    parts = GetPtrFromBaseOffset<Number>(w.floats, info.v_offset);
    weights = GetPtrFromBaseOffset<float>(w.floats, info.s_offset);
    if (info.enable_cuda_graph) {
      p.block_valid_mask = GetPtrFromBaseOffset<bool>(w.indices, info.block_valid_mask_offset);
    }
  }
  if (info.enable_cuda_graph) p.total_num_rows = GetPtrFromBaseOffset<uint32_t>(w.indices, info.total_num_rows_offset);
#define DOCENT_ATTEND(rows)                                                                                        \
  flashinfer::BatchPrefillWithPagedKVCacheDispatched<rows, kHead, kHead, PosEncodingMode::kNone, false,            \
                                                     MaskMode::kCausal, Plain, Prompts>(p, parts, weights, false, stream)
  switch (info.cta_tile_q) {
    case 16: return DOCENT_ATTEND(16);
    case 64: return DOCENT_ATTEND(64);
    case 128: return DOCENT_ATTEND(128);
    default: return cudaErrorInvalidValue;
  }
#undef DOCENT_ATTEND
}

template <int kHead>
cudaError_t attend_answers(const Heads& h, const Workspace& w, const Sequences& s, const int64_t* plan, void* queries,
                           void* keys, void* values, void* out, cudaStream_t stream) {
  const auto info = kept<flashinfer::DecodePlanInfo>(plan);
  const float scale = 1.0f / sqrtf(static_cast<float>(kHead));
  Answers p(static_cast<Number*>(queries), nullptr, cache(h, s, keys, values), static_cast<Number*>(out), nullptr,
            nullptr, h.heads, h.heads * kHead, kHead, /*window_left=*/-1, /*logits_soft_cap=*/0.0f, scale,
            /*rope_scale=*/1.0f, /*rope_theta=*/1e4f);
  p.request_indices = GetPtrFromBaseOffset<Index>(w.indices, info.request_indices_offset);
  p.kv_tile_indices = GetPtrFromBaseOffset<Index>(w.indices, info.kv_tile_indices_offset);
  p.o_indptr = GetPtrFromBaseOffset<Index>(w.indices, info.o_indptr_offset);
  p.kv_chunk_size_ptr = GetPtrFromBaseOffset<Index>(w.indices, info.kv_chunk_size_ptr_offset);
  p.padded_batch_size = info.padded_batch_size;
  Number* parts = nullptr;
  float* weights = nullptr;
  if (info.split_kv) {
    parts = GetPtrFromBaseOffset<Number>(w.floats, info.v_offset);
    weights = GetPtrFromBaseOffset<float>(w.floats, info.s_offset);
    if (info.enable_cuda_graph) {
      p.block_valid_mask = GetPtrFromBaseOffset<bool>(w.indices, info.block_valid_mask_offset);
    }
  }
  return flashinfer::BatchDecodeWithPagedKVCacheDispatched<kHead, PosEncodingMode::kNone, Plain, Answers>(
      p, parts, weights, false, stream);
}

}  // namespace docent

using namespace docent;

extern "C" {

// Plans a step of any counts of tokens, or with `fixed` of one token a sequence. `query_starts` and `block_starts` are on
// the host here; `plan` has room for `kPlanNumbers`.
int docent_plan_prompts(const Heads* h, const Workspace* w, const Index* query_starts, const Index* block_starts,
                        int count, int fixed, int64_t* plan, cudaStream_t stream) {
  return guarded([&] { return plan_prompts(*h, *w, query_starts, block_starts, count, fixed != 0, plan, stream); });
}

int docent_attend_prompts(const Heads* h, const Workspace* w, const Sequences* s, const int64_t* plan, void* queries,
                          void* keys, void* values, void* out, cudaStream_t stream) {
  return guarded([&] {
    switch (h->head) {
      case 64: return attend_prompts<64>(*h, *w, *s, plan, queries, keys, values, out, stream);
      case 128: return attend_prompts<128>(*h, *w, *s, plan, queries, keys, values, out, stream);
      default: return cudaErrorInvalidValue;
    }
  });
}

// Plans a step of one token a sequence for groups of 1, 2, 3, 4, 6 or 8 query heads a KV head.
int docent_plan_answers(const Heads* h, const Workspace* w, const Index* block_starts, int count, int fixed,
                        int64_t* plan, cudaStream_t stream) {
  return guarded([&] {
    switch (h->head) {
      case 64: return plan_answers<64>(*h, *w, block_starts, count, fixed != 0, plan, stream);
      case 128: return plan_answers<128>(*h, *w, block_starts, count, fixed != 0, plan, stream);
      default: return cudaErrorInvalidValue;
    }
  });
}

int docent_attend_answers(const Heads* h, const Workspace* w, const Sequences* s, const int64_t* plan, void* queries,
                          void* keys, void* values, void* out, cudaStream_t stream) {
  return guarded([&] {
    switch (h->head) {
      case 64: return attend_answers<64>(*h, *w, *s, plan, queries, keys, values, out, stream);
      case 128: return attend_answers<128>(*h, *w, *s, plan, queries, keys, values, out, stream);
      default: return cudaErrorInvalidValue;
    }
  });
}

}  // extern "C"

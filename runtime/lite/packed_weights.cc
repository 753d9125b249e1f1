// What XNNPACK asks for packed weights: those of the model file are used in place, the rest is
// packed into memory as always. TensorFlow Lite reaches this through tfport_hooks.h.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xnnpack.h>

#include <memory>
#include <new>
#include <vector>

#include "packed_section.h"
#include "tensorflow/lite/allocation.h"
#include "tensorflow/lite/c/c_api_internal.h"
#include "tensorflow/lite/core/subgraph.h"
#include "tensorflow/lite/minimal_logging.h"
#define TFPORT_DEFINE_HOOKS
#include "tensorflow/lite/tfport_hooks.h"
#include "tfport/packed_weights.h"
#include "tfport/tfport.h"
#include "tfport/tfport_cxx.h"

namespace tflite {
namespace tfport {
namespace {

constexpr char kXnnpack[] = "TfLiteXNNPackDelegate";
constexpr size_t kNotFound = SIZE_MAX;  // As XNNPACK's look-ups have it.

void (*g_record)(void* context, const PackedEvent& event) = nullptr;
void* g_record_context = nullptr;

PackedSection SectionOf(const Allocation* allocation) {
  if (allocation == nullptr || !allocation->valid()) return {};
  return FindPackedSection(allocation->base(), allocation->bytes());
}

PackedSection SectionOf(TfLiteContext* context) {
  return SectionOf(static_cast<Subgraph*>(context->impl_)->model_allocation());
}

bool SameKey(const xnn_weights_cache_look_up_key& a, const xnn_weights_cache_look_up_key& b) {
  return a.seed == b.seed && a.kernel == b.kernel && a.bias == b.bias;
}

// One for each XNNPACK runtime, which is made by one thread: no lock is needed. What XNNPACK calls
// an offset is an address here.
class PackedWeights {
 public:
  PackedWeights(TfLiteContext* context, const PackedSection& section)
      : context_(context), section_(section), served_(section.weights) {
    provider_.context = this;
    provider_.look_up = [](void* self, const xnn_weights_cache_look_up_key* key) {
      return static_cast<PackedWeights*>(self)->LookUp(*key);
    };
    provider_.reserve_space = [](void* self, size_t bytes) {
      return static_cast<PackedWeights*>(self)->Reserve(bytes);
    };
    provider_.look_up_or_insert = [](void* self, const xnn_weights_cache_look_up_key* key,
                                     void* data, size_t bytes) {
      return static_cast<PackedWeights*>(self)->Insert(*key, data, bytes);
    };
    // XNNPACK sets no operator up before; there is nothing to finish here.
    provider_.is_finalized = [](void*) { return true; };
    provider_.offset_to_addr = [](void*, size_t offset) { return reinterpret_cast<void*>(offset); };
    provider_.delete_cache = [](void*) { return xnn_status_success; };
  }

  ~PackedWeights() {
    while (blocks_ != nullptr) {
      Block* next = blocks_->next;
      tfport_deallocate(blocks_);
      blocks_ = next;
    }
  }

  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  xnn_weights_cache_provider* provider() { return &provider_; }

  // Whether XNNPACK took from the file whatever of these tensors is there in packed form alone.
  bool ServedAll(const TfLiteIntArray& tensors) const;

 private:
  // Before each block of packed weights in memory.
  struct Block {
    Block* next;
  };

  size_t LookUp(const xnn_weights_cache_look_up_key& key);
  void* Reserve(size_t bytes);
  size_t Insert(const xnn_weights_cache_look_up_key& key, void* data, size_t bytes);

  xnn_weights_cache_provider provider_ = {};
  TfLiteContext* context_;  // For errors, while the runtime is made.
  PackedSection section_;
  std::vector<bool> served_;                  // By place in the table.
  xnn_weights_cache_look_up_key asked_ = {};  // The last one that was not found.
  bool refused_ = false;
  Block* blocks_ = nullptr;
};

size_t PackedWeights::LookUp(const xnn_weights_cache_look_up_key& key) {
  asked_ = key;
  const PackedWeight* found = section_.Find(key.seed, key.kernel, key.bias);
  if (found != nullptr) {
    const size_t index = static_cast<size_t>(found - section_.table);
    const uint8_t* data = section_.file + found->offset;
    if (served_[index] || PackedHash(data, found->bytes) == found->hash) {
      served_[index] = true;
      return reinterpret_cast<size_t>(data);
    }
    if (!section_.Holds(key.kernel)) {
      TFLITE_LOG_PROD(TFLITE_LOG_WARNING,
                      "Packed weights at byte %u of the model file are damaged; they are packed "
                      "again from the plain ones.",
                      static_cast<unsigned>(found->offset));
      return kNotFound;
    }
    context_->ReportError(context_,
                          "the model file is damaged: the packed weights at byte %u do not match "
                          "their checksum; copy it anew",
                          static_cast<unsigned>(found->offset));
    refused_ = true;
  } else if (section_.Holds(key.kernel)) {
    context_->ReportError(context_,
                          "the model's weights were packed for other microkernels than those of "
                          "this library for %s, and it has no plain ones; pack the model with this "
                          "library's tfport-pack",
                          TfPortTarget());
    refused_ = true;
  }
  return kNotFound;
}

void* PackedWeights::Reserve(size_t bytes) {
  // What would be packed now is not there.
  if (refused_ || bytes > SIZE_MAX - kPackedAlignment) return nullptr;
  void* memory = tfport_allocate(kPackedAlignment, kPackedAlignment + bytes);
  if (memory == nullptr) return nullptr;
  blocks_ = new (memory) Block{blocks_};
  return static_cast<uint8_t*>(memory) + kPackedAlignment;
}

size_t PackedWeights::Insert(const xnn_weights_cache_look_up_key& key, void* data, size_t bytes) {
  // XNNPACK inserts some that it has just found, with nothing in hand.
  if (data == nullptr) return LookUp(key);
  if (g_record != nullptr) {
    const PackedEvent event = {key.seed, key.kernel, key.bias, data, bytes, SameKey(key, asked_)};
    g_record(g_record_context, event);
  }
  return reinterpret_cast<size_t>(data);
}

bool PackedWeights::ServedAll(const TfLiteIntArray& tensors) const {
  for (int i = 0; i < tensors.size; ++i) {
    const int index = tensors.data[i];
    if (index == kTfLiteOptionalTensor) continue;
    const TfLiteTensor& tensor = context_->tensors[index];
    if (tensor.allocation_type != kTfLiteMmapRo || !section_.Holds(tensor.data.raw)) continue;
    bool served = false;
    for (size_t k = 0; k < served_.size(); ++k) {
      served |= served_[k] && section_.file + section_.table[k].kernel ==
                                  reinterpret_cast<const uint8_t*>(tensor.data.raw);
    }
    if (served) continue;
    context_->ReportError(context_,
                          "XNNPACK needs the plain weights of tensor %d ('%s'), but the model has "
                          "them packed only; pack it with tfport-pack --keep-weights",
                          index, tensor.name == nullptr ? "" : tensor.name);
    return false;
  }
  return true;
}

}  // namespace

size_t ModelPackedBytes(const FlatBufferModel& model) {
  const PackedSection section = SectionOf(model.allocation());
  if (section.state != PackedState::kUsable) return 0;
  size_t bytes = 0;
  for (uint32_t i = 0; i < section.weights; ++i) bytes += section.table[i].bytes;
  return bytes;
}

void RecordPackedWeights(void (*record)(void* context, const PackedEvent& event), void* context) {
  g_record = record;
  g_record_context = context;
}

}  // namespace tfport
}  // namespace tflite

using tflite::tfport::PackedSection;
using tflite::tfport::PackedState;
using tflite::tfport::PackedWeights;

extern "C" {

bool tfport_open_packed_weights(TfLiteContext* context, xnn_weights_cache_provider** cache) {
  *cache = nullptr;
  PackedSection section = tflite::tfport::SectionOf(context);
  if (section.state == PackedState::kRefused) {
    context->ReportError(context, "%s", section.problem);
    return false;
  }
  if (section.state == PackedState::kUnfit) {
    TFLITE_LOG_PROD(tflite::TFLITE_LOG_WARNING, "Weights are packed at start-up: %s.",
                    section.problem);
    section = {};
  }
  if (section.state == PackedState::kAbsent && tflite::tfport::g_record == nullptr) return true;
  auto* weights = new (std::nothrow) PackedWeights(context, section);
  if (weights == nullptr) {
    context->ReportError(context, "out of memory");
    return false;
  }
  *cache = weights->provider();
  return true;
}

bool tfport_check_packed_weights(xnn_weights_cache_provider* cache,
                                 const TfLiteDelegateParams* params) {
  return static_cast<PackedWeights*>(cache->context)->ServedAll(*params->input_tensors);
}

void tfport_close_packed_weights(xnn_weights_cache_provider* cache) {
  if (cache != nullptr) delete static_cast<PackedWeights*>(cache->context);
}

void tfport_packed_alone(TfLiteContext* context, const char** begin, const char** end) {
  const PackedSection section = tflite::tfport::SectionOf(context);
  *begin = *end = nullptr;
  if (section.file == nullptr) return;
  *begin = reinterpret_cast<const char*>(section.file) + section.begin;
  *end = reinterpret_cast<const char*>(section.file) + section.end;
}

bool tfport_check_plain_weights(TfLiteContext* context) {
  const PackedSection section = tflite::tfport::SectionOf(context);
  if (section.state == PackedState::kRefused) {
    context->ReportError(context, "%s", section.problem);
    return false;
  }
  if (!section.partial) return true;
  auto* graph = static_cast<tflite::Subgraph*>(context->impl_);
  for (const int node_index : graph->execution_plan()) {
    const auto& [node, registration] = *graph->node_and_registration(node_index);
    const char* name = registration.custom_name;
    if (node.delegate != nullptr && name != nullptr &&
        strcmp(name, tflite::tfport::kXnnpack) == 0) {
      continue;
    }
    for (int i = 0; i < node.inputs->size; ++i) {
      const int index = node.inputs->data[i];
      if (index == kTfLiteOptionalTensor) continue;
      const TfLiteTensor* tensor = graph->tensor(index);
      if (tensor->allocation_type != kTfLiteMmapRo || !section.Holds(tensor->data.raw)) continue;
      context->ReportError(context,
                           "node %d runs outside XNNPACK, but the model has the weights of tensor "
                           "%d ('%s') in XNNPACK's packed form only; leave XNNPACK on, or pack the "
                           "model with tfport-pack --keep-weights",
                           node_index, index, tensor->name == nullptr ? "" : tensor->name);
      return false;
    }
  }
  return true;
}

size_t TfPortModelPackedBytes(const TfLiteModel* model) {
  return model == nullptr ? 0 : tflite::tfport::ModelPackedBytes(*model->impl);
}

}  // extern "C"

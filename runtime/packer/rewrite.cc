#include "rewrite.h"

#include <memory>

namespace packer {
namespace {

using Builder = tfport_flatbuffers::FlatBufferBuilder;
template <typename T>
using Offset = tfport_flatbuffers::Offset<T>;
template <typename T>
using Vector = tfport_flatbuffers::Vector<T>;

constexpr size_t kBufferAlignment = 16;  // As the schema has it.

// The generated packing leaves empty vectors out, but an op without inputs and a constant without
// elements are told from others by their empty vector; those are copied here.
template <typename T>
Offset<Vector<T>> Copy(const Vector<T>* vector, Builder* builder) {
  if (vector == nullptr) return 0;
  return builder->CreateVector(vector->data(), vector->size());
}

template <typename T>
Offset<Vector<Offset<T>>> CopyTables(const Vector<Offset<T>>* tables, Builder* builder) {
  if (tables == nullptr) return 0;
  std::vector<Offset<T>> copies;
  for (const T* table : *tables) {
    const std::unique_ptr<typename T::NativeTableType> unpacked(table->UnPack());
    copies.push_back(T::Pack(*builder, unpacked.get()));
  }
  return builder->CreateVector(copies);
}

Offset<tflite::Operator> CopyOperator(const tflite::Operator& node, Builder* builder) {
  const std::unique_ptr<tflite::OperatorT> unpacked(node.UnPack());
  const auto inputs = Copy(node.inputs(), builder);
  const auto outputs = Copy(node.outputs(), builder);
  const auto options = unpacked->builtin_options.Pack(*builder);
  const auto custom = Copy(node.custom_options(), builder);
  const auto mutating = Copy(node.mutating_variable_inputs(), builder);
  const auto intermediates = Copy(node.intermediates(), builder);
  return tflite::CreateOperator(*builder, node.opcode_index(), inputs, outputs,
                                node.builtin_options_type(), options, custom,
                                node.custom_options_format(), mutating, intermediates);
}

Offset<tflite::SubGraph> CopyGraph(const tflite::SubGraph& graph, Builder* builder) {
  const auto tensors = CopyTables(graph.tensors(), builder);
  const auto inputs = Copy(graph.inputs(), builder);
  const auto outputs = Copy(graph.outputs(), builder);
  std::vector<Offset<tflite::Operator>> nodes;
  for (const tflite::Operator* node : *graph.operators()) {
    nodes.push_back(CopyOperator(*node, builder));
  }
  const auto operators = builder->CreateVector(nodes);
  const auto name = graph.name() == nullptr ? 0 : builder->CreateString(graph.name());
  return tflite::CreateSubGraph(*builder, tensors, inputs, outputs, operators, name);
}

Offset<tflite::Buffer> BufferOf(const uint8_t* data, size_t bytes, Builder* builder) {
  builder->ForceVectorAlignment(bytes, sizeof(uint8_t), kBufferAlignment);
  return tflite::CreateBuffer(*builder, builder->CreateVector(data, bytes));
}

}  // namespace

std::vector<uint8_t> Rewrite(const tflite::Model& model, const std::map<uint32_t, Place>& outside,
                             const std::string& metadata_name, const void* metadata,
                             size_t metadata_bytes) {
  Builder builder;
  const auto codes = CopyTables(model.operator_codes(), &builder);
  std::vector<Offset<tflite::SubGraph>> graphs;
  for (const tflite::SubGraph* graph : *model.subgraphs()) {
    graphs.push_back(CopyGraph(*graph, &builder));
  }
  std::vector<Offset<tflite::Buffer>> buffers;
  for (uint32_t i = 0; i < model.buffers()->size(); ++i) {
    const auto* data = model.buffers()->Get(i)->data();
    const auto place = outside.find(i);
    if (place != outside.end()) {
      buffers.push_back(
          tflite::CreateBuffer(builder, 0, place->second.offset, place->second.bytes));
    } else if (data == nullptr) {
      buffers.push_back(tflite::CreateBuffer(builder));
    } else {
      buffers.push_back(BufferOf(data->data(), data->size(), &builder));
    }
  }
  std::vector<Offset<tflite::Metadata>> entries;
  if (model.metadata() != nullptr) {
    for (const tflite::Metadata* entry : *model.metadata()) {
      const auto name = entry->name() == nullptr ? 0 : builder.CreateString(entry->name());
      entries.push_back(tflite::CreateMetadata(builder, name, entry->buffer()));
    }
  }
  const auto name = builder.CreateString(metadata_name);
  entries.push_back(tflite::CreateMetadata(builder, name, static_cast<uint32_t>(buffers.size())));
  buffers.push_back(BufferOf(static_cast<const uint8_t*>(metadata), metadata_bytes, &builder));

  const auto description =
      model.description() == nullptr ? 0 : builder.CreateString(model.description());
  const auto metadata_buffer = Copy(model.metadata_buffer(), &builder);
  const auto signatures = CopyTables(model.signature_defs(), &builder);
  const auto all_graphs = builder.CreateVector(graphs);
  const auto all_buffers = builder.CreateVector(buffers);
  const auto all_entries = builder.CreateVector(entries);
  tflite::FinishModelBuffer(
      builder, tflite::CreateModel(builder, model.version(), codes, all_graphs, description,
                                   all_buffers, metadata_buffer, all_entries, signatures));
  return std::vector<uint8_t>(builder.GetBufferPointer(),
                              builder.GetBufferPointer() + builder.GetSize());
}

}  // namespace packer

#include "npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace runner {
namespace {

using File = std::unique_ptr<FILE, int (*)(FILE*)>;

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicSize = 6;
// Structured types aside, no real header comes near this.
constexpr size_t kMaxHeader = 1 << 16;

struct Descr {
  const char* descr;
  DType dtype;
};

constexpr Descr kDescrs[] = {
    {"<f2", DType::kFloat16},   {"<f4", DType::kFloat32},     {"<f8", DType::kFloat64},
    {"|i1", DType::kInt8},      {"<i2", DType::kInt16},       {"<i4", DType::kInt32},
    {"<i8", DType::kInt64},     {"|u1", DType::kUint8},       {"<u2", DType::kUint16},
    {"<u4", DType::kUint32},    {"<u8", DType::kUint64},      {"|b1", DType::kBool},
    {"<c8", DType::kComplex64}, {"<c16", DType::kComplex128},
};

// Finds `'key':` in a Python dictionary and returns what follows, or nullptr. Header keys never
// occur as values.
const char* FindValue(const std::string& text, const char* key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = std::string(1, quote) + key + quote;
    const size_t at = text.find(quoted);
    if (at == std::string::npos) continue;
    const char* value = text.c_str() + at + quoted.size();
    while (*value == ' ') ++value;
    if (*value != ':') return nullptr;
    ++value;
    while (*value == ' ') ++value;
    return value;
  }
  return nullptr;
}

std::string ParseDescr(const char* value, NpyHeader* header) {
  const char quote = *value;
  const char* end = quote == '\'' || quote == '"' ? strchr(value + 1, quote) : nullptr;
  if (end == nullptr) return "a structured dtype is not a tensor";
  std::string descr(value + 1, end);
  if (descr.size() > 2 && descr[0] == '|' && descr[1] == 'S') {
    header->dtype = DType::kString;
    header->item_bytes = strtoul(descr.c_str() + 2, nullptr, 10);
    if (header->item_bytes == 0 || header->item_bytes > kMaxHeader * 16) {
      return "dtype '" + descr + "' has no usable length";
    }
    return "";
  }
  if (descr[0] == '=') descr[0] = '<';
  for (const Descr& known : kDescrs) {
    // Only the letter and the size matter for one byte.
    const bool same = known.descr[0] == '|'
                          ? descr.size() == 3 && descr.substr(1) == known.descr + 1
                          : descr == known.descr;
    if (same) {
      header->dtype = known.dtype;
      header->item_bytes = DTypeSize(known.dtype);
      return "";
    }
  }
  return "dtype '" + descr + "' is not supported (big-endian, object or text?)";
}

std::string ParseShape(const char* value, NpyHeader* header) {
  header->shape.clear();
  if (*value != '(') return "the header has no shape";
  ++value;
  while (true) {
    while (*value == ' ' || *value == ',') ++value;
    if (*value == ')') return "";
    if (*value < '0' || *value > '9') return "the shape in the header is malformed";
    errno = 0;
    char* end = nullptr;
    const long long dim = strtoll(value, &end, 10);
    if (errno != 0 || header->shape.size() >= 32) return "the shape in the header is out of range";
    header->shape.push_back(dim);
    value = *end == 'L' ? end + 1 : end;  // Python 2 wrote long integers so.
  }
}

std::string SystemError(const char* action) { return std::string(action) + ": " + strerror(errno); }

// Opens a temporary file beside `path`, lets `write` fill it, and renames it.
template <typename Write>
std::string WriteAndRename(const std::string& path, Write write) {
  char suffix[24];
  snprintf(suffix, sizeof(suffix), ".%ld.tmp", static_cast<long>(getpid()));
  const std::string temporary = path + suffix;
  std::string problem;
  {
    File file(fopen(temporary.c_str(), "wbe"), fclose);
    if (!file) return SystemError("cannot create the file");
    if (!write(file.get()) || fflush(file.get()) != 0 || fsync(fileno(file.get())) != 0) {
      problem = SystemError("cannot write the file");
    }
  }
  if (problem.empty() && rename(temporary.c_str(), path.c_str()) != 0) {
    problem = SystemError("cannot rename the file");
  }
  if (!problem.empty()) unlink(temporary.c_str());
  return problem;
}

}  // namespace

std::string ParseNpyHeader(const std::string& text, NpyHeader* header) {
  const char* descr = FindValue(text, "descr");
  const char* order = FindValue(text, "fortran_order");
  const char* shape = FindValue(text, "shape");
  if (descr == nullptr || order == nullptr || shape == nullptr) return "the header is malformed";
  std::string problem = ParseDescr(descr, header);
  if (problem.empty()) problem = ParseShape(shape, header);
  if (!problem.empty()) return problem;
  // Order makes no difference up to one dimension.
  if (strncmp(order, "False", 5) != 0 && header->shape.size() > 1) {
    return "the array is in Fortran order; save numpy.ascontiguousarray(array)";
  }
  if (!CountElements(header->shape, header->dtype, &header->elements) ||
      header->elements > SIZE_MAX / header->item_bytes) {
    return "the array is too large";
  }
  return "";
}

std::string ReadNpyHeader(const std::string& path, NpyHeader* header) {
  File file(fopen(path.c_str(), "rbe"), fclose);
  if (!file) return SystemError("cannot open the file");
  unsigned char start[12];
  if (fread(start, 1, 10, file.get()) != 10 || memcmp(start, kMagic, kMagicSize) != 0) {
    return "this is not a .npy file";
  }
  const int version = start[6];
  if (version < 1 || version > 3) return "the version of the .npy format is unknown";
  size_t size = start[8] | start[9] << 8;
  if (version > 1) {
    if (fread(start + 10, 1, 2, file.get()) != 2) return "the file is truncated";
    size |= static_cast<size_t>(start[10]) << 16 | static_cast<size_t>(start[11]) << 24;
  }
  if (size > kMaxHeader) return "the header is too long";
  std::string text(size, '\0');
  if (fread(&text[0], 1, size, file.get()) != size) return "the file is truncated";
  const std::string problem = ParseNpyHeader(text, header);
  if (!problem.empty()) return problem;
  header->data_offset = ftell(file.get());
  struct stat facts;
  if (fstat(fileno(file.get()), &facts) != 0) return SystemError("cannot read the file");
  const uint64_t bytes = static_cast<uint64_t>(header->elements) * header->item_bytes;
  if (S_ISREG(facts.st_mode) &&
      static_cast<uint64_t>(facts.st_size) < static_cast<uint64_t>(header->data_offset) + bytes) {
    return "the file is truncated";
  }
  return "";
}

std::string ReadNpyData(const std::string& path, const NpyHeader& header, void* data) {
  File file(fopen(path.c_str(), "rbe"), fclose);
  if (!file || fseek(file.get(), header.data_offset, SEEK_SET) != 0) {
    return SystemError("cannot open the file");
  }
  if (header.elements != 0 &&
      fread(data, header.item_bytes, header.elements, file.get()) != header.elements) {
    return "the file is truncated";
  }
  return "";
}

std::string WriteNpy(const std::string& path, DType dtype, const Shape& shape, const void* data) {
  const char* descr = nullptr;
  for (const Descr& known : kDescrs) {
    if (known.dtype == dtype) descr = known.descr;
  }
  size_t elements = 0;
  if (descr == nullptr || !CountElements(shape, dtype, &elements)) return "not a numeric tensor";
  std::string header = std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (";
  for (const int64_t dim : shape) header += std::to_string(dim) + ", ";
  if (shape.size() > 1) header.resize(header.size() - 2);
  if (shape.size() == 1) header.resize(header.size() - 1);
  header += "), }";
  // The data starts at a multiple of 64, so that it can be mapped.
  const size_t padded = (kMagicSize + 4 + header.size() + 1 + 63) / 64 * 64;
  header.resize(padded - kMagicSize - 4 - 1, ' ');
  header += '\n';
  const unsigned char prefix[4] = {1, 0, static_cast<unsigned char>(header.size() & 0xff),
                                   static_cast<unsigned char>(header.size() >> 8)};
  return WriteAndRename(path, [&](FILE* file) {
    return fwrite(kMagic, 1, kMagicSize, file) == kMagicSize && fwrite(prefix, 1, 4, file) == 4 &&
           fwrite(header.data(), 1, header.size(), file) == header.size() &&
           (elements == 0 || fwrite(data, DTypeSize(dtype), elements, file) == elements);
  });
}

std::string WriteFile(const std::string& path, const std::string& text) {
  return WriteAndRename(
      path, [&](FILE* file) { return fwrite(text.data(), 1, text.size(), file) == text.size(); });
}

}  // namespace runner

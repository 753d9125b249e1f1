// Tests of the runner's parts that need no runtime. Without arguments it checks itself and prints
// what failed; "seeded DTYPE SEED INDEX COUNT FILE" writes the pattern for the test in Python to
// compare; "copy FROM TO" reads a .npy file and writes it again.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json.h"
#include "../npy.h"
#include "../options.h"
#include "../seeded.h"
#include "check.h"

namespace runner {

int g_failures = 0;

namespace {

DType FindDType(const char* name) {
  for (int i = 0; i <= static_cast<int>(DType::kString); ++i) {
    if (strcmp(DTypeName(static_cast<DType>(i)), name) == 0) return static_cast<DType>(i);
  }
  fprintf(stderr, "no type %s\n", name);
  exit(2);
}

std::string Json(std::string_view bytes) {
  std::string out;
  AppendJsonString(bytes, &out);
  return out;
}

std::string JsonNumber(double value) {
  JsonWriter writer;
  writer.Number(value);
  return writer.text();
}

void TestJson() {
  CHECK(Json("plain") == "\"plain\"");
  CHECK(Json("a\"b\\c\n\x7f") == "\"a\\\"b\\\\c\\u000a\\u007f\"");
  CHECK(Json("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\xba") ==
        "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\xba\"");
  // A lone byte, an overlong slash, a surrogate and a sequence that ends too soon.
  CHECK(Json("\xff") == "\"\\udcff\"");
  CHECK(Json("\xc0\xaf") == "\"\\udcc0\\udcaf\"");
  CHECK(Json("\xed\xa0\x80") == "\"\\udced\\udca0\\udc80\"");
  CHECK(Json("\xe2\x82") == "\"\\udce2\\udc82\"");
  CHECK(Json(std::string_view("\0", 1)) == "\"\\u0000\"");
  CHECK(Printable("caf\xc3\xa9\t\xff\x1b[31m\n") == "caf\xc3\xa9\t\\xff\\x1b[31m\n");
  CHECK(Printable("\xe2\x82") == "\\xe2\\x82" && Printable("") == "");
  CHECK(JsonNumber(0.1) == "0.1");
  CHECK(JsonNumber(1e-9) == "1e-09");
  CHECK(strtod(JsonNumber(1.0 / 3).c_str(), nullptr) == 1.0 / 3);
  CHECK(JsonNumber(HUGE_VAL) == "null");
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("a");
  writer.Dimensions({1, -1});
  writer.Key("b");
  writer.BeginArray();
  writer.EndArray();
  writer.Key("c");
  writer.Bool(true);
  writer.EndObject();
  CHECK(writer.text() == "{\"a\": [1, -1], \"b\": [], \"c\": true}");
}

void TestShapes() {
  size_t elements = 9;
  CHECK(CountElements({}, DType::kFloat32, &elements) && elements == 1);
  CHECK(CountElements({3, 0, 1ll << 40}, DType::kFloat32, &elements) && elements == 0);
  CHECK(CountElements({2, 3}, DType::kString, &elements) && elements == 6);
  CHECK(!CountElements({-1}, DType::kInt8, &elements));
  CHECK(!CountElements({1ll << 32, 1ll << 32}, DType::kInt8, &elements));
  CHECK(!CountElements({1ll << 62}, DType::kFloat64, &elements));
  CHECK(ShapeText({}) == "[]");
  CHECK(ShapeText({1, -1, 3}) == "[1, -1, 3]");
}

void TestNpyHeader() {
  NpyHeader header;
  CHECK(ParseNpyHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", &header)
            .empty());
  CHECK(header.dtype == DType::kFloat32 && header.shape == (Shape{1, 2}) && header.elements == 2);
  CHECK(ParseNpyHeader("{\"shape\":(7,),\"descr\":\"|S12\",\"fortran_order\":False}", &header)
            .empty());
  CHECK(header.dtype == DType::kString && header.item_bytes == 12 && header.elements == 7);
  CHECK(
      ParseNpyHeader("{'descr': '|i1', 'fortran_order': True, 'shape': (4L,), }", &header).empty());
  CHECK(ParseNpyHeader("{'descr': '<i1', 'fortran_order': False, 'shape': (), }", &header).empty());
  CHECK(header.elements == 1);
  for (const char* bad : {
           "",
           "{}",
           "{'descr': '<f4'}",
           "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
           "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
           "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
           "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1",
           "{'descr': '<f4",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
           "{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 9999999999), }",
           "{'descr': '|S0', 'fortran_order': False, 'shape': (1,), }",
       }) {
    CHECK(!ParseNpyHeader(bad, &header).empty());
  }
}

void TestOptions() {
  Options options;
  CHECK(ParseOptions({"m.tflite", "--input", "a=b=c.npy", "--threads=4", "--repeat", "3", "--seed",
                      "0xffffffffffffffff", "--no-xnnpack", "--json", "--output", "out",
                      "--fetch=y", "--fetch", "z"},
                     &options)
            .ok());
  CHECK(options.model == "m.tflite" && options.threads == 4 && options.repeat == 3);
  CHECK(options.seed == UINT64_MAX && !options.xnnpack && options.json && options.output == "out");
  CHECK(options.inputs.size() == 1 && options.inputs[0].first == "a=b" &&
        options.inputs[0].second == "c.npy");
  CHECK(options.fetch == (std::vector<std::string>{"y", "z"}));
  CHECK(UsageText("a model").find("--fetch NAME") != std::string::npos);
  options = {};
  CHECK(ParseOptions({"--", "--odd-name"}, &options).ok() && options.model == "--odd-name");
  const std::vector<std::vector<std::string>> bad = {
      {},
      {"a", "b"},
      {"m", "--thread", "1"},
      {"m", "--threads"},
      {"m", "--threads", "0"},
      {"m", "--threads", "x"},
      {"m", "--repeat", "-1"},
      {"m", "--seed", "18446744073709551616"},
      {"m", "--input", "a"},
      {"m", "--input", "=b"},
      {"m", "--input", "a="},
      {"m", "--output="},
      {"m", "--fetch", ""},
      {""},
  };
  for (const std::vector<std::string>& arguments : bad) {
    options = {};
    const Status status = ParseOptions(arguments, &options);
    CHECK(status.code == kExitUsage && !status.message.empty());
  }
}

int WriteSeeded(char** arguments) {
  const DType dtype = FindDType(arguments[0]);
  const size_t count = strtoul(arguments[3], nullptr, 0);
  SeededStream stream(strtoull(arguments[1], nullptr, 0), strtoul(arguments[2], nullptr, 0));
  std::string problem;
  if (dtype == DType::kString) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += stream.NextString();
    problem = WriteFile(arguments[4], text);
  } else {
    std::vector<char> data(count * DTypeSize(dtype));
    stream.Fill(dtype, count, data.data());
    problem = WriteNpy(arguments[4], dtype, {static_cast<int64_t>(count)}, data.data());
  }
  if (!problem.empty()) fprintf(stderr, "%s\n", problem.c_str());
  return problem.empty() ? 0 : 1;
}

int Copy(char** arguments) {
  NpyHeader header;
  std::string problem = ReadNpyHeader(arguments[0], &header);
  std::vector<char> data;
  if (problem.empty()) {
    data.resize(header.elements * header.item_bytes);
    problem = ReadNpyData(arguments[0], header, data.data());
  }
  if (problem.empty()) problem = WriteNpy(arguments[1], header.dtype, header.shape, data.data());
  if (!problem.empty()) fprintf(stderr, "%s\n", problem.c_str());
  return problem.empty() ? 0 : 1;
}

}  // namespace
}  // namespace runner

int main(int argc, char** argv) {
  if (argc == 7 && strcmp(argv[1], "seeded") == 0) return runner::WriteSeeded(argv + 2);
  if (argc == 4 && strcmp(argv[1], "copy") == 0) return runner::Copy(argv + 2);
  runner::TestJson();
  runner::TestShapes();
  runner::TestNpyHeader();
  runner::TestOptions();
  runner::TestCoreParts();
  return runner::g_failures == 0 ? 0 : 1;
}

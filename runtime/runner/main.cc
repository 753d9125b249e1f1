// tfport-run: loads a model, feeds it, and reports outputs, times and memory.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <exception>
#include <new>

#include "engine.h"
#include "heap.h"
#include "npy.h"
#include "options.h"
#include "report.h"
#include "seeded.h"

namespace runner {
namespace {

// One input: a file, or the seeded pattern when there is no path.
struct Feed {
  std::string path;
  NpyHeader file;
  Shape shape;
  size_t elements = 0;
};

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Status InputError(const TensorInfo& input, const std::string& message) {
  return {kExitInput, "input '" + input.name + "' " + message};
}

// Whether a file of this shape fits an input whose dimensions may be open (-1).
bool Fits(const Shape& wanted, const Shape& given) {
  if (wanted.size() != given.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] >= 0 && wanted[i] != given[i]) return false;
  }
  return true;
}

// Checks the file of one input against what the model wants.
Status OpenFeed(const TensorInfo& input, const std::string& path, Feed* feed) {
  const std::string problem = ReadNpyHeader(path, &feed->file);
  if (!problem.empty()) return InputError(input, "from '" + path + "': " + problem);
  if (feed->file.dtype != input.dtype) {
    return InputError(input, std::string("is ") + DTypeName(input.dtype) + ", but '" + path +
                                 "' holds " + DTypeName(feed->file.dtype));
  }
  if (!input.any_rank && !Fits(input.shape, feed->file.shape)) {
    return InputError(input, "has shape " + ShapeText(input.shape) + ", but '" + path + "' holds " +
                                 ShapeText(feed->file.shape));
  }
  feed->path = path;
  feed->shape = feed->file.shape;
  return {};
}

// Pairs the files of the command line with the model's inputs.
Status PlanFeeds(const Options& options, const Engine& engine, std::vector<Feed>* feeds) {
  const std::vector<TensorInfo>& inputs = engine.inputs();
  feeds->resize(inputs.size());
  for (const auto& [name, path] : options.inputs) {
    const int index = engine.FindInput(name);
    if (index < 0) {
      std::vector<std::string> known;
      for (const TensorInfo& input : inputs) known.push_back(input.name);
      return {kExitInput, "the model has no input '" + name + "'; it has " + QuotedList(known)};
    }
    Feed& feed = (*feeds)[static_cast<size_t>(index)];
    if (!feed.path.empty()) return InputError(inputs[static_cast<size_t>(index)], "is given twice");
    const Status status = OpenFeed(inputs[static_cast<size_t>(index)], path, &feed);
    if (!status.ok()) return status;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    Feed& feed = (*feeds)[i];
    if (feed.path.empty()) {
      if (inputs[i].any_rank) {
        return InputError(inputs[i],
                          "may have any number of dimensions, so no pattern fits it; "
                          "give it a file with --input");
      }
      feed.shape = inputs[i].shape;
      // A dimension that is left open gets its smallest useful value.
      for (int64_t& dim : feed.shape) dim = dim < 0 ? 1 : dim;
    }
    for (const int64_t dim : feed.shape) {
      if (dim > INT32_MAX) return InputError(inputs[i], "is too large: " + ShapeText(feed.shape));
    }
    if (!CountElements(feed.shape, inputs[i].dtype, &feed.elements)) {
      return InputError(inputs[i], "is too large: " + ShapeText(feed.shape));
    }
  }
  return {};
}

Status SetStringInput(uint64_t seed, size_t index, const Feed& feed, Engine* engine) {
  std::vector<std::string> strings;
  if (feed.path.empty()) {
    SeededStream stream(seed, index);
    for (size_t k = 0; k < feed.elements; ++k) strings.push_back(stream.NextString());
  } else {
    std::string bytes(feed.file.elements * feed.file.item_bytes, '\0');
    const std::string problem = ReadNpyData(feed.path, feed.file, &bytes[0]);
    if (!problem.empty()) return InputError(engine->inputs()[index], problem);
    for (size_t k = 0; k < feed.elements; ++k) {
      const char* item = bytes.data() + k * feed.file.item_bytes;
      size_t length = feed.file.item_bytes;
      while (length > 0 && item[length - 1] == '\0') --length;
      strings.emplace_back(item, length);
    }
  }
  return engine->SetStrings(index, strings);
}

// Fills every input, straight in the runtime, so that the runner holds no second copy.
Status FillInputs(const Options& options, const std::vector<Feed>& feeds, Engine* engine) {
  for (size_t i = 0; i < feeds.size(); ++i) {
    const TensorInfo& input = engine->inputs()[i];
    if (input.dtype == DType::kString) {
      const Status status = SetStringInput(options.seed, i, feeds[i], engine);
      if (!status.ok()) return status;
      continue;
    }
    if (feeds[i].elements == 0) continue;
    size_t bytes = 0;
    void* data = engine->InputData(i, &bytes);
    // The planner gives no memory to an input that nothing reads.
    if (data == nullptr) continue;
    if (bytes < feeds[i].elements * DTypeSize(input.dtype)) {
      return InputError(input, "has less memory than its shape needs");
    }
    if (feeds[i].path.empty()) {
      SeededStream(options.seed, i).Fill(input.dtype, feeds[i].elements, data);
      continue;
    }
    const std::string problem = ReadNpyData(feeds[i].path, feeds[i].file, data);
    if (!problem.empty()) return InputError(input, "from '" + feeds[i].path + "': " + problem);
  }
  return {};
}

Status RunInferences(const Options& options, const std::vector<Feed>& feeds, Engine* engine,
                     std::vector<double>* seconds) {
  for (int i = 0; i < options.warmup + options.repeat; ++i) {
    Status status;
    if (i == 0 || !engine->KeepsInputs()) status = FillInputs(options, feeds, engine);
    if (!status.ok()) return status;
    const double start = Now();
    status = engine->Invoke();
    if (!status.ok()) return status;
    if (i >= options.warmup) seconds->push_back(Now() - start);
  }
  return {};
}

Status Run(const Options& options, Engine* engine) {
  Status status = engine->Load(options);
  if (!status.ok()) return status;
  // Before the work, not after it.
  if (!options.output.empty()) status = MakeFolder(options.output);
  if (!status.ok()) return status;
  std::vector<Feed> feeds;
  status = PlanFeeds(options, *engine, &feeds);
  if (!status.ok()) return status;
  Report report;
  report.inputs = engine->inputs();
  std::vector<Shape> shapes;
  for (size_t i = 0; i < feeds.size(); ++i) {
    report.inputs[i].shape = feeds[i].shape;
    report.inputs[i].any_rank = false;
    shapes.push_back(feeds[i].shape);
  }
  status = engine->Prepare(shapes);
  if (!status.ok()) return status;
  status = RunInferences(options, feeds, engine, &report.seconds);
  if (!status.ok()) return status;
  // Taken before anything that only the report needs.
  report.heap_high_water_bytes = HeapHighWaterBytes();
  report.facts = engine->Facts();
  std::vector<OutputView> outputs;
  status = engine->Outputs(&outputs);
  if (!status.ok()) return status;
  for (const OutputView& output : outputs) report.outputs.push_back(output.info);
  if (!options.output.empty()) status = WriteOutputs(options.output, outputs, &report);
  if (!status.ok()) return status;
  PrintReport(options, *engine, report);
  return {};
}

// The words after the program's name. A debugger hands an image one short line: there, "@FILE"
// alone stands for the words in FILE, one a line.
Status CommandLine(int argc, char** argv, std::vector<std::string>* words) {
  words->assign(argv + 1, argv + argc);
#ifdef TFPORT_NO_FOLDERS
  if (words->size() != 1 || (*words)[0].compare(0, 1, "@") != 0) return {};
  const std::string path = (*words)[0].substr(1);
  words->clear();
  FILE* file = fopen(path.c_str(), "r");
  if (file == nullptr) {
    return {kExitUsage, "cannot read the words in '" + path + "': " + strerror(errno)};
  }
  std::string word;
  for (int letter = 0; (letter = fgetc(file)) != EOF;) {
    if (letter != '\n') {
      word += static_cast<char>(letter);
      continue;
    }
    words->push_back(word);
    word.clear();
  }
  fclose(file);
#endif
  return {};
}

int Main(int argc, char** argv) {
  Options options;
  const std::unique_ptr<Engine> engine = MakeEngine();
  std::vector<std::string> words;
  Status status = CommandLine(argc, argv, &words);
  if (status.ok()) status = ParseOptions(words, &options);
  if (!status.ok()) return Fail(status, options.json);
  if (options.help) {
    fputs(UsageText(engine->models()).c_str(), stdout);
    return kExitOk;
  }
  if (options.version) {
    printf("tfport-run %s %s %s\n", engine->runtime(), engine->version(), engine->target());
    return kExitOk;
  }
  engine->SetVerbose(options.verbose);
  try {
    status = Run(options, engine.get());
  } catch (const std::bad_alloc&) {
    status = {kExitInvoke, "out of memory"};
  } catch (const std::exception& problem) {
    status = {kExitInvoke, std::string("the runtime gave up: ") + problem.what()};
  }
  return status.ok() ? kExitOk : Fail(status, options.json);
}

}  // namespace
}  // namespace runner

namespace {

// Ends the program on a CPU that it is not made for. Uses nothing but the C library: the rest of
// the program may use what this CPU lacks anywhere.
void CheckCpu(int argc, char** argv, char**) {
  const char* lacking = runner::LackingCpuFeature();
  if (lacking == nullptr) return;
  fprintf(stderr, "tfport-run: error: %s\n", lacking);
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--json") != 0) continue;
    printf("{\"error\": {\"code\": %d, \"message\": \"%s\"}}\n", runner::kExitCpu, lacking);
  }
  fflush(stdout);
  _exit(runner::kExitCpu);
}

#ifdef __linux__
// Before the initialisers, with which a runtime registers its ops. The C library passes them the
// arguments of main.
__attribute__((section(".preinit_array"), used)) void (*const g_check_cpu)(int, char**,
                                                                           char**) = CheckCpu;
#endif

}  // namespace

int main(int argc, char** argv) {
#ifndef __linux__
  CheckCpu(argc, argv, nullptr);
#endif
  return runner::Main(argc, argv);
}

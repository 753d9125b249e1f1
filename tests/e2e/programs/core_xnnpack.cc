// Convolutions and matrix products of TensorFlow core through XNNPACK, against its stock kernels.
//
// Each graph runs in two sessions, one with XNNPACK and one without, on the same inputs. Statuses
// and shapes have to be equal, values nearly so, and as many nodes as expected have to have run
// through XNNPACK. The argument is the number of threads; TensorFlow fixes it once for a process.
//
// Prints one line per group of graphs; the exit code is 1 if any of them differs.

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core_graphs.h"
#include "tfport/core.h"

namespace {

using Feeds = std::vector<std::pair<std::string, Value>>;

Random random_numbers;
int threads = 1;
int failures = 0;

Value RandomFloats(const std::vector<int64_t>& shape) { return Floats(&random_numbers, shape); }

std::unique_ptr<Session> NewSession(const GraphMaker& maker, bool xnnpack) {
  TfPortCoreSetXnnpack(xnnpack);
  return std::make_unique<Session>(maker, threads);
}

struct Outcome {
  std::vector<TF_Code> codes;
  std::vector<std::string> messages;
  std::vector<std::vector<Value>> outputs;
  long xnnpack_ops = 0;
};

Outcome RunIn(bool xnnpack, const GraphMaker& maker, const std::vector<Feeds>& runs,
              const std::vector<std::string>& fetches) {
  Outcome outcome;
  auto session = NewSession(maker, xnnpack);
  for (const Feeds& feeds : runs) {
    outcome.outputs.emplace_back();
    outcome.messages.emplace_back();
    outcome.codes.push_back(
        session->Run(feeds, fetches, &outcome.outputs.back(), &outcome.messages.back()));
  }
  outcome.xnnpack_ops = TfPortCoreXnnpackOps();
  session.reset();
  if (TfPortCoreXnnpackOps() != 0) {
    std::printf("%ld kernels outlive their session\n", TfPortCoreXnnpackOps());
    ++failures;
  }
  return outcome;
}

class Group {
 public:
  explicit Group(const char* name) : name_(name) {}
  ~Group() {
    std::printf("%-32s %4d runs, %4d good, %7lld values, %d differ\n", name_, runs_, ok_, values_,
                differing_);
    std::fflush(stdout);
    if (differing_ != 0 || ok_ == 0) ++failures;
  }

  // Runs the graph with each of the feeds. `ops` nodes have to run through XNNPACK; sums are of
  // `depth` products.
  void Check(const GraphMaker& maker, const std::vector<Feeds>& runs,
             const std::vector<std::string>& fetches, long ops, int64_t depth,
             const std::string& what = "") {
    const Outcome got = RunIn(true, maker, runs, fetches);
    const Outcome expected = RunIn(false, maker, runs, fetches);
    if (got.xnnpack_ops != ops || expected.xnnpack_ops != 0) {
      Differ(what + ": " + std::to_string(got.xnnpack_ops) + " nodes through XNNPACK, not " +
             std::to_string(ops) + "; without it " + std::to_string(expected.xnnpack_ops));
    }
    for (size_t run = 0; run < runs.size(); ++run) {
      ++runs_;
      if (got.codes[run] != expected.codes[run]) {
        Differ(what + ": '" + got.messages[run] + "', not '" + expected.messages[run] + "'");
        continue;
      }
      if (got.codes[run] == TF_OK) ++ok_;
      // Two sessions of which neither can run agree about nothing.
      if (expected.messages[run].find("OpKernel") != std::string::npos) {
        Differ(what + ": " + expected.messages[run]);
      }
      for (size_t i = 0; i < got.outputs[run].size(); ++i) {
        Compare(got.outputs[run][i], expected.outputs[run][i], depth, what);
      }
    }
  }

  void Compare(const Value& got, const Value& expected, int64_t depth, const std::string& what) {
    if (got.shape != expected.shape || got.type != expected.type) {
      Differ(what + ": another shape or type");
      return;
    }
    values_ += got.count();
    if (got.type != TF_FLOAT) return;
    // Relative to the result or, where terms cancel out, to the norm of the terms.
    const float norm = std::sqrt(static_cast<float>(depth)) / 3;
    for (int64_t i = 0; i < got.count(); ++i) {
      const float a = got.floats()[i], b = expected.floats()[i];
      if (std::abs(a - b) <= 1e-5f * std::max({1.0f, std::abs(b), norm})) continue;
      char text[96];
      std::snprintf(text, sizeof(text), " at %lld: %.9g, not %.9g", static_cast<long long>(i),
                    static_cast<double>(a), static_cast<double>(b));
      Differ(what + text);
      return;
    }
  }

  void Differ(const std::string& what) {
    if (differing_++ < 5) std::printf("%s %s\n", name_, what.c_str());
  }

 private:
  const char* name_;
  int runs_ = 0;
  long long values_ = 0;
  int differing_ = 0;
  int ok_ = 0;  // Runs that have given outputs.
};

// What a network puts after a product: a bias and an activation, in several spellings.
std::string Tail(GraphMaker* maker, const std::string& product, int64_t channels, int kind) {
  const std::string bias = maker->Const(RandomFloats({channels}));
  switch (kind) {
    case 0:
      return product;
    case 1:
      return maker->Add("BiasAdd", {product, bias}).name();
    case 2:
      return maker->Add("Relu", {maker->Add("BiasAdd", {product, bias}).name()}).name();
    case 3:
      return maker->Add("Relu6", {maker->Add("AddV2", {bias, product}).name()}).name();
    case 4:
      return maker->Add("Relu", {product}).name();
    default: {
      const std::string row = maker->Const(RandomFloats({1, channels}));
      return maker->Add("Relu6", {maker->Add("Add", {product, row}).name()}).name();
    }
  }
}

struct Convolution {
  int height = 7, width = 6, in = 3, out = 8;
  int rows = 3, cols = 3;  // Of the filter.
  int stride_rows = 1, stride_cols = 1, dilation_rows = 1, dilation_cols = 1;
  std::string padding = "SAME";
  bool depthwise = false;  // `out` is then the multiplier.
  int tail = 2;

  std::string Text() const {
    char text[160];
    std::snprintf(text, sizeof(text), "%dx%dx%d, filter %dx%dx%d, stride %d %d, dilation %d %d, %s",
                  height, width, in, rows, cols, out, stride_rows, stride_cols, dilation_rows,
                  dilation_cols, padding.c_str());
    return text;
  }
  int64_t Channels() const { return depthwise ? in * out : out; }
  // XNNPACK does not take filters that leave gaps, where padding depends on the input.
  bool Taken() const {
    return padding != "SAME" || ((rows - 1) * dilation_rows + 1 >= stride_rows &&
                                 (cols - 1) * dilation_cols + 1 >= stride_cols);
  }
  Node& Add(GraphMaker* maker, const std::string& input, const std::string& filter) const {
    Node& node = maker->Add(depthwise ? "DepthwiseConv2dNative" : "Conv2D", {input, filter});
    node.Ints("strides", {1, stride_rows, stride_cols, 1}).Text("padding", padding);
    node.Ints("dilations", {1, dilation_rows, dilation_cols, 1});
    if (padding == "EXPLICIT") node.Ints("explicit_paddings", {0, 0, 1, 0, 2, 1, 0, 0});
    return node;
  }
  Value Filter() const { return RandomFloats({rows, cols, in, out}); }
  Value Image(int64_t batch = 1) const { return RandomFloats({batch, height, width, in}); }
};

void CheckConvolution(Group* group, const Convolution& c, const std::vector<Value>& images) {
  GraphMaker maker;
  const std::string input = maker.Input();
  const std::string product = c.Add(&maker, input, maker.Const(c.Filter())).name();
  const std::string output = Tail(&maker, product, c.Channels(), c.tail);
  std::vector<Feeds> runs;
  for (const Value& image : images) runs.push_back({{input, image}});
  group->Check(maker, runs, {output}, c.Taken(), c.rows * c.cols * (c.depthwise ? 1 : c.in),
               c.Text());
}

void TestConvolutions(int count) {
  Group group("Conv2D");
  for (int i = 0; i < count; ++i) {
    Convolution c;
    c.height = random_numbers.In(1, 12);
    c.width = random_numbers.In(1, 12);
    c.in = random_numbers.Of({1, 2, 3, 4, 7, 16});
    c.out = random_numbers.Of({1, 2, 3, 8, 17, 24});
    c.rows = random_numbers.Of({1, 1, 2, 3, 5});
    c.cols = i % 3 == 0 ? random_numbers.Of({1, 3, 4}) : c.rows;
    c.stride_rows = random_numbers.Of({1, 1, 2, 3});
    c.stride_cols = i % 4 == 0 ? random_numbers.Of({1, 2}) : c.stride_rows;
    c.dilation_rows = random_numbers.Of({1, 1, 1, 2, 3});
    c.dilation_cols = i % 5 == 0 ? 1 : c.dilation_rows;
    c.padding = random_numbers.Of<const char*>({"SAME", "VALID", "EXPLICIT"});
    c.tail = i % 6;
    CheckConvolution(&group, c, {c.Image(random_numbers.Of({1, 1, 3}))});
  }
}

void TestDepthwiseConvolutions(int count) {
  Group group("DepthwiseConv2dNative");
  for (int i = 0; i < count; ++i) {
    Convolution c;
    c.depthwise = true;
    c.height = random_numbers.In(1, 12);
    c.width = random_numbers.In(1, 12);
    c.in = random_numbers.Of({1, 3, 4, 7, 16, 33});
    c.out = random_numbers.Of({1, 1, 2, 3});
    c.rows = random_numbers.Of({1, 2, 3, 3, 5, 7});
    c.cols = i % 3 == 0 ? random_numbers.Of({1, 3, 4}) : c.rows;
    c.stride_rows = c.stride_cols = random_numbers.Of({1, 1, 2, 3});
    c.padding = random_numbers.Of<const char*>({"SAME", "VALID", "EXPLICIT"});
    c.tail = i % 6;
    CheckConvolution(&group, c, {c.Image(random_numbers.Of({1, 1, 3}))});
  }
}

// Enough work for several threads.
void TestLargeConvolutions() {
  Group group("large convolutions");
  Convolution c;
  c.height = c.width = 28;
  c.in = 32;
  c.out = 48;
  CheckConvolution(&group, c, {c.Image(), c.Image(), c.Image(2)});
  c.rows = c.cols = 1;
  CheckConvolution(&group, c, {c.Image(), c.Image()});
  c.rows = c.cols = 5;
  c.depthwise = true;
  c.out = 1;
  c.in = 67;
  CheckConvolution(&group, c, {c.Image(), c.Image()});
  c.rows = c.cols = 7;
  CheckConvolution(&group, c, {c.Image(), c.Image()});
}

void TestChangingShapes() {
  Group group("changing shapes");
  for (bool depthwise : {false, true}) {
    for (const char* padding : {"SAME", "VALID", "EXPLICIT"}) {
      Convolution c;
      c.depthwise = depthwise;
      c.padding = padding;
      c.in = 6;
      c.out = depthwise ? 1 : 12;
      c.stride_rows = c.stride_cols = 2;
      std::vector<Value> images = {c.Image(), c.Image(3)};
      for (std::pair<int, int> size : {std::pair<int, int>(3, 3), {9, 4}, {17, 11}, {7, 6}}) {
        c.height = size.first;
        c.width = size.second;
        images.push_back(c.Image(size.first % 2 + 1));
      }
      // Nothing to do, nothing but padding, too small, of another depth, of no depth at all, of
      // another rank.
      for (std::vector<int64_t> shape : std::vector<std::vector<int64_t>>{{0, 5, 5, 6},
                                                                          {1, 0, 5, 6},
                                                                          {1, 0, 0, 6},
                                                                          {1, 1, 1, 6},
                                                                          {1, 2, 2, 6},
                                                                          {1, 5, 5, 12},
                                                                          {1, 5, 5, 18},
                                                                          {2, 9, 9, 72},
                                                                          {1, 5, 5, 30},
                                                                          {1, 5, 5, 5},
                                                                          {1, 5, 5, 0},
                                                                          {5, 5, 6},
                                                                          {1, 5, 5, 6}}) {
        images.push_back(RandomFloats(shape));
      }
      c.in = 6;
      CheckConvolution(&group, c, images);
    }
  }
}

void TestProducts() {
  Group group("MatMul");
  int count = 0;
  for (int rows : {1, 2, 5, 13}) {
    for (int depth : {1, 3, 8, 33}) {
      for (int columns : {1, 4, 7, 40}) {
        const bool transposed = ++count % 2;
        GraphMaker maker;
        const std::string a = maker.Input();
        const std::string b = maker.Const(transposed ? RandomFloats({columns, depth})
                                                     : RandomFloats({depth, columns}));
        Node& product = maker.Add("MatMul", {a, b});
        product.Flag("transpose_a", false).Flag("transpose_b", transposed);
        const std::string output = Tail(&maker, product.name(), columns, count % 6);
        group.Check(maker,
                    {{{a, RandomFloats({rows, depth})}},
                     {{a, RandomFloats({rows, depth})}},
                     {{a, RandomFloats({0, depth})}},
                     {{a, RandomFloats({rows + 2, depth})}},
                     {{a, RandomFloats({rows, depth + 1})}},
                     {{a, RandomFloats({1, rows, depth})}},
                     {{a, RandomFloats({rows, depth})}}},
                    {output}, 1, depth, std::to_string(rows) + "x" + std::to_string(depth));
      }
    }
  }
  for (bool transposed : {false, true}) {
    GraphMaker maker;
    const std::string a = maker.Input();
    const std::string b = maker.Const(RandomFloats({17, 17}));
    Node& product = maker.Add("MatMul", {a, b});
    product.Flag("transpose_a", true).Flag("transpose_b", transposed);
    group.Check(maker, {{{a, RandomFloats({17, 4})}}}, {product.name()}, 0, 17,
                "transposed left factor");
  }
  GraphMaker maker;
  const std::string a = maker.Input();
  Node& large = maker.Add("MatMul", {a, maker.Const(RandomFloats({300, 257}))});
  group.Check(maker, {{{a, RandomFloats({50, 300})}}}, {large.name()}, 1, 300, "large");
}

void TestOthers() {
  Group group("stays with the stock kernels");
  Convolution c;
  {
    GraphMaker maker;  // The filter is no constant.
    const std::string input = maker.Input(), filter = maker.Input();
    const std::string output = c.Add(&maker, input, filter).name();
    group.Check(
        maker,
        {{{input, c.Image()}, {filter, c.Filter()}}, {{input, c.Image()}, {filter, c.Filter()}}},
        {output}, 0, 27, "filter fed");
    const std::string a = maker.Input(), b = maker.Input();
    const std::string product = maker.Add("MatMul", {a, b}).name();
    group.Check(maker, {{{a, RandomFloats({3, 5})}, {b, RandomFloats({5, 4})}}}, {product}, 0, 5,
                "factor fed");
  }
  {
    GraphMaker maker;  // A constant that the application replaces.
    const std::string input = maker.Input(), filter = maker.Const(c.Filter());
    const std::string output = c.Add(&maker, input, filter).name();
    group.Check(maker, {{{input, c.Image()}, {filter, c.Filter()}}}, {output}, 0, 27,
                "constant fed");
  }
  {
    GraphMaker maker;  // Of no elements.
    const std::string input = maker.Input();
    const std::string filter = maker.Const(RandomFloats({3, 3, 3, 0}));
    const std::string output = c.Add(&maker, input, filter).name();
    group.Check(maker, {{{input, c.Image()}}}, {output}, 0, 27, "empty filter");
    const std::string a = maker.Input();
    const std::string b = maker.Const(RandomFloats({0, 4}));
    const std::string product = maker.Add("MatMul", {a, b}).name();
    group.Check(maker, {{{a, RandomFloats({3, 0})}}}, {product}, 0, 1, "empty factor");
  }
  for (const char* attribute : {"strides", "dilations"}) {
    GraphMaker maker;  // Along the batch, which no kernel can do.
    const std::string input = maker.Input();
    Node& node = c.Add(&maker, input, maker.Const(c.Filter()));
    node.Ints(attribute, {2, 1, 1, 1});
    group.Check(maker, {{{input, c.Image()}}}, {node.name()}, 0, 27, attribute);
  }
  {
    GraphMaker maker;  // Depthwise, with strides that no kernel can do.
    Convolution d = c;
    d.depthwise = true;
    d.stride_rows = 2;
    const std::string input = maker.Input();
    const std::string output = d.Add(&maker, input, maker.Const(d.Filter())).name();
    group.Check(maker, {{{input, d.Image()}}}, {output}, 0, 9, "unequal strides");
  }
  {
    GraphMaker maker;  // Another type.
    const std::string input = maker.Input(TF_INT32);
    const std::string b = maker.Const(Int32s({2, 2}, {1, 2, 3, 4}));
    Node& product = maker.Add("MatMul", {input, b}).Type("T", TF_INT32);
    group.Check(maker, {{{input, Int32s({1, 2}, {5, 6})}}}, {product.name()}, 0, 2, "int32");
  }
}

void TestRewriting() {
  Group group("rewriting of graphs");
  Convolution c;
  {
    GraphMaker maker;  // Everything between is asked for too.
    const std::string input = maker.Input(), filter = maker.Const(c.Filter());
    const std::string product = c.Add(&maker, input, filter).name();
    const std::string bias = maker.Const(RandomFloats({8}));
    const std::string sum = maker.Add("BiasAdd", {product, bias}).name();
    const std::string output = maker.Add("Relu", {sum}).name();
    const std::vector<Feeds> runs = {{{input, c.Image()}}};
    group.Check(maker, runs, {output, sum, product}, 1, 27, "all fetched");
    group.Check(maker, runs, {output, product}, 1, 27, "product fetched");
    group.Check(maker, runs, {output, sum}, 1, 27, "sum fetched");
    group.Check(maker, runs, {output, filter, bias}, 1, 27, "constants fetched");
    group.Check(maker, {{{input, c.Image()}, {bias, RandomFloats({8})}}}, {output}, 1, 27,
                "bias fed");
    group.Check(maker, {{{sum, c.Image()}}}, {output}, 0, 27, "sum fed");
  }
  {
    GraphMaker maker;  // Constants as older tools write them, shared; two layers; no bias at all.
    const std::string input = maker.Input();
    Convolution second = c;
    c.out = second.out = 3;
    const std::string filter = maker.Add("Identity", {maker.Const(c.Filter())}).name();
    const std::string bias = maker.Add("Identity", {maker.Const(RandomFloats({3}))}).name();
    const std::string one =
        maker.Add("BiasAdd", {c.Add(&maker, input, filter).name(), bias}).name();
    const std::string two =
        maker.Add("BiasAdd", {second.Add(&maker, one, filter).name(), bias}).name();
    group.Check(maker, {{{input, c.Image()}}}, {two}, 2, 60, "shared");
    const std::string other = maker.Const(RandomFloats({3, 1, 1}));
    const std::string none = maker.Const(RandomFloats({1}));
    const std::string three =
        maker.Add("AddV2", {second.Add(&maker, two, filter).name(), other}).name();
    const std::string four =
        maker.Add("AddV2", {second.Add(&maker, three, filter).name(), none}).name();
    const std::string twice = second.Add(&maker, four, filter).name();
    const std::string five = maker.Add("AddV2", {twice, twice}).name();
    c.height = 3;
    group.Check(maker, {{{input, c.Image()}}}, {five}, 5, 4000, "sums that are no biases");
  }
  {
    GraphMaker maker;  // Paddings.
    Convolution d;
    const std::string paddings = maker.Const(Int32s({4, 2}, {0, 0, 1, 2, 0, 3, 0, 0}));
    const std::string others = maker.Const(Int32s({4, 2}, {0, 0, 1, 1, 1, 1, 0, 2}));
    std::vector<std::string> fetches;
    const std::string input = maker.Input();
    for (const char* padding : {"SAME", "VALID", "EXPLICIT"}) {
      for (const std::string& by : {paddings, others}) {
        const std::string padded = maker.Add("Pad", {input, by}).Type("Tpaddings", TF_INT32).name();
        d.padding = padding;
        d.in = by == others ? 5 : 3;
        fetches.push_back(d.Add(&maker, padded, maker.Const(d.Filter())).name());
      }
    }
    d.in = 3;
    group.Check(maker, {{{input, d.Image()}}, {{input, d.Image(2)}}}, fetches, 6, 27, "Pad");
    const std::string padded =
        maker.Add("Pad", {input, paddings}).Type("Tpaddings", TF_INT32).name();
    d.padding = "VALID";
    const std::string product = d.Add(&maker, padded, maker.Const(d.Filter())).name();
    group.Check(maker, {{{input, d.Image()}}}, {product, padded}, 1, 27, "Pad fetched");
  }
  {
    GraphMaker maker;  // What waits for nodes that are rewritten still waits, and so do they.
    Convolution d;
    const std::string input = maker.Input();
    const std::string before = maker.Add("Relu", {input}).name();
    Node& filter = maker.Constant(d.Filter());
    filter.After(before);
    Node& product = d.Add(&maker, input, filter.name());
    product.After(before);
    const std::string bias = maker.Const(RandomFloats({8}));
    const std::string sum = maker.Add("BiasAdd", {product.name(), bias}).name();
    Node& after = maker.Add("Relu", {input});
    after.After(product.name());
    const std::string output = maker.Add("Relu", {sum}).name();
    group.Check(maker, {{{input, d.Image()}}}, {output, after.name()}, 1, 27, "control edges");
  }
}

// if (choice) Conv2D(x) else Relu(x), as TensorFlow lowers it.
void TestConditional() {
  Group group("conditional");
  Convolution c;
  c.out = c.in;
  GraphMaker maker;
  const std::string input = maker.Input(), choice = maker.Input(TF_BOOL);
  Node& data = maker.Add("Switch", {input, choice});
  Node& pivot = maker.Add("Switch", {choice, choice}).Type("T", TF_BOOL);
  const std::string taken = maker.Add("Identity", {pivot.Output(1)}).Type("T", TF_BOOL).name();
  Node& filter = maker.Constant(c.Filter());
  filter.After(taken);
  const std::string product = c.Add(&maker, data.Output(1), filter.name()).name();
  const std::string yes = Tail(&maker, product, c.out, 2);
  // A product of what is known outside of the branch is dead by its filter alone.
  Node& inner = maker.Constant(RandomFloats({3, 3}));
  inner.After(taken);
  const std::string outside = maker.Input();
  const std::string dead = maker.Add("MatMul", {outside, inner.name()}).name();
  const std::string other = maker.Add("Relu", {data.Output(0)}).name();
  const std::string merged = maker.Add("Merge", {other, yes}).Int("N", 2).name();
  Node& fallback = maker.Constant(RandomFloats({2, 3}));
  const std::string not_taken = maker.Add("Identity", {pivot.Output(0)}).Type("T", TF_BOOL).name();
  fallback.After(not_taken);
  const std::string second = maker.Add("Merge", {fallback.name(), dead}).Int("N", 2).name();
  std::vector<Feeds> runs;
  for (bool value : {true, false, true}) {
    runs.push_back({{input, c.Image()}, {choice, Bool(value)}, {outside, RandomFloats({2, 3})}});
  }
  group.Check(maker, runs, {merged, second}, 2, 27);
}

// for (i = 0; i < n; ++i) x = Relu6(x · w), as TensorFlow lowers it, w being passed on in the loop
// or known to be constant there.
void TestLoop(bool is_constant) {
  Group group(is_constant ? "loop with a constant" : "loop that passes on a constant");
  GraphMaker maker;
  const std::string input = maker.Input();
  const auto enter = [&](const std::string& value, TF_DataType type, bool constant) {
    Node& node = maker.Add("Enter", {value}).Type("T", type).Text("frame_name", "loop");
    return node.Flag("is_constant", constant).Int("parallel_iterations", 10).name();
  };
  const auto merge = [&](const std::string& value, TF_DataType type) -> Node& {
    return maker.Add("Merge", {value}).Type("T", type).Int("N", 2);
  };
  const std::string w = enter(maker.Const(RandomFloats({4, 4})), TF_FLOAT, is_constant);
  const std::string i = enter(maker.Const(Int32s({}, {0})), TF_INT32, false);
  const std::string n = enter(maker.Const(Int32s({}, {5})), TF_INT32, true);
  const std::string x = enter(input, TF_FLOAT, false);
  Node& merge_i = merge(i, TF_INT32);
  Node& merge_x = merge(x, TF_FLOAT);
  const std::string less = maker.Add("Less", {merge_i.name(), n}).Type("T", TF_INT32).name();
  const std::string goes_on = maker.Add("LoopCond", {less}, false).name();
  Node& switch_i = maker.Add("Switch", {merge_i.name(), goes_on}).Type("T", TF_INT32);
  Node& switch_x = maker.Add("Switch", {merge_x.name(), goes_on});
  std::string weights = w;
  if (!is_constant) {
    Node& merge_w = merge(w, TF_FLOAT);
    Node& switch_w = maker.Add("Switch", {merge_w.name(), goes_on});
    weights = maker.Add("Identity", {switch_w.Output(1)}).name();
    merge_w.In(maker.Add("NextIteration", {weights}).name());
  }
  const std::string body_x = maker.Add("Identity", {switch_x.Output(1)}).name();
  const std::string product = maker.Add("MatMul", {body_x, weights}).name();
  Node& bias = maker.Constant(RandomFloats({4}));
  bias.After(body_x);
  const std::string sum = maker.Add("AddV2", {bias.name(), product}).name();
  const std::string clamped = maker.Add("Relu6", {sum}).name();
  merge_x.In(maker.Add("NextIteration", {clamped}).name());
  Node& one = maker.Constant(Int32s({}, {1}));
  one.After(body_x);
  const std::string next =
      maker.Add("AddV2", {switch_i.Output(1), one.name()}).Type("T", TF_INT32).name();
  merge_i.In(maker.Add("NextIteration", {next}).Type("T", TF_INT32).name());
  const std::string output = maker.Add("Exit", {switch_x.Output(0)}).name();
  group.Check(maker, {{{input, RandomFloats({3, 4})}}, {{input, RandomFloats({1, 4})}}}, {output},
              1, 30);
}

// One session, many callers at the same time.
void TestConcurrentRuns() {
  Group group("concurrent runs");
  Convolution c;
  c.height = c.width = 20;
  c.in = c.out = 16;
  GraphMaker maker;
  const std::string input = maker.Input();
  std::string value = input;
  for (int i = 0; i < 3; ++i) {
    value = Tail(&maker, c.Add(&maker, value, maker.Const(c.Filter())).name(), c.out, 3);
  }
  constexpr int kCallers = 6, kRuns = 5;
  std::vector<Value> images;
  std::vector<Feeds> runs;
  for (int i = 0; i < kCallers; ++i) {
    c.width = 20 - i % 2;
    images.push_back(c.Image());
    runs.push_back({{input, images.back()}});
  }
  group.Check(maker, runs, {value}, 3, 400, "one after the other");
  const Outcome expected = RunIn(false, maker, runs, {value});
  auto session = NewSession(maker, true);
  std::vector<std::vector<Value>> got(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      for (int run = 0; run < kRuns; ++run) {
        std::vector<Value> outputs;
        std::string message;
        if (session->Run({{input, images[i]}}, {value}, &outputs, &message) == TF_OK) {
          got[i].push_back(outputs[0]);
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (int i = 0; i < kCallers; ++i) {
    if (got[i].size() != kRuns) group.Differ("a run has failed");
    for (const Value& tensor : got[i]) {
      group.Compare(tensor, expected.outputs[i][0], 400, "at the same time");
    }
  }
}

// Lets the value lie where it ends with memory that can be read.
void MoveToEndOfMemory(Value* value) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t whole = (value->bytes.size() + page - 1) / page * page;
  char* memory = static_cast<char*>(
      mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED || mprotect(memory + whole, page, PROT_NONE) != 0) std::abort();
  value->at = memory + whole - value->bytes.size();
  std::memcpy(value->at, value->bytes.data(), value->bytes.size());
}

void TestEndOfMemory() {
  Group group("inputs at the end of memory");
  for (int in : {3, 4, 7, 16}) {
    for (bool depthwise : {false, true}) {
      for (int size : {1, 3}) {
        Convolution c;
        c.in = in;
        c.rows = c.cols = size;
        c.depthwise = depthwise;
        c.out = depthwise ? 1 : 8;
        c.height = c.width = 8;
        Value image = c.Image();
        MoveToEndOfMemory(&image);
        CheckConvolution(&group, c, {image});
      }
    }
    GraphMaker maker;
    const std::string a = maker.Input();
    Node& product = maker.Add("MatMul", {a, maker.Const(RandomFloats({in, 5}))});
    // TensorFlow copies what does not begin at a multiple of 64.
    Value vector = RandomFloats({4, in});
    MoveToEndOfMemory(&vector);
    group.Check(maker, {{{a, vector}}}, {product.name()}, 1, in, "MatMul");
  }
}

size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A filter is packed for XNNPACK, but not kept twice.
void TestMemory() {
  Group group("memory");
  GraphMaker maker;
  const std::string a = maker.Input();
  std::string x = a;
  for (int i = 0; i < 4; ++i) {
    x = maker.Add("MatMul", {x, maker.Const(RandomFloats({512, 512}))}).name();
  }
  Convolution c;
  c.in = c.out = 512;
  c.rows = c.cols = 1;
  const std::string reshaped = maker.Add("Reshape", {x, maker.Const(Int32s({4}, {1, 1, 1, 512}))})
                                   .Type("Tshape", TF_INT32)
                                   .name();
  x = c.Add(&maker, reshaped, maker.Const(c.Filter())).name();
  const std::vector<Feeds> runs = {{{a, RandomFloats({1, 512})}}};
  // A layer's sums have the norm of 512 products, each of a term of the layer before: in the end
  // as large as sums of this many products of two terms.
  const int64_t depth = int64_t{512} * (512 / 3) * (512 / 3) * (512 / 3) * (512 / 3);
  group.Check(maker, runs, {x}, 5, depth);
  size_t used[2];
  for (bool xnnpack : {false, true}) {
    const size_t before = BytesInUse();
    auto session = NewSession(maker, xnnpack);
    std::vector<Value> outputs;
    std::string message;
    if (session->Run(runs[0], {x}, &outputs, &message) != TF_OK) group.Differ(message);
    used[xnnpack] = BytesInUse() - before;
  }
  std::printf("memory in use: stock kernels %zu bytes, XNNPACK %zu bytes\n", used[0], used[1]);
  if (used[1] > used[0] + used[0] / 20) group.Differ("filters are kept twice");
}

}  // namespace

int main(int argc, char** argv) {
  threads = argc > 1 ? std::atoi(argv[1]) : 1;
  TestConvolutions(120);
  TestDepthwiseConvolutions(80);
  TestLargeConvolutions();
  TestChangingShapes();
  TestProducts();
  TestOthers();
  TestRewriting();
  TestConditional();
  TestLoop(true);
  TestLoop(false);
  TestConcurrentRuns();
  TestEndOfMemory();
  TestMemory();
  std::printf(failures ? "FAILED: %d groups\n" : "all groups agree\n", failures);
  return failures ? 1 : 0;
}

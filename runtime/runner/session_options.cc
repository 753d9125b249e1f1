#include "session_options.h"

#include "wire.h"

namespace runner {

std::string SessionConfigBytes(int threads) {
  // Field numbers of ConfigProto.
  constexpr uint32_t kIntraOpThreads = 2, kInterOpThreads = 5, kSoftPlacement = 7;
  constexpr uint32_t kGraph = 10, kRewrite = 10, kDisableMetaOptimizer = 19;
  constexpr uint32_t kExperimental = 16;
  constexpr uint32_t kOptimizeForStaticGraph = 12, kDisableOutputPartitionGraphs = 14;
  std::string rewrite, graph, experimental;
  // A library that has grappler would rewrite the graph again, after build.py has done that.
  AppendNumber(kDisableMetaOptimizer, 1, &rewrite);
  AppendBytes(kRewrite, rewrite, &graph);
  // Else the session keeps further copies of the graph, weights included.
  AppendNumber(kOptimizeForStaticGraph, 1, &experimental);
  AppendNumber(kDisableOutputPartitionGraphs, 1, &experimental);
  std::string config;
  AppendNumber(kIntraOpThreads, threads, &config);
  AppendNumber(kInterOpThreads, 1, &config);
  // A graph that was trained on a GPU may still say so.
  AppendNumber(kSoftPlacement, 1, &config);
  AppendBytes(kGraph, graph, &config);
  AppendBytes(kExperimental, experimental, &config);
  return config;
}

std::string RunOptionsBytes() {
  constexpr uint32_t kInterOpThreadPool = 3;
  std::string options;
  AppendNumber(kInterOpThreadPool, -1, &options);
  return options;
}

}  // namespace runner

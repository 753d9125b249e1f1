#include <benchmark/benchmark.h>

#include <cstdio>
#include <numeric>
#include <vector>

static long rounds = 0;

static void Sum(benchmark::State& state) {
  std::vector<int> values(state.range(0), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(values.begin(), values.end(), 0));
    ++rounds;
  }
}
BENCHMARK(Sum)->Arg(64)->Iterations(1000);

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const std::size_t run = benchmark::RunSpecifiedBenchmarks();
  std::printf("%zu benchmark, %ld rounds\n", run, rounds);
  return run == 1 && rounds == 1000 ? 0 : 1;
}

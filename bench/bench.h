// What the machine does at this moment: clocks, CPU time of this process and of all, peak rate.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cairn::bench {

inline rusage usage() {
  rusage result{};
  ::getrusage(RUSAGE_SELF, &result);
  return result;
}

inline double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

#if defined(__x86_64__)

inline constexpr size_t kChains = 12;  // hides the latency of 4 cycles at 2 FMAs a cycle

// Each chain is one register: x <- x a + b stays near its fixed point.
template <size_t... K>
__attribute__((target("avx512f"), noinline)) float burst_avx512(int64_t n,
                                                                std::index_sequence<K...>) {
  const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(1.0f);
  __m512 x[sizeof...(K)] = {_mm512_set1_ps(static_cast<float>(K))...};
  for (int64_t i = 0; i < n; ++i) ((x[K] = _mm512_fmadd_ps(x[K], a, b)), ...);
  __m512 sum = b;
  ((sum = _mm512_add_ps(sum, x[K])), ...);
  return _mm512_cvtss_f32(sum);
}

template <size_t... K>
__attribute__((target("avx2,fma"), noinline)) float burst_avx2(int64_t n,
                                                               std::index_sequence<K...>) {
  const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(1.0f);
  __m256 x[sizeof...(K)] = {_mm256_set1_ps(static_cast<float>(K))...};
  for (int64_t i = 0; i < n; ++i) ((x[K] = _mm256_fmadd_ps(x[K], a, b)), ...);
  __m256 sum = b;
  ((sum = _mm256_add_ps(sum, x[K])), ...);
  return _mm256_cvtss_f32(sum);
}

struct Burst {
  float (*run)(int64_t) = nullptr;
  double flops_a_round = 0;
};

inline Burst burst() {
  using Chains = std::make_index_sequence<kChains>;
  if (__builtin_cpu_supports("avx512f"))
    return {[](int64_t n) { return burst_avx512(n, Chains{}); }, kChains * 2.0 * 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {[](int64_t n) { return burst_avx2(n, Chains{}); }, kChains * 2.0 * 8};
  return {};
}

#else

struct Burst {
  float (*run)(int64_t) = nullptr;
  double flops_a_round = 0;
};

inline Burst burst() { return {}; }

#endif

inline double wall_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

/// CPU seconds of this process, user and system.
inline double own_cpu_seconds() {
  const rusage u = usage();
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/// Busy CPU seconds of the whole machine since its start, from /proc/stat.
inline double machine_cpu_seconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  return (user + nice + system + irq + softirq + steal) /
         static_cast<double>(::sysconf(_SC_CLK_TCK));
}

inline int cores() { return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)); }

inline double peak_rss_mb() { return static_cast<double>(usage().ru_maxrss) / 1024; }

/// GFLOP/s of a 20 ms burst of independent float32 FMAs in registers on each of `threads` threads,
/// with AVX-512 or else AVX2; 0 where the CPU has neither. On a shared machine it tells what was to
/// be had: compare speeds only where the probes agree.
inline double probe_gflops(int threads) {
  constexpr int64_t kRounds = 10'000'000;
  const Burst probe = burst();
  if (!probe.run) return 0;
  const auto work = [&] {
    volatile float kept = probe.run(kRounds);
    static_cast<void>(kept);
  };
  const double begin = wall_seconds();
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  return threads * static_cast<double>(kRounds) * probe.flops_a_round / (wall_seconds() - begin) *
         1e-9;
}

}  // namespace cairn::bench

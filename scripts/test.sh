#!/usr/bin/env bash
# Installs what the tests need, builds them and runs them. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/test.sh [--quick | --all [PART...]]

  --quick     the format of the sources and the release suite
  (default)   as well: everything compiled by nvcc for one architecture, what ptxas says of each
              kernel (tests/kernel_registers.py), the CUDA build's fallback to the CPU; CUDA's sources run on the CPU, every load and store checked (docs/simt.md);
              the suite and CUDA on the CPU under AddressSanitizer and UndefinedBehaviorSanitizer;
              file formats fuzzed by libFuzzer for 60 s ($CAIRN_FUZZ_SECONDS)
  --all       as well: the suite under ThreadSanitizer, clang++-14, coverage, nvcc for every
              architecture, every mutant of the kernels (tests/mutants), and every
              case of the oracle (tests/oracle), of which the suite has 600; a dated log goes to docs/results/
  PART...     of these only: format cuda simt asan fuzz clang tsan coverage architectures mutants release oracle.
              The log tells of each part when it last passed, and at which commit

Ends with ctest's line on the release suite. Where no CUDA toolkit is found ($CUDACXX, nvcc on PATH,
$CUDA_HOME, /usr/local/cuda) CUDA is left out and the last line says so; with CI=true that is a
failure. Builds go to build/test, build/cuda, build/asan, ... and are kept.
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

tier=default wanted=()
case ${1:-} in
  "") ;;
  --quick) tier=quick ;;
  --all) tier=all && shift && wanted=("$@") ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

architectures="80;86;89;90;100;120"  # of a release; PTX of the newest beside them
results=build/results  # a line of each part that passed
times=()
for name in "${wanted[@]}"; do
  [[ " format cuda simt asan fuzz clang tsan coverage architectures mutants release oracle " == *" $name "* ]] ||
    die "there is no part '$name'; see --help"
done

# part NAME FUNCTION: runs a part, keeps its time, ends the script where it fails. A function called
# as a condition would run on after a failed command, so each part is a shell of its own.
part() {
  local name=$1 status=0 start
  if ((${#wanted[@]})) && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  start=$(now_ms)
  say "=== $name"
  set +e
  (
    set -e
    "$2"
  )
  status=$?
  set -e
  times+=("$name $(in_seconds $(($(now_ms) - start)))")
  ((status == 0)) || die "FAILED: $name (exit status $status)"
  mkdir -p "$results"
  say "${times[-1]}, $(date '+%F %H:%M %Z'), commit $(commit_name)" >"$results/$name"
}

# The commit, and whether files differ from it.
commit_name() { git describe --always --dirty --exclude '*' 2>/dev/null || say unknown; }

# suite PRESET [CMAKE-OPTION...]: builds and runs all tests; ctest's output stays in the build.
suite() {
  local preset=$1
  shift
  cmake --preset "$preset" -DCAIRN_TESTS=ON "$@"
  cmake --build "build/$preset"
  run_suite "build/$preset"
}
run_suite() {
  local build=$1
  shift
  ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@" 2>&1 | tee "$build/ctest.log"
}

check_format() {
  find . \( -path ./build -o -path ./runs -o -path './.?*' \) -prune -o \
    \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
    xargs -0 -P "$(nproc)" -n 20 clang-format --dry-run -Werror
}

check_release() { suite test; }

check_asan() {
  export UBSAN_OPTIONS=print_stacktrace=1
  suite asan -DCAIRN_CUDA="$([[ -n $nvcc ]] && say SIMT || say OFF)"
}

# What only CUDA on the CPU can show; the rest of the suite runs in other builds.
check_simt() {
  cmake --preset simt-check -DCAIRN_TESTS=ON
  cmake --build build/simt-check --target cairn_command cairn_cuda_tests cairn_simt_tests cairn_simt_op_tests \
    cairn_simt_bugs cairn_occupancy cairn_mutants
  run_suite build/simt-check -R '^(Simt|simt|Grids)'
}

# What libFuzzer found interesting stays in build/fuzz/corpus for the next time; what crashed is in
# build/fuzz.
check_fuzz() {
  cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DCAIRN_FUZZ=ON \
    -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14
  cmake --build build/fuzz --target fuzz_safetensors
  mkdir -p build/fuzz/corpus/safetensors
  build/fuzz/tests/fuzz/fuzz_safetensors -max_total_time="${CAIRN_FUZZ_SECONDS:-60}" -max_len=4096 \
    -rss_limit_mb=512 -timeout=5 -verbosity=0 -print_funcs=0 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
    -dict=tests/fuzz/safetensors.dict build/fuzz/corpus/safetensors tests/fuzz/safetensors
}

check_tsan() { suite tsan; }

check_clang() {
  cmake --preset test -B build/clang -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14
  cmake --build build/clang
  run_suite build/clang
}

# Of CUDA's sources, which run on the CPU here, 95 % of the lines must be reached.
check_coverage() {
  suite coverage -DCAIRN_CUDA="$([[ -n $nvcc ]] && say SIMT || say OFF)"
  # gcov finds negative counts of branches in vector code, which gcovr otherwise gives up at.
  local report=(gcovr --root . --object-directory build/coverage --exclude tests --exclude build
    --gcov-ignore-parse-errors --print-summary)
  "${report[@]}" --output build/coverage/coverage.txt
  [[ -z $nvcc ]] ||
    "${report[@]}" --filter '.*\.cuh?$' --fail-under-line 95 --output build/coverage/cuda.txt
}

# Every case beside PyTorch, from a seed of the day.
check_oracle() {
  local seed
  seed=$(date +%Y%m%d)
  /usr/bin/python3 tests/oracle/run.py build/test/cairn --seed "$seed" | tee build/test/oracle.log
  [[ -z $nvcc ]] || /usr/bin/python3 tests/oracle/run.py build/simt-check/cairn --device cuda --seed "$seed"
}

# Every mutant of the kernels; what was tried before a run was cut off isn't tried again.
check_mutants() {
  local build=build/simt-check
  cmake --preset simt-check -DCAIRN_TESTS=ON
  cmake --build "$build" --target cairn_mutants
  /usr/bin/python3 tests/mutants/run.py "$build/tests/mutants/cairn_mutants" \
    "$build/tests/mutants/sources/mutants.json" --logs "$build/mutants" | tee "$build/mutants.log"
}

# Compiles everything for one architecture, lets the result train where there may be no device, and tries
# the folder for a machine with a GPU, on two ops where there is none here.
check_cuda() {
  local out device=cpu ops="relu linear"
  CAIRN_GPU_ARCHS=$(cuda_architecture) scripts/on_gpu.sh
  python3 tests/kernel_registers.py build/cuda
  out=$(mktemp -d)
  build/cuda/cairn train lenet5 --data digits --steps 5 --device auto --out "$out/run"
  if device_answers; then device=cuda ops=""; fi
  CAIRN_DEVICE=$device CAIRN_OPS=$ops CAIRN_RESULTS=$out/results.json build/on_gpu/run.sh
  python3 -m json.tool "$out/results.json" >/dev/null
  rm -r "$out"
}

check_architectures() {
  CUDACXX=$nvcc cmake --preset cuda -B build/cuda-all -DCAIRN_CUDA_ARCHS="$architectures"
  cmake --build build/cuda-all
}

closing_line() { sed -n '/% tests passed/p' "build/$1/ctest.log" 2>/dev/null || say "not run"; }

# The dated log of --all: what ran, on what, how long, with which result.
write_log() {
  local log preset name
  log=docs/results/$(date +%F)-test-all.log
  mkdir -p docs/results
  {
    say "scripts/test.sh --all ${wanted[*]}: $(date '+%F %H:%M %Z'), commit $(commit_name)"
    say "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p), $(nproc) threads;" \
      "$(c++ --version | sed -n 1p)"
    say "nvcc: $([[ -n $nvcc ]] && "$nvcc" --version | sed -n '$p' || echo none)"
    cat "$results"/*
    for preset in test clang simt-check asan tsan coverage; do say "$preset: $(closing_line "$preset")"; done
    say "$(sed -n '/^mutants: /p' build/simt-check/mutants.log 2>/dev/null || say 'mutants: not run')"
    say "$(sed -n '/^oracle: /p' build/test/oracle.log 2>/dev/null || say 'oracle: not run')"
    for name in coverage cuda; do
      say "$name lines: $(sed -n '/^TOTAL/p' "build/coverage/$name.txt" 2>/dev/null || say 'not run')"
    done
  } >"$log"
  say "log: $log"
}

packages=("${build_packages[@]}" libgtest-dev librapidcheck-dev clang-format python3 gnuplot-nox)
[[ $tier == quick ]] ||
  packages+=(python3-torch clang-14 python3-clang-14 libclang-rt-14-dev libboost-context-dev libopenblas-dev)
[[ $tier != all ]] || packages+=(gcovr)
start=$(now_ms)
ensure_packages "the test suite" "${packages[@]}"
check_cmake
settle_caches
times+=("packages $(in_seconds $(($(now_ms) - start)))")

part format check_format
nvcc=$(find_nvcc || true)
if [[ $tier != quick ]]; then
  if [[ -n $nvcc ]]; then
    part cuda check_cuda
    part simt check_simt
  elif [[ ${CI:-} == true ]]; then
    die "FAILED: cuda (no CUDA toolkit, but CI=true)"
  fi
  part asan check_asan
  part fuzz check_fuzz
fi
if [[ $tier == all ]]; then
  part clang check_clang
  part tsan check_tsan
  part coverage check_coverage
  if [[ -n $nvcc ]]; then
    part architectures check_architectures
    part mutants check_mutants
  fi
fi
part release check_release
[[ $tier != all ]] || part oracle check_oracle
[[ $tier != all ]] || write_log

printf -v all_times '%s, ' "${times[@]}"
say "time: ${all_times%, }"
closing_line test
if [[ -z $nvcc && $tier != quick ]]; then say "CUDA was left out: no toolkit was found"; fi

#!/usr/bin/env bash
# From a bare machine to a trained network: packages, build, MNIST, LeNet-5. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/quickstart.sh

Installs what is missing, builds build/release/cairn, fetches MNIST and trains LeNet-5 on it.
A second run rebuilds nothing and fetches nothing.

  - Packages come from apt; sudo is used only where one is missing and you are not root. On a system
    without apt their names are shown, and the script goes on if they are there.
  - CUDA code is compiled only where nvidia-smi lists a device and nvcc is found; then the build is
    build/cuda/ and build/release/cairn is a link to it.
  - Where MNIST can't be reached, the training takes `digits`, 6,000 of its images that are part of
    the program.

Data sets lie in $CAIRN_DATA, else ~/.cache/cairn. The run lies in runs/quickstart.
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

case ${1:-} in
  "") ;;
  -h | --help) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

run=runs/quickstart
binary=build/release/cairn
targets=(cairn_command train_bench)

# Builds the release preset. A binary that is a link to build/cuda makes way.
build_for_cpu() {
  local name
  for name in cairn train_bench; do
    [[ ! -L build/release/$name ]] || rm "build/release/$name"
  done
  cmake --preset release &&
    moving building "" cmake --build --preset release --target "${targets[@]}"
}

# Builds the cuda preset for the device at hand and links build/release/ to it.
build_for_cuda() {
  CUDACXX=$1 cmake --preset cuda -DCAIRN_CUDA_ARCHS="$(cuda_architecture)" &&
    moving building "" cmake --build --preset cuda --target "${targets[@]}" || return 1
  mkdir -p build/release
  local name
  for name in cairn train_bench; do ln -sfn "../cuda/$name" "build/release/$name"; done
}

build() {
  local nvcc
  if ! device_answers; then
    say "no CUDA device answers: building for the CPU"
  elif ! nvcc=$(find_nvcc); then
    say "a CUDA device answers, but there is no nvcc to compile for it: building for the CPU"
  else
    say "a CUDA device answers: building with $nvcc"
    if build_for_cuda "$nvcc"; then return 0; fi
    say "the CUDA build failed (see above): building for the CPU"
  fi
  build_for_cpu
}

# The value of a key in the run's summary.
summary() { sed -n "s/.*\"$1\" *: *\"\{0,1\}\([^\",}]*\).*/\1/p" "$run/summary.json" | sed -n 1p; }

report() {
  local line='  %-22s %12s   %s\n' accuracy rate
  accuracy=$(awk -v a="$(summary test_accuracy)" 'BEGIN { printf "%.2f %%", 100 * a }')
  rate=$(awk -v r="$(summary images_per_s)" 'BEGIN { printf "%.0f", r }')
  say
  # shellcheck disable=SC2059
  {
    printf "$line" packages "$(in_seconds "$packages_ms")" "$packages_note"
    printf "$line" build "$(in_seconds "$build_ms")" "$binary"
    printf "$line" fetch "$(in_seconds "$fetch_ms")" "$data"
    printf "$line" train "$(in_seconds "$train_ms")" "$(summary model) on $(summary device)"
    printf "$line" "build + fetch + train" "$(in_seconds $((build_ms + fetch_ms + train_ms)))" ""
    printf "$line" images/s "$rate" ""
    printf "$line" "test accuracy" "$accuracy" ""
    printf "$line" "the run's files" "" "$run/"
  }
  say
  say "Next: $binary eval $run"
  say "      $binary train --help"
}

start=$(now_ms)
ensure_packages "the quick start" "${build_packages[@]}" ca-certificates curl
check_cmake
settle_caches
packages_ms=$(($(now_ms) - start))
packages_note="$packages_installed installed"

start=$(now_ms)
build
build_ms=$(($(now_ms) - start))

start=$(now_ms)
data=mnist
if ! moving "fetching mnist" "" "$binary" data fetch mnist; then
  data=digits
  say "MNIST can't be reached: training on digits, 5,000 of its images that are part of the program."
  say "Expect a lower accuracy than on the 60,000 of MNIST."
fi
fetch_ms=$(($(now_ms) - start))

start=$(now_ms)
moving "training lenet5" "" "$binary" train lenet5 --data "$data" --out "$run" >/dev/null
train_ms=$(($(now_ms) - start))

report

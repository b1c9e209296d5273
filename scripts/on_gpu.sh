#!/usr/bin/env bash
# Makes a folder that checks and measures Cairn on another machine with a GPU. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: scripts/on_gpu.sh [FOLDER]

Builds everything for compute capability 9.0 (CAIRN_GPU_ARCHS="80;90" chooses others) and fills FOLDER
(default build/on_gpu) with what another x86-64 machine needs: the stripped programs, the libraries that
they use except glibc, the driver, cuBLAS and cuDNN, and MNIST packed by gzip, at most 40 MiB in all.
Copy it there and start its run.sh, which takes up to 8 minutes and writes results.json as it goes:

  scripts/on_gpu.sh && scp -r build/on_gpu gpu-machine: && ssh gpu-machine on_gpu/run.sh

That machine needs a GPU with its driver, CUDA 13's cuBLAS (and cuDNN 9, which may be missing) where the
loader, $CAIRN_CUDA_LIBS or Python's packages have them, and glibc 2.36 or newer.
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

[[ ${1:-} != -h && ${1:-} != --help ]] || { usage && exit 0; }
[[ ${1:-} != -* && $# -le 1 ]] || { usage >&2 && exit 2; }
folder=${1:-build/on_gpu}
largest=$((40 << 20))  # bytes

nvcc=$(find_nvcc) || die "no nvcc: put it on PATH or set CUDACXX or CUDA_HOME to the toolkit's"
ensure_packages "the GPU folder" "${build_packages[@]}" libgtest-dev librapidcheck-dev python3
check_cmake
settle_caches
CUDACXX=$nvcc cmake --preset cuda -DCAIRN_TESTS=ON -DCAIRN_CUDA_ARCHS="${CAIRN_GPU_ARCHS:-90}"
programs=(cairn train_bench cairn_cuda_tests)
cmake --build --preset cuda --target cairn_command train_bench cairn_cuda_tests

new=$folder.new
rm -rf "$new"
mkdir -p "$new/bin" "$new/lib" "$new/mnist"
for program in "${programs[@]}"; do
  strip -o "$new/bin/$program" "$(find build/cuda -name "$program" -type f -perm -u+x | sed -n 1p)"
done
# Debian has no static fmt and Highway, so the libraries go along.
ldd "$new"/bin/* | sed -n 's/^[^/]*=> \(\/[^ ]*\).*/\1/p' | sort -u |
  grep -Ev '/(libc|libm|libdl|librt|libpthread|libcuda|libcublas.*|libcudnn.*)\.so' |
  xargs -I{} cp -L {} "$new/lib/"
if build/cuda/cairn data fetch mnist; then
  cache=${CAIRN_DATA:-$HOME/.cache/cairn}
  for file in {train,t10k}-{images-idx3,labels-idx1}-ubyte; do
    gzip -9 -c "$cache/mnist/$file" >"$new/mnist/$file.gz"
  done
else
  say "MNIST can't be reached: the folder trains on the built-in digits"
fi
cp scripts/on_gpu_run.sh "$new/run.sh"
say "$(git describe --always --dirty --exclude '*' 2>/dev/null || say unknown)" >"$new/commit"

size=$(du -sb "$new" | cut -f1)
((size <= largest)) || die "$new holds $size bytes, more than $largest"
rm -rf "$folder"
mv "$new" "$folder"
say "$folder: $((size >> 20)) MiB. Copy it to a machine with a GPU and start its run.sh."

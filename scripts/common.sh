# Shared by the scripts: packages, a line that moves while something runs, the clock, CUDA's tools.
# Sourced by bash 5 in a script that has made the repository its working directory.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

now_ms() {
  local t=${EPOCHREALTIME/[.,]/}
  printf '%d' "$((t / 1000))"
}
# "12.3 s" for milliseconds.
in_seconds() { printf '%d.%d s' "$(($1 / 1000))" "$(($1 % 1000 / 100))"; }

# Counts seconds on stderr until it is killed or the script is gone: one line that redraws itself on
# a terminal, elsewhere a new line every 5 s.
count_seconds() {
  local label=$1 elapsed=0
  while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    elapsed=$((elapsed + 1))
    if [[ -t 2 ]]; then
      printf '\r%s: %d s ' "$label" "$elapsed" >&2
    elif ((elapsed % 5 == 0)); then
      printf '%s: %d s\n' "$label" "$elapsed" >&2
    fi
  done
}

# moving LABEL LOG COMMAND...: runs the command, its output added to LOG, beside a line that moves.
# An empty LOG leaves the output on the screen; the line then moves only where no terminal shows the
# command's own progress.
moving() {
  local label=$1 log=$2 status=0 counter=
  shift 2
  if [[ -n $log || ! -t 2 ]]; then
    count_seconds "$label" &
    counter=$!
  fi
  if [[ -n $log ]]; then
    "$@" </dev/null >>"$log" 2>&1 || status=$?
  else
    "$@" || status=$?
  fi
  if [[ -n $counter ]]; then
    kill "$counter" 2>/dev/null || true
    wait "$counter" 2>/dev/null || true
    [[ ! -t 2 ]] || printf '\r%*s\r' $((${#label} + 10)) '' >&2
  fi
  return "$status"
}

# What a build of the command needs.
# shellcheck disable=SC2034
build_packages=(g++ cmake ninja-build libfmt-dev libhwy-dev libmd-dev zlib1g-dev libpng-dev
  libcli11-dev nlohmann-json3-dev libeigen3-dev)

# What shows that a package's contents are there, however they were installed.
declare -A package_probe=(
  [g++]="command c++ g++" [cmake]="command cmake" [ninja-build]="command ninja"
  [libfmt-dev]="header fmt/format.h" [libhwy-dev]="header hwy/highway.h"
  [libmd-dev]="header sha2.h" [zlib1g-dev]="header zlib.h" [libpng-dev]="header png.h"
  [libcli11-dev]="header CLI/CLI.hpp"
  [nlohmann-json3-dev]="header nlohmann/json.hpp"
  [libeigen3-dev]="header eigen3/Eigen/Core" [curl]="command curl wget"
  [ca-certificates]="file /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt"
  [libgtest-dev]="header gtest/gtest.h" [librapidcheck-dev]="header rapidcheck.h"
  [clang-format]="command clang-format"
  [python3]="command python3"
  [libboost-context-dev]="header boost/context/detail/fcontext.hpp"
  [libopenblas-dev]="header cblas.h"
  [python3-torch]="file /usr/lib/python3/dist-packages/torch/__init__.py"
  [python3-clang-14]="file /usr/lib/python3/dist-packages/clang/cindex.py"
  [clang-14]="command clang++-14"
  [libclang-rt-14-dev]="file /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-$(uname -m).a"
  [gcovr]="command gcovr" [gnuplot-nox]="command gnuplot"
)

# Whether any of the probe's commands, headers or files is there.
probe() {
  local kind=$1 item
  shift
  for item; do
    case $kind in
      command) ! command -v "$item" >/dev/null || return 0 ;;
      header) ! echo "#include <$item>" | "${CXX:-c++}" -x c++ -E - >/dev/null 2>&1 || return 0 ;;
      file) [[ ! -e $item ]] || return 0 ;;
    esac
  done
  return 1
}

# The packages among the arguments that are not there, one a line.
missing_packages() {
  local package status words
  for package; do
    # shellcheck disable=SC2016
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [[ $status == "install ok installed" ]] && continue
    read -ra words <<<"${package_probe[$package]}"
    probe "${words[@]}" || printf '%s\n' "$package"
  done
}

# The tools among the arguments, without which there is no use in going on.
tools_among() {
  local package
  for package; do
    [[ ${package_probe[$package]} != command* || $package == curl ]] || printf '%s\n' "$package"
  done
}

# apt_install REASON PACKAGE...: installs packages, by sudo where needed.
apt_install() {
  local reason=$1 log=build/packages.log as_root=()
  shift
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null ||
      die "$reason needs packages that only root can install: apt-get install $*"
    say "sudo is needed to install Debian packages for $reason: $*"
    sudo true || die "not allowed; ask for: apt-get install $*"
    as_root=(sudo)
  else
    say "installing Debian packages for $reason: $*"
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120)
  mkdir -p build
  : >"$log"
  moving "apt-get update" "$log" "${apt[@]}" update ||
    say "apt-get update failed ($log); trying with the package lists that are there"
  if ! moving "apt-get install" "$log" "${apt[@]}" install -y --no-install-recommends "$@"; then
    tail -n 5 "$log" >&2
    say "apt-get install failed; all of its output is in $log"
  fi
}

# ensure_packages REASON PACKAGE...: installs what is missing. Ends the script where a tool is still
# missing afterwards; whether a library is usable is for CMake to say, curl is missed when it's used.
# Leaves the number of packages that it installed in `packages_installed`.
ensure_packages() {
  local reason=$1 missing=() tools=()
  shift
  mapfile -t missing < <(missing_packages "$@")
  packages_installed=${#missing[@]}
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here; $reason needs what Debian calls: $*"
  elif ((${#missing[@]})); then
    apt_install "$reason" "${missing[@]}"
    mapfile -t missing < <(missing_packages "${missing[@]}")
  fi
  packages_installed=$((packages_installed - ${#missing[@]}))
  ((${#missing[@]} == 0)) || say "not found: ${missing[*]}"
  mapfile -t tools < <(tools_among "${missing[@]}")
  ((${#tools[@]} == 0)) || die "$reason can't go on without: ${tools[*]}"
}

# Ends the script where CMake is too old for the presets.
check_cmake() {
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
  [[ $(printf '%s\n' 3.25 "$version" | sort -V | sed -n 1p) == 3.25 ]] ||
    die "CMake 3.25 or newer is needed; this is $version"
}

# Gives the caches a place in build/ where HOME can't hold them.
settle_caches() {
  local cache=${HOME:-/nowhere}/.cache/cairn
  if [[ -z ${CAIRN_DATA:-} ]] && ! { mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]]; }; then
    export CAIRN_DATA=$PWD/build/data
    export CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache}
    mkdir -p "$CAIRN_DATA"
    say "HOME can't be written; data sets go to build/data"
  fi
}

# The path of nvcc: $CUDACXX, on PATH, in $CUDA_HOME or in the usual folder.
find_nvcc() {
  local name
  for name in "${CUDACXX:-}" nvcc "${CUDA_HOME:+$CUDA_HOME/bin/nvcc}" /usr/local/cuda/bin/nvcc; do
    if [[ -n $name ]] && command -v "$name"; then return 0; fi
  done
  return 1
}

# Whether a CUDA device answers.
device_answers() { nvidia-smi -L 2>/dev/null | grep '^GPU ' >/dev/null; }

# The architecture to compile for: the first device's ("90"), else 90.
cuda_architecture() {
  local found
  found=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null |
    sed -n '1s/^\([0-9]*\)\.\([0-9]*\)$/\1\2/p' || true)
  printf '%s' "${found:-90}"
}

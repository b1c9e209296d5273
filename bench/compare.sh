#!/usr/bin/env bash
# Cairn beside other frameworks on this machine, in interleaved rounds. See --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: bench/compare.sh [--peers "PEER ..."] [--nets "NAME ..."] [--batch "N ..."] [--threads "T ..."]
                        [--rounds R] [--out FOLDER]

Builds build/peers/train_bench and the peers' programs and runs them in turn, so that a slow spell
of the machine hits all alike. Then prints for each net, batch, number of threads and peer the medians over
the rounds of both, of a round's ratio, of Cairn's share of the plain FMA rate measured beside it, and of both
programs' peaks of memory. Batches other than 128 are for one thread.

--out FOLDER keeps all lines and the table as DATE-COMMIT.log there, and draws the ratios (gnuplot).

PEER is libtorch, tiny-dnn (lenet5 and lenet5relu on one thread; it is left out elsewhere) or onednn: its
3x3 convolutions at 16, 32 and 64 channels beside ours, in turns within one program, once for each
number of threads; the lines stand as that prints them.

libtorch is tuned: OpenBLAS picks its own kernel (OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are unset for
both), is the OpenMP build where that is there, and glibc keeps freed memory (GLIBC_TUNABLES); as it
comes, libtorch is slower. Debian's packages of the peers are installed where they are missing.

Default: libtorch, lenet5, batch 128, 1 and 2 threads, 5 rounds.
TEXT
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

peers=libtorch nets=lenet5 batches=128 threads="1 2" rounds=5 out=
while (($#)); do
  case $1 in
    --peers) peers=$2 && shift 2 ;;
    --nets) nets=$2 && shift 2 ;;
    --batch) batches=$2 && shift 2 ;;
    --threads) threads=$2 && shift 2 ;;
    --rounds) rounds=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

package_probe+=([libtorch-dev]="header torch/csrc/api/include/torch/torch.h"
  [libopenblas0-openmp]="file /usr/lib/$(uname -m)-linux-gnu/openblas-openmp/libopenblas.so.0"
  [tiny-dnn]="header tiny_dnn/tiny_dnn.h" [libcereal-dev]="header cereal/cereal.hpp"
  [libgemmlowp-dev]="header gemmlowp/public/gemmlowp.h"
  [libstb-dev]="header stb/stb_image.h" [libdnnl-dev]="header dnnl.hpp")
packages=() targets=(train_bench)
for peer in $peers; do
  case $peer in
    libtorch) packages+=(libtorch-dev libopenblas0-openmp) && targets+=(peer_libtorch) ;;
    tiny-dnn) packages+=(tiny-dnn libcereal-dev libgemmlowp-dev libstb-dev) && targets+=(peer_tiny_dnn) ;;
    onednn) packages+=(libdnnl-dev) && targets+=(peer_onednn) ;;
    *) die "there is no peer '$peer': choose libtorch, tiny-dnn or onednn" ;;
  esac
done
[[ -z $out ]] || packages+=(gnuplot-nox)
ensure_packages "the comparison" "${build_packages[@]}" "${packages[@]}"
mkdir -p build
moving "building" build/peers.log cmake --preset release -B build/peers -DCAIRN_PEERS=ON
moving "building" build/peers.log cmake --build build/peers --target "${targets[@]}" ||
  die "the build failed: see build/peers.log"

unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
malloc=glibc.malloc.mmap_threshold=8589934592:glibc.malloc.trim_threshold=17179869184
malloc+=:glibc.malloc.top_pad=1073741824
openmp=/usr/lib/$(uname -m)-linux-gnu/openblas-openmp
lines=build/peers.txt table=build/peers_table.txt
: >"$lines"

# in_turn NET BATCH THREADS: one run of Cairn and of each peer.
in_turn() {
  local words=(--net "$1" --batch "$2" --threads "$3" --windows 4 --max-windows 6 --wait 1)
  build/peers/train_bench "${words[@]}"
  [[ $peers != *libtorch* ]] ||
    env GLIBC_TUNABLES="$malloc" LD_LIBRARY_PATH="$openmp" OMP_NUM_THREADS="$3" OPENBLAS_NUM_THREADS="$3" \
      build/peers/peer_libtorch "${words[@]}"
  [[ $peers != *tiny-dnn* || $1 != lenet5* || $3 != 1 ]] || build/peers/peer_tiny_dnn "${words[@]}"
}

for ((round = 1; round <= rounds; ++round)); do
  for net in $nets; do
    for batch in $batches; do
      for t in $threads; do
        [[ $peers != onednn && ($batch == 128 || $t == 1) ]] || continue
        in_turn "$net" "$batch" "$t" | tee -a "$lines"
      done
    done
  done
done
if [[ $peers == *onednn* ]]; then
  for t in $threads; do
    OMP_NUM_THREADS=$t build/peers/peer_onednn --batch "${batches%% *}" --threads "$t" | tee -a "$lines"
  done
fi

commit=$(git rev-parse --short HEAD)
say
say "$(date '+%F %H:%M'), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)," \
  "$(nproc) processors, $(grep -qw avx512f /proc/cpuinfo && say AVX-512 || say AVX2), commit" \
  "$commit; medians of $rounds rounds" | tee "$table"
awk '
  function value(key, i, pair) {
    for (i = 1; i <= NF; ++i) if (split($i, pair, "=") == 2 && pair[1] == key) return pair[2]
  }
  function median(name, list, n, i, j, t) {
    n = split(runs[name], list, " ")
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && list[j] + 0 < list[j - 1] + 0; --j) {
        t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
      }
    return (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2
  }
  value("pass") { next }
  {
    what = value("net") " " value("batch") " " value("threads")
    peer = value("peer")
    runs[peer " " what] = runs[peer " " what] " " value("images_per_s")
    runs["memory " peer " " what] = runs["memory " peer " " what] " " value("peak_rss_mb")
    if (peer == "cairn") {
      ours = value("images_per_s")
      runs["share " what] = runs["share " what] " " 100 * value("gflops") / value("probe_gflops")
    } else {
      line = what " " peer
      if (!(line in seen)) { seen[line] = 1; order[++count] = line }
      runs["ratio " line] = runs["ratio " line] " " ours / value("images_per_s")
    }
  }
  END {
    if (count)
      printf "%-11s %6s %7s %-9s %9s %9s %6s %11s %12s\n", "net", "batch", "threads", "peer", "cairn", "peer",
        "ratio", "of FMA peak", "MB, peer MB"
    for (i = 1; i <= count; ++i) {
      split(order[i], name, " ")
      what = name[1] " " name[2] " " name[3]
      printf "%-11s %6d %7d %-9s %9d %9d %6.2f %10.0f%% %5d, %5d\n", name[1], name[2], name[3], name[4],
        median("cairn " what), median(name[4] " " what), median("ratio " order[i]), median("share " what),
        median("memory cairn " what), median("memory " name[4] " " what)
    }
  }' "$lines" | tee -a "$table"

[[ -n $out ]] || exit 0
mkdir -p "$out"
to=$out/$(date +%F)-$commit
cat "$table" <(echo) "$lines" >"$to.log"
[[ $peers == *libtorch* ]] || exit 0
sed -n 's/^\([a-z0-9]*\) *\([0-9]*\) *\([0-9]*\) libtorch *[0-9]* *[0-9]* *\([0-9.]*\) .*/"\1 \2, \3 T" \4/p' \
  "$table" >build/ratios.txt
gnuplot <<PLOT
set title "Training steps a second by batch and threads T, libtorch 1.13 = 1 ($(date +%F), $commit)"
set style fill solid 0.8
set boxwidth 0.7
set ylabel "ratio"
set yrange [0:*]
set grid y
set xtics rotate by 50 right noenhanced scale 0
set bmargin 8
set offsets 0, 0, 0.3, 0
unset key
do for [kind in "png svg"] {
  if (kind eq "png") { set terminal pngcairo size 1000, 560 font ",11" } else { set terminal svg size 1000, 560 }
  set output "$to." . kind
  plot "build/ratios.txt" using 0:2:xtic(1) with boxes linecolor rgb "#3465a4", \
       "" using 0:2:2 with labels offset 0, 0.7, 1 linecolor rgb "#a40000" linewidth 2
}
PLOT
say "kept: $to.log, .png, .svg"

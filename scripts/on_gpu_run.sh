#!/usr/bin/env bash
# Checks and measures Cairn on this machine's GPU: the suite's checks of every op and gradient, whole steps,
# training on MNIST, benchmarks, and compute-sanitizer where it is installed. Takes 8 minutes at most
# (CAIRN_SECONDS=480) and rewrites results.json beside itself after every step. The exit status is 1 where a
# step failed. CAIRN_DEVICE=cpu tries the same without a GPU, CAIRN_OPS="relu linear" on few ops. Part of a folder made by scripts/on_gpu.sh.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
device=${CAIRN_DEVICE:-cuda}
results=${CAIRN_RESULTS:-$here/results.json}
limit=${CAIRN_SECONDS:-480}
read -ra ops <<<"${CAIRN_OPS:-}"
libraries=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=digits
[[ ! -e $here/mnist/train-images-idx3-ubyte.gz ]] || data=$here/mnist
gpu=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null |
  paste -sd';' || true)
if [[ $device == cuda* && -z $gpu ]]; then
  printf 'no NVIDIA driver answers (nvidia-smi); CAIRN_DEVICE=cpu tries this without a GPU\n' >&2
  exit 1
fi

# Text as the inside of a JSON string.
escape() {
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/  /g' | tr -d '\000-\011\013-\037' |
    awk '{ printf "%s\\n", $0 }'
}

# write_results: all steps until now, as a whole file.
write_results() {
  {
    printf '{"commit": "%s",\n "date": "%s",\n "host": "%s",\n' "$(<"$here/commit")" \
      "$(date -u +%FT%TZ)" "$(uname -srm)"
    printf ' "gpu": "%s",\n "steps": [\n' "$gpu"
    awk 'NR > 1 { print "," } { printf "%s", $0 }' "$work/steps" 2>/dev/null
    printf '\n]}\n'
  } >"$results.new"
  mv "$results.new" "$results"
}

# step NAME SECONDS KIND COMMAND...: runs a command for so long at most. KIND tells what its stdout is: json,
# lines of json, or text, of which the end is kept.
failed=0
step() {
  local name=$1 seconds=$2 kind=$3 left status output start=$SECONDS
  shift 3
  left=$((limit - SECONDS))
  if ((left < 5)); then
    printf '%s: no time left\n' "$name" >&2
    printf '{"step": "%s", "exit": null, "output": "no time left"}\n' "$name" >>"$work/steps"
    write_results
    return
  fi
  printf '%s\n' "$name" >&2
  env LD_LIBRARY_PATH="$libraries" timeout -k 5 "$((seconds < left ? seconds : left))" "$@" \
    >"$work/out" 2>"$work/err"
  status=$?
  ((status == 0)) || failed=1
  case $kind in
    json) output=$( ((status == 0)) && tr '\n' ' ' <"$work/out") ;;
    lines) output="[$(grep '}$' "$work/out" | paste -sd,)]" ;;
    text) output="\"$(tail -n 60 "$work/out" | escape)\"" ;;
  esac
  printf '{"step": "%s", "command": "%s", "exit": %d, "seconds": %d, "output": %s, "stderr": "%s"}\n' \
    "$name" "$(printf '%s ' "${@##*/}" | escape)" "$status" "$((SECONDS - start))" "${output:-null}" \
    "$(tail -n 20 "$work/err" | escape)" >>"$work/steps"
  write_results
  ((status == 0)) || printf '%s: exit status %d\n' "$name" "$status" >&2
}

cairn=$here/bin/cairn
step doctor 20 text "$cairn" doctor
step check 150 json "$cairn" check "${ops[@]}" --device "$device" --json
[[ $device != cuda* ]] ||
  step "check, implicit" 60 json "$cairn" check conv2d conv2d_dx conv2d_dw --device "$device" \
    --conv implicit --json
[[ $device != cuda* ]] ||
  step "check, cudnn" 60 json "$cairn" check conv2d conv2d_dx conv2d_dw batch_norm batch_norm_inference \
    batch_norm_grad --device "$device" --conv cudnn --batch-norm cudnn --json
step steps 60 text "$here/bin/cairn_cuda_tests"
for conv in im2col implicit cudnn; do
  [[ $device == cuda* || $conv == im2col ]] || continue
  step "train lenet5, $conv" 60 json "$cairn" train lenet5 --data "$data" --device "$device" --conv "$conv" \
    --out "$work/run-$conv" --json
done
step "eval on the CPU" 20 json "$cairn" eval "$work/run-im2col" --device cpu --json
windows=()  # of train_bench: without a GPU one is enough
[[ $device == cuda* ]] || windows=(--windows 1 --max-windows 1)
for words in "lenet5 im2col" "lenet5 implicit" "lenet5 cudnn" "resnet20 im2col" "resnet20 implicit" "resnet20 cudnn" \
  "mlp50 im2col"; do
  read -r net conv <<<"$words"
  [[ $device == cuda* || $conv == im2col ]] || continue
  step "train_bench $net, $conv" 20 text "$here/bin/train_bench" --net "$net" --batch 128 --threads 1 --steps 0 \
    --device "$device" --conv "$conv" "${windows[@]}"
done
step bench 120 lines "$cairn" bench "${ops[@]}" --device "$device" --batch 128 --seconds 0.05 --json
for conv in implicit cudnn; do
  [[ $device == cuda* ]] || continue
  step "bench, $conv" 20 lines "$cairn" bench conv2d conv2d_dx conv2d_dw --device "$device" --conv "$conv" \
    --batch 128 --seconds 0.05 --json
done
sanitized=(conv2d linear bias softmax softmax_cross_entropy max_pool2d sum clip_norm)
sanitizer=$(PATH=$PATH:/usr/local/cuda/bin command -v compute-sanitizer)
if [[ -n $sanitizer && $device == cuda* ]]; then
  for tool in memcheck racecheck; do
    step "compute-sanitizer $tool" 60 text "$sanitizer" --tool "$tool" --error-exitcode 9 "$cairn" check \
      "${sanitized[@]}" --device "$device"
  done
fi
printf 'results: %s\n' "$results"
exit "$failed"

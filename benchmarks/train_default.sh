#!/usr/bin/env bash
# Trains the models that ship with the package from the research data, as docs/models.md tells: SHARED is the folder with iam_pages,
# sigcomp2011_dutch and crossmedia_chinese. About three hours on two idle cores. Every step goes on where it stopped.
set -euo pipefail
SHARED=${1:?usage: benchmarks/train_default.sh SHARED [ASSETS]}
ASSETS=${2:-sigkd/assets}
RUNS=$(python -c 'from sigkd.paths import data_dir; print(data_dir() / "runs")')
HELD_OUT=0:22   # the first 22 Dutch writers (001 to 027): no network sees them
common=(--student resnet18 --images-per-epoch 20000 --crop random --precision bfloat16)
augment=(--augment ink=0.7 rotate=3 shear=0.08 scale=0.06)

train() {  # NAME COMMAND...: once; resumed if it was interrupted
  local name=$1; shift
  if [ -f "$RUNS/$name/final.safetensors" ]; then return; fi
  if [ -f "$RUNS/$name/last.ckpt" ]; then sigkd "$@" --name "$name" --resume; else sigkd "$@" --name "$name"; fi
}

sigkd preprocess "$SHARED/sigcomp2011_dutch" --dataset sigcomp2011 --name dutch
sigkd preprocess "$SHARED/crossmedia_chinese" --dataset folder --name chinese
match=(--layout iam --match signatures --pen page --blur 0.8:1.8)
sigkd prepare-text "$SHARED/iam_pages" "${match[@]}" --name text-pen --validation 0.1 --overwrite
sigkd prepare-text "$SHARED/iam_pages" "${match[@]}" --name text-pen2 --per-position 2 --seed 1 --validation 0.02 --overwrite

train teacher train-teacher --dataset chinese 'dutch[22:43]' --epochs 20 --schedule one-cycle --lr 0.02 --precision bfloat16 \
  --augment ink=0.5 rotate=6 shear=0.15 scale=0.12 zoom=1.15
train cl-pen distill --teacher signet:random --loss cl --data text-pen --epochs 5 --schedule one-cycle --lr 0.03 "${common[@]}" "${augment[@]}"
second=(--data text-pen2 --epochs 4 --schedule cosine --lr 0.01 --init "$RUNS/cl-pen/final.safetensors" "${common[@]}" "${augment[@]}")
train geom-bc distill --teacher "$RUNS/teacher/final.safetensors" --loss geom+bc "${second[@]}"
train cl-more distill --teacher signet:random --loss cl "${second[@]}"

sigkd evaluate --dataset dutch --writers "$HELD_OUT" --nref 5 --splits 10 --model resnet18:random signet:random \
  "$RUNS/teacher/final.safetensors" "$RUNS/cl-pen/final.safetensors" "$RUNS/cl-more/final.safetensors" "$RUNS/geom-bc/final.safetensors"

sigkd export "$RUNS/teacher/final.safetensors" --format safetensors --half --out "$ASSETS/sigkd-signet.safetensors"
sigkd export "$RUNS/geom-bc/final.safetensors" --format safetensors --half --out "$ASSETS/default.safetensors"
sigkd cohort build --from made-up --count 600 --model "$ASSETS/default.safetensors" --out "$ASSETS/default_cohort.npz"
sigkd calibrate --dataset dutch --writers "$HELD_OUT" --nref 1 2 3 5 8 10 --model "$ASSETS/default.safetensors" \
  --cohort "$ASSETS/default_cohort.npz" --out "$ASSETS/default_calibration.json"

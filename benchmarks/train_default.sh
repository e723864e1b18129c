#!/usr/bin/env bash
# Trains the models that ship with the package from the research data, as docs/models.md tells: SHARED is the folder with iam_pages,
# csafe_pages, poilus_lines, copiste_lines, sigcomp2011_dutch, sigcomp2009_nfi and crossmedia_chinese. About seven hours on two idle cores;
# every step goes on where it stopped.
# TRIAL=1 takes every training through two steps, to see that all of it runs: minutes, and models that are worth nothing.
set -euo pipefail
SHARED=${1:?usage: benchmarks/train_default.sh SHARED [ASSETS]}
ASSETS=${2:-sigkd/assets}
DATA=$(python -c 'from sigkd.paths import data_dir; print(data_dir())')
RUNS=$DATA/runs WHITE=$DATA/whitened
HELD_OUT=0:22   # the first 22 Dutch writers (001 to 027): no network sees them
trial=() images=6000
if [ -n "${TRIAL:-}" ]; then trial=(--epochs 1 --images-per-epoch 128 --validation-images 64) images=4200; fi
# glibc gives large blocks back to the system after every use; keeping them, in huge pages, is worth it (docs/guides/distill.md, Speed)
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=20000000000:glibc.malloc.top_pad=500000000

prepare() {  # NAME COMMAND...: once
  local name=$1; shift
  if [ -e "$DATA/datasets/$name" ] || [ -e "$DATA/datasets/$name.npz" ]; then return; fi
  sigkd "$@" --name "$name"
}
train() {  # NAME COMMAND...: once; resumed if it was interrupted
  local name=$1 command=(); shift
  if [ -f "$RUNS/$name/final.safetensors" ]; then return; fi
  while [ $# -gt 0 ]; do  # an option given twice is refused
    if [ -n "${trial[*]}" ] && [[ " ${trial[*]} " == *" $1 "* ]] && [[ $1 == --* ]]; then shift 2; else command+=("$1"); shift; fi
  done
  command+=("${trial[@]}" --name "$name")
  if [ -f "$RUNS/$name/last.ckpt" ]; then command+=(--resume); fi
  sigkd "${command[@]}"
}
white() {  # NAME [MODEL]: whitened once, in float16
  local name=$1 model=${2:-$RUNS/$1/final.safetensors}
  if [ -f "$WHITE/$name.safetensors" ]; then return; fi
  sigkd whiten "$model" --half --count $images --out "$WHITE/$name.safetensors"
}
run() { echo "$RUNS/$1/final.safetensors"; }

prepare dutch preprocess "$SHARED/sigcomp2011_dutch" --dataset sigcomp2011
prepare chinese preprocess "$SHARED/crossmedia_chinese" --dataset folder
match=(--layout iam --match signatures --pen page --blur 0.8:1.8)
prepare text-pen prepare-text "$SHARED/iam_pages" "${match[@]}" --validation 0.1
prepare text-pen2 prepare-text "$SHARED/iam_pages" "${match[@]}" --per-position 2 --seed 1 --validation 0.02

# the teacher, from signatures
train teacher train-teacher --dataset chinese 'dutch[22:43]' --epochs 20 --schedule one-cycle --lr 0.02 --precision bfloat16 \
  --augment ink=0.5 rotate=6 shear=0.15 scale=0.12 zoom=1.15

# the student, from text: classification alone, then the teacher in three rounds; beside the last two, classification alone again
common=(--student resnet18 --crop random --precision bfloat16 --augment ink=0.7 rotate=3 shear=0.08 scale=0.06)
cl=(distill --teacher signet:random --loss cl) geom_bc=(distill --teacher "$(run teacher)" --loss geom+bc)
train cl-pen "${cl[@]}" "${common[@]}" --data text-pen --images-per-epoch 20000 --epochs 5 --schedule one-cycle --lr 0.03
train geom-bc "${geom_bc[@]}" "${common[@]}" --data text-pen2 --images-per-epoch 20000 --epochs 4 --schedule cosine --lr 0.01 --init "$(run cl-pen)"
second=("${common[@]}" --data text-pen2 --images-per-epoch 10240 --epochs 2 --schedule one-cycle --lr 0.02 --init "$(run geom-bc)")
third=("${common[@]}" --data text-pen2 --images-per-epoch 10240 --epochs 6 --schedule one-cycle --lr 0.015 --seed 1)
train geom-bc-2 "${geom_bc[@]}" "${second[@]}"
train geom-bc-3 "${geom_bc[@]}" "${third[@]}" --init "$(run geom-bc-2)"
train cl-2 "${cl[@]}" "${second[@]}"
train cl-3 "${cl[@]}" "${third[@]}" --init "$(run cl-2)"

mkdir -p "$WHITE"
white resnet18-random resnet18:random
white signet-random signet:random
for name in teacher geom-bc cl-2 geom-bc-2 cl-3 geom-bc-3; do white "$name"; done
sigkd evaluate --dataset dutch --writers "$HELD_OUT" --nref 5 10 --splits 10 --model resnet18:random signet:random "$(run teacher)" \
  "$(run cl-pen)" "$(run geom-bc)" "$(run cl-2)" "$(run geom-bc-2)" "$(run cl-3)" "$(run geom-bc-3)" "$WHITE"/*.safetensors

# from there: 854 writers in grey and in black and white, at the scales of the views, with the ink that scans have; classification, then the
# teacher, who sees the clean ink; the mean of both networks' weights
views=(60.5mm 38.1mm fitted)   # 715 and 450 pixels at 300 dpi
scales=(--match signatures --blur 0.6:1.4 --validation 0.02 --views 715,450,fitted)
prepare csafe prepare-text "$SHARED/csafe_pages" --layout folder "${scales[@]}" --per-position 2
prepare poilus prepare-text "$SHARED/poilus_lines" --layout lines "${scales[@]}" --per-position 2
prepare copiste prepare-text "$SHARED/copiste_lines" --layout lines "${scales[@]}" --per-position 2
prepare iam prepare-text "$SHARED/iam_pages" --layout iam "${scales[@]}"
damaged=(--data csafe+poilus+copiste+iam --student resnet18 --crop random --precision bfloat16 --label-smoothing 0.05 --validation-images 512
  --augment ink=0.35 gamma=2.2 blur=0.8 thin=0.4 thicken=0.6 rotate=3 shear=0.08 scale=0.08 --augment-share 0.6)
train scales-cl distill --teacher signet:random --loss cl "${damaged[@]}" --images-per-epoch 10240 --epochs 12 --schedule constant --lr 0.015 \
  --init "$WHITE/geom-bc-3.safetensors"
train scales distill --teacher "$(run teacher)" --loss geom+bc --teacher-sees clean "${damaged[@]}" --images-per-epoch 5120 --epochs 4 \
  --schedule cosine --lr 0.01 --seed 1 --init "$(run scales-cl)"
mean=$RUNS/scales-mean.safetensors
if [ ! -f "$mean" ]; then
  python "$(dirname "$0")/average_models.py" "$WHITE/geom-bc-3.safetensors" "$(run scales)" --data csafe poilus copiste iam --out "$mean"
fi

mkdir -p "$ASSETS"
sigkd export "$(run teacher)" --format safetensors --half --out "$ASSETS/sigkd-signet.safetensors"
sigkd whiten "$mean" --views "${views[@]}" --components 480 --count 1500 --half --out "$ASSETS/default.safetensors" \
  --disturb ink=0.35 ink=0.5 ink=1.7 ink=0.6+blur binary binary-local pen-wider pen-thinner blur jpeg resolution=150 resolution=200
sigkd cohort build --from made-up --count 600 --model "$ASSETS/default.safetensors" --out "$ASSETS/default_cohort.npz"
dutch=("$SHARED/sigcomp2011_dutch" --dataset sigcomp2011 --dpi 400 --views "${views[@]}")   # its files do not state their 400 dpi
prepare dutch-views preprocess "${dutch[@]}"
prepare nfi-views preprocess "$SHARED/sigcomp2009_nfi" --dataset folder --views "${views[@]}"
prepare dutch-pale preprocess "${dutch[@]}" --disturb ink=0.5
prepare dutch-dark preprocess "${dutch[@]}" --disturb ink=1.5
prepare dutch-binary preprocess "${dutch[@]}" --disturb binary
sigkd calibrate --dataset "dutch-views[$HELD_OUT]" nfi-views --disturbed dutch-pale dutch-dark dutch-binary --nref 1 2 3 4 5 6 8 10 12 \
  --model "$ASSETS/default.safetensors" --cohort "$ASSETS/default_cohort.npz" --out "$ASSETS/default_calibration.json"

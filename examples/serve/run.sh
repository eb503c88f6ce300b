#!/usr/bin/env bash
# One base, five adapters, one server: what the other examples tuned answers one request
# each. An example that was not run is left out.
set -euo pipefail
. "$(dirname "$0")/../common.sh"

models=()
for adapter in chat-tools completion helpdesk translation preference; do
	if [ -e "$home/adapters/$adapter/adapter_config.json" ]; then models+=(--model "$adapter"); fi
done
if [ ${#models[@]} -eq 0 ]; then
	echo "$0: run another example first: there are no adapters in $home" >&2
	exit 1
fi

log=$data/server.log
# Not through the function: its shell would be killed, and the server live on.
bin/troika serve --home "$home" ${threads:+--threads "$threads"} "${models[@]}" --listen 127.0.0.1:0 >"$log" 2>&1 &
server=$!
trap 'kill $server; wait $server 2>/dev/null || true' EXIT
for _ in $(seq 600); do
	url=$(sed -n 's/^serving .* on //p' "$log")
	if [ -n "$url" ]; then break; fi
	if ! kill -0 $server 2>/dev/null; then
		cat "$log" >&2
		exit 1
	fi
	sleep 0.1
done
go run ./examples/ask -home "$home" -url "$url"

#!/usr/bin/env bash
# Records the quickstart's terminal and takes a picture of its page, for the README.
# Installs Chromium where there is none (needs apt-get and root for that).
set -euo pipefail
cd "$(dirname "$0")/.."

home=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$home"' EXIT
mkdir -p docs
go run ./cmd/record -out docs/quickstart.svg -title 'make quickstart' -- \
	bin/troika quickstart --once --home "$home" --listen 127.0.0.1:8080

browser=$(command -v chromium || command -v google-chrome || true)
if [ -z "$browser" ]; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk
	browser=$(command -v chromium)
fi
bin/troika serve --home "$home" --listen 127.0.0.1:8080 &
server=$!
for _ in $(seq 50); do
	if curl -fs http://127.0.0.1:8080/healthz >/dev/null; then break; fi
	sleep 0.2
done
"$browser" --headless --no-sandbox --hide-scrollbars --window-size=1280,1000 --force-device-scale-factor=1 \
	--virtual-time-budget=4000 --screenshot=docs/page.png http://127.0.0.1:8080/

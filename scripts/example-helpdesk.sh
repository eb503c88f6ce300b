#!/usr/bin/env bash
# The quickstart on raw Chinese and English pages: LibreOffice's help, fetched from
# packages at a pinned version. Which module is a page about?
#
#   scripts/example-helpdesk.sh [ARGUMENTS OF troika quickstart]
set -euo pipefail
cd "$(dirname "$0")/.."

pages=.cache/helpdesk
[ -d "$pages" ] || scripts/fetch-helpdesk.sh "$pages" .cache/packages
exec bin/troika quickstart --data "$pages" --name helpdesk \
	--instruction 'Which module of the office suite is this help page about?' "$@"

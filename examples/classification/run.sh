#!/usr/bin/env bash
# Classification: which module of an office suite is a help page about? This is the
# quickstart's walk on raw Chinese and English pages: the helpdesk.
#
#   examples/classification/run.sh [ARGUMENTS OF troika quickstart]
set -euo pipefail
cd "$(dirname "$0")/../.."

pages=.cache/helpdesk
[ -d "$pages" ] || scripts/fetch-helpdesk.sh "$pages" .cache/packages
exec bin/troika quickstart --data "$pages" --name helpdesk \
	--instruction 'Which module of the office suite is this help page about?' "$@"

# Everything here needs Go and make alone. Tools are built from the versions
# that tools/go.mod pins; targets that need more (Python references, a browser)
# fetch it themselves and say so.

GO      ?= go
BIN     := bin
TOOLS   := $(BIN)/tools
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
# Arguments for the verb behind quickstart, bench, starter and the like.
ARGS    ?=

# Product builds use no cgo. Only the race detector needs it.
export CGO_ENABLED = 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: tables
tables: ## Fetch what the Chinese tables are made of (needs npm), and make them
	scripts/tables.sh

# Everything builds without the tables: Chinese is then not split into words, and says so.
.PHONY: try-tables
try-tables:
	@scripts/tables.sh || echo 'make: going on without the Chinese tables' >&2

.PHONY: build
build: try-tables ## Build bin/troika
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/troika

.PHONY: quickstart
quickstart: build ## Raw documents -> dataset -> tuned -> evaluated -> served, in one go
	$(BIN)/troika quickstart $(ARGS)

.PHONY: example-helpdesk
example-helpdesk: build ## The same walk on raw Chinese and English help pages
	examples/classification/run.sh $(ARGS)

.PHONY: example-classification
example-classification: build ## The same without serving, beside the other examples
	examples/classification/run.sh --once --home .cache/examples --listen 127.0.0.1:0 $(ARGS)

EXAMPLES := example-chat-tools example-completion example-translation example-preference
.PHONY: $(EXAMPLES)
$(EXAMPLES): build
	examples/$(@:example-%=%)/run.sh $(ARGS)

# What the examples tune is kept in .cache/examples.
.PHONY: examples
examples: example-classification $(EXAMPLES) ## Tune and measure five tasks (20 minutes), then serve them on one base
	examples/serve/run.sh $(ARGS)

.PHONY: check-examples
check-examples: build ## Run the examples for one step each, and serve them
	for e in $(EXAMPLES:example-%=%) serve; do examples/$$e/run.sh --check --home .cache/examples-check || exit; done

.PHONY: test
test: try-tables ## Run every test (at most 10 minutes on 2 cores)
	$(GO) test -timeout 10m ./...

# The kernels start no goroutines, and their tests compute for long.
.PHONY: test-race
test-race: try-tables ## Run the short tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 9m $$($(GO) list ./... | grep -v /compute/cpu/kernel$$)

.PHONY: test-noasm
test-noasm: try-tables ## Run the short tests on the plain-Go kernels
	$(GO) test -tags noasm -short -timeout 9m ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target within a shared budget (FUZZ_SECONDS, default 300)
	scripts/fuzz.sh

.PHONY: lint
lint: $(TOOLS)/.built ## Check style, bug patterns and formatting
	$(TOOLS)/golangci-lint run ./...

.PHONY: fmt
fmt: $(TOOLS)/.built ## Format the Go code
	$(TOOLS)/golangci-lint fmt ./...

$(TOOLS)/.built: tools/go.mod tools/go.sum
	$(GO) build -C tools -trimpath -ldflags '-s -w' -o ../$(TOOLS)/ tool
	@touch $@

.PHONY: generate
generate: ## Regenerate committed generated code
	$(GO) generate ./...

.PHONY: cross
cross: ## Build and vet for the other supported systems
	GOOS=linux GOARCH=arm64 $(GO) vet ./... && GOOS=linux GOARCH=arm64 $(GO) build ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./... && GOOS=darwin GOARCH=arm64 $(GO) build ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./... && GOOS=windows GOARCH=amd64 $(GO) build ./...

.PHONY: tidy
tidy: ## Check that go.mod files and old idioms are tidy
	scripts/tidy.sh

.PHONY: bench
bench: build ## Measure against peers on this machine; prints what bench/RESULTS.md holds
	bench/run.sh $(ARGS)

.PHONY: soak
soak: ## Mixed load under the race detector for SOAK_SECONDS (default 600; needs a C compiler)
	CGO_ENABLED=1 $(GO) run -race ./bench/soak -seconds $${SOAK_SECONDS:-600}

.PHONY: bench-refinery
bench-refinery: try-tables ## Measure the refinery on real text and beside its peers (fetches both)
	bench/refinery.sh $(ARGS)

.PHONY: starter
starter: build ## Rebuild starter/ from openly licensed text (hours)
	scripts/starter.sh $(ARGS)

.PHONY: docs
docs: build ## Record the quickstart's terminal and the page for the README
	scripts/docs.sh $(ARGS)

.PHONY: interop
interop: build ## Check files and answers against the reference implementations
	scripts/interop.sh $(ARGS)

.PHONY: clean
clean: ## Remove what the targets built
	rm -rf $(BIN) .cache

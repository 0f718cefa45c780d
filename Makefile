# Licenseledger: every task has a name here. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

TOOLS         := $(CURDIR)/.tools
GOLANGCI_LINT := v2.15.0
OAPI_CODEGEN  := v2.8.2
OASDIFF       := v1.37.0
REDOCLY       := 2.77.0
NODE          := 22
DEADCODE      := v0.52.0
BINARY        := bin/licenseledger
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null)
DATA_DIR      ?= ./data
ROUNDS        ?= 20
FUZZTIME      ?= 20s
DURATION      ?= 10s
EVENTS        ?= 1000000
# The embedded engines, sqlite+sqlite, are what the tests run on unless told otherwise.
OTHER_ENGINES ?= postgres+sqlite sqlite+postgres postgres+postgres+redis esdb+sqlite+redis esdb+postgres
# The packages whose tests take longer than a minute together. `make check` leaves them to `make test`.
SLOW := tests|projections|eventstore/postgres|sqlitefile

.PHONY: help run build check test test-slow cover lint lint-contract generate breaking verify bench load crash torture fuzz clean need-go need-gcc need-postgres need-redis need-npm

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build, then serve on 127.0.0.1:8080 with data in ./data
	./$(BINARY) serve --data-dir $(DATA_DIR)

build: need-go ## Build one static binary, bin/licenseledger
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version.described=$(VERSION)' -o $(BINARY) ./cmd/licenseledger

check: need-postgres need-redis build lint ## Build, vet, lint and run the quick tests: less than a minute on a warm machine
	go vet ./...
	go test $$(go list ./... | grep -vE '/($(SLOW))($$|/)')

test: need-gcc need-postgres need-redis build ## Run every test with the race detector, and the scenarios on every combination of engines
	LICENSELEDGER_BINARY=$(CURDIR)/$(BINARY) LICENSELEDGER_CRASH_ROUNDS=$(ROUNDS) go test -race -timeout 15m ./...
	go test -count=1 -timeout 10m -run RebuiltAtOnce ./projections
	@set -e; for engines in $(OTHER_ENGINES); do \
	  echo "scenarios on $$engines (events+read models)"; \
	  LICENSELEDGER_TEST_ENGINES=$$engines LICENSELEDGER_BINARY=$(CURDIR)/$(BINARY) go test -count=1 -timeout 10m ./tests/scenarios; \
	done
	$(MAKE) --no-print-directory cover

cover: need-go ## Check that domain and commands are covered to 90 % at least
	@go test -count=1 -coverpkg=./domain/...,./commands/... -coverprofile=coverage.out ./domain/... ./commands/... >/dev/null
	@go tool cover -func=coverage.out | awk '/^total:/ { print "coverage of domain and commands: " $$3; exit ($$3 + 0 < 90) }'

test-slow: build need-postgres ## Run what takes long: crash rounds, faults between instances, every fuzz target. ROUNDS, DURATION and FUZZTIME say how long
	$(MAKE) --no-print-directory crash torture fuzz

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT) $(TOOLS)/deadcode-$(DEADCODE) ## Check style, mistakes, import directions and dead code
	$< run ./...
	@dead=$$($(TOOLS)/deadcode-$(DEADCODE) -test ./...) && if [ -n "$$dead" ]; then echo "$$dead"; exit 1; fi

lint-contract: $(TOOLS)/redocly-$(REDOCLY) ## Check the contract for mistakes that trouble clients
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $</node_modules/.bin/node $</node_modules/@redocly/cli/bin/cli.js \
	  lint --config httpapi/openapi/redocly.yaml httpapi/openapi.yaml

generate: $(TOOLS)/oapi-codegen-$(OAPI_CODEGEN) ## Generate code from httpapi/openapi.yaml, and the references of errors, events, settings and metrics from the code
	PATH="$(TOOLS)/bin:$$PATH" go generate ./...
	go test -count=1 -run TheReference ./domain ./httpapi/problem ./cmd/licenseledger/internal/config ./cmd/licenseledger/internal/server -update >/dev/null

# The contract to compare with: that of the latest release, else of the commit before. breaking-levels.txt says what docs/api-versions.md allows
# beyond the defaults: new problem codes and new values in answers.
CONTRACT_BASE ?= $(shell git describe --tags --abbrev=0 2>/dev/null || git rev-parse --verify --quiet HEAD~1)

breaking: $(TOOLS)/oasdiff-$(OASDIFF) ## Check that the contract breaks no client of the latest release. CONTRACT_BASE names another commit
	@if [ -z "$(CONTRACT_BASE)" ]; then echo "there is no earlier commit to compare the contract with"; else \
	  base=$$(mktemp) && trap 'rm -f "$$base"' EXIT && git show "$(CONTRACT_BASE):httpapi/openapi.yaml" >"$$base" && \
	  $< breaking --fail-on ERR --severity-levels httpapi/openapi/breaking-levels.txt "$$base" httpapi/openapi.yaml; fi

verify: generate ## Check that generated code, go.mod and formatting are current
	go mod tidy
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	@git diff --exit-code -- '*.gen.go' httpapi/openapi.yaml docs go.mod go.sum || { echo "run 'make generate' and 'go mod tidy', then commit"; exit 1; }

bench: need-go need-postgres need-redis ## Measure the event store, the keys and the projections
	go test -run '^$$' -bench . -benchmem ./...

load: build ## Measure a running server over HTTP, beside the raw limits (docs/performance.md)
	go run ./tests/load -binary $(BINARY) -duration $(DURATION) -events $(EVENTS)

crash: build ## Kill the server in mid-load ROUNDS times and check that nothing is lost
	LICENSELEDGER_BINARY=$(CURDIR)/$(BINARY) LICENSELEDGER_CRASH_ROUNDS=$(ROUNDS) go test -count=1 -timeout 0 -v -run TestCrash ./tests/...

torture: build need-postgres ## For DURATION, check that instances under faults answer as one would; then crash rounds on PostgreSQL
	LICENSELEDGER_BINARY=$(CURDIR)/$(BINARY) LICENSELEDGER_TORTURE=$(DURATION) go test -count=1 -timeout 0 -v ./tests/linearizability
	LICENSELEDGER_BINARY=$(CURDIR)/$(BINARY) LICENSELEDGER_CRASH_ROUNDS=$(ROUNDS) LICENSELEDGER_TEST_ENGINES=postgres+postgres \
	  go test -count=1 -timeout 0 -v -run TestCrash ./tests/crash

fuzz: need-go ## Run every fuzz target for FUZZTIME
	@set -e; for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$package; \
	  done; \
	done

clean: ## Remove what was built; data stays
	rm -rf bin coverage.out

need-go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is needed: https://go.dev/dl"; exit 1; }

# $(call install,packages,what to do where there is no apt-get)
install = { command -v apt-get >/dev/null || { echo "$(2)"; exit 1; }; apt-get update -q && apt-get install -qy --no-install-recommends $(1); }

need-gcc: need-go # the race detector needs a C compiler
	@command -v gcc >/dev/null || $(call install,gcc libc6-dev,A C compiler is needed: install gcc or clang.)

need-postgres: # the tests start a private server of the newest version, unless LICENSELEDGER_TEST_POSTGRES names one
	@test -n "$$LICENSELEDGER_TEST_POSTGRES" || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || \
	  $(call install,postgresql,PostgreSQL is needed: install it or set LICENSELEDGER_TEST_POSTGRES to the URL of a server for tests.)

need-redis: # the tests start a private server, unless LICENSELEDGER_TEST_REDIS names one
	@test -n "$$LICENSELEDGER_TEST_REDIS" || command -v redis-server >/dev/null || \
	  $(call install,redis-server,Redis is needed: install it or set LICENSELEDGER_TEST_REDIS to the URL of a server for tests.)

need-npm: # the contract's linter is a Node program
	@command -v npm >/dev/null || $(call install,npm,npm is needed: install Node from https://nodejs.org.)

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT): | need-go
	GOBIN=$(TOOLS)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	ln -sf bin/golangci-lint $@

$(TOOLS)/oasdiff-$(OASDIFF): | need-go
	GOBIN=$(TOOLS)/bin go install github.com/oasdiff/oasdiff@$(OASDIFF)
	ln -sf bin/oasdiff $@

$(TOOLS)/deadcode-$(DEADCODE): | need-go
	GOBIN=$(TOOLS)/bin go install golang.org/x/tools/cmd/deadcode@$(DEADCODE)
	ln -sf bin/deadcode $@

# Node itself comes from npm too: the one of the system may be too old.
$(TOOLS)/redocly-$(REDOCLY): | need-npm
	npm install --silent --no-audit --no-fund --prefix $@ node@$(NODE) @redocly/cli@$(REDOCLY)

$(TOOLS)/oapi-codegen-$(OAPI_CODEGEN): | need-go
	GOBIN=$(TOOLS)/bin go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@$(OAPI_CODEGEN)
	ln -sf bin/oapi-codegen $@

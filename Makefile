# What CI runs is `make check`; it leaves a clean tree.

GOLANGCI = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT  = go run mvdan.cc/gofumpt@v0.12.0

.PHONY: check fmt lint test race generate demo bench bench-parquet bench-lineage bench-reconcile bench-large fuzz crash clean-tree

check: generate fmt lint race clean-tree ## everything that must hold before a commit

fmt:
	$(GOFUMPT) -l -w .
	go mod tidy

lint:
	go vet ./...
	$(GOLANGCI) run ./...

test:
	go test ./...

race:
	go test -race -timeout 30m ./...

generate:
	go generate ./...

clean-tree:
	@git diff --exit-code --stat || (echo "the tree was changed by make check: commit what it wrote"; exit 1)

demo:
	go run ./cmd/penstock demo

bench: ## the flights job beside the same job in DuckDB; writes benchmarks/results.md
	go run ./benchmarks

bench-parquet: ## checks, reading and publishing of Parquet files; writes benchmarks/parquet.md
	go run ./benchmarks parquet

bench-lineage: ## what lineage and the audit cost, and how fast they answer; writes benchmarks/lineage.md
	go run ./benchmarks lineage

bench-reconcile: ## two sides of ten million rows, beside a full outer join; writes benchmarks/reconcile.md
	go run ./benchmarks reconcile

GB ?= 20
bench-large: ## the same over a file of GB gigabytes; writes benchmarks/large.md
	go run ./benchmarks parquet -only large -gb $(GB) -runs 1

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
		done; \
	done

CRASH ?= .
crash: ## the long form of what kills processes, cuts power and fails disks: hours; CRASH chooses tests
	PENSTOCK_LONG=1 go test -count=1 -v -timeout 48h -run '$(CRASH)' ./internal/crashtest
ifeq ($(CRASH),.)
	PENSTOCK_LONG=1 go test -count=1 -v -timeout 48h -run 'Contenders' ./internal/publish
	PENSTOCK_LONG=1 go test -count=1 -v -timeout 48h -run 'EveryOperationOfARun|ManyRuns|FullDisk' .
endif

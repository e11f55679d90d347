// Package pipeline holds the words of Penstock and its engine.
//
// A [Pipeline] is a graph of [Stage]s. A stage reads one or more inputs, carries
// them through a chain of [Operator]s, has what leaves it judged by a [Judge]
// (its gates), and perhaps writes an [Output] that is published. Everything a
// user writes is a description: it opens no file and starts no goroutine until a
// plan is bound and run.
//
// Three phases follow each other, and a mistake is reported in the earliest one
// that can see it:
//
//   - describe: build a Pipeline value, in Go or from YAML;
//   - bind: [Bind] resolves the sources of one partition, reads their schemas
//     and types every operator and gate against them;
//   - run: [Plan.Run] streams the splits of the sources through the stages.
//
// This package publishes nothing: a run ends with staged files and findings, and
// the package penstock at the root of the module decides what becomes visible.
package pipeline

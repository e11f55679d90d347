// Package config reads pipeline files: YAML, strictly. All problems of a file are
// reported at once, each with its line and column and, where a name is not known, the
// nearest one that is.
//
// One table of fields (spec.go) drives the decoding, the messages, the JSON Schema that
// editors use, and the reference page.
package config

//go:generate go test . -run "TestReferencePage|TestChecksPage" -rewrite

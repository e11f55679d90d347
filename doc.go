// Package penstock runs batch data pipelines in which no bad partition gets past a
// gate.
//
// Bounded datasets flow as Arrow record batches through parallel operator stages;
// gates written in CEL decide, before anything is visible, whether a partition may
// be published; and every published partition keeps a manifest of what it was made
// of.
//
// A pipeline is described with the packages pipeline, operators (with a subpackage
// for each format, and sql for DuckDB) and gates, or read from YAML by the command
// penstock. A [Project] is the directory it runs in:
//
//	project, err := penstock.Open(ctx, ".", penstock.Options{})
//	...
//	record, err := project.Run(ctx, flights, "2001-01")
//
// The record says whether the partition was published, left unchanged, or blocked,
// and why. [Project.Run] returns an error only if the run itself failed.
package penstock

// Package openlineage tells OpenLineage what runs do: which made what of what, by which code, judged
// how. Events are made by pure functions of what is on record of a run, so that they can be made
// again after a crash; an outbox keeps what has not been sent, and a sender carries it to files and
// servers beside the runs, which it never slows or fails.
//
// A pipeline is a job, and each stage that publishes or judges is one: PIPELINE.STAGE, whose run has
// the pipeline's for a parent. The gates of a stage that publishes are a job of their own,
// PIPELINE.STAGE.gates, for the standard has assertions about what a job reads. Runs of a backfill
// have the backfill for a parent: PIPELINE.backfill.
package openlineage

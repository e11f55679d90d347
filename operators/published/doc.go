// Package published is the source of what stages publish: partitions of a dataset, of this
// pipeline or of another of the project, as they are current when a run begins.
//
// Without more the partition of the run is read, of a dataset that is cut as the pipeline is.
// Last reads a window that ends at it, Offset moves the window back. A dataset that is cut
// otherwise says how, and Map which of its partitions belong to one of the pipeline: all that
// lie within it (the days of a month), or the one that it lies in (the month of a day).
//
// Which partitions a run needs is known without opening a file, so that a backfill runs them
// first. What was read goes on record by version and digest of its data: a version that came
// out as the one before makes nothing stale.
package published

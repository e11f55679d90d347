// Package publish makes versions of partitions visible: write, audit, publish.
//
// A dataset "warehouse/clean" with a partition "month=2001-07" looks like this:
//
//	warehouse/clean/month=2001-07/part-0.parquet     what readers see
//	warehouse/clean/month=2001-07/_manifest.json     and what it is
//	warehouse/.penstock/datasets/clean/
//		versions/month=2001-07/000001/               kept, never changed
//			data/part-0.parquet
//			quarantine/part-0.parquet
//			manifest.json
//		staging/month=2001-07.RUN/                   being written
//		locks/month=2001-07                          held by who writes
//
// The files of the visible directory are hard links to those of the version. A new
// version is staged, synced and kept; then a directory with its links takes the
// place of the visible one in a single step: a rename where nothing is visible yet,
// else an exchange of the two directories. Whoever reads sees the old files or the
// new ones, and the manifest that goes with them. Versions lie outside the dataset,
// so that no glob of a reader meets two of them; links and not symbolic links,
// because DuckDB's ** does not follow those.
package publish

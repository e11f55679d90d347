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
//		held/month=2001-07.RUN/                      blocked, and waiting for a decision
//			version/                             as above, with its manifest
//			held.json                            what it is, and until when it is held
//		approvals/month=2001-07.json                 decisions, bound to bytes and rules
//		locks/month=2001-07                          held by who writes
//
// The files of the visible directory are hard links to those of the version. A new
// version is staged, synced and kept; then a directory with its links takes the
// place of the visible one in a single step: a rename where nothing is visible yet,
// else an exchange of the two directories. Whoever reads sees the old files or the
// new ones, and the manifest that goes with them. Versions lie outside the dataset,
// so that no glob of a reader meets two of them; links and not symbolic links,
// because DuckDB's ** does not follow those.
//
// What is held is published by Resume and Commit: its files get second names in staging,
// and go away only after the switch. So no crash loses it, or shows a part of it.
package publish

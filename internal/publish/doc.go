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
//			lineage/rows.trace
//			manifest.json
//		staging/month=2001-07/000007                 a claim: who has the partition
//		staging/month=2001-07/000007.RUN/            what its holder is writing
//		held/month=2001-07.RUN/                      blocked, and waiting for a decision
//			version/                             as above, with its manifest
//			held.json                            what it is, and until when it is held
//		approvals/month=2001-07.json                 decisions, bound to bytes and rules
//		readers/month=2001-07/000001.ID              the lease of one who reads version 1
//
// The files of the visible directory are hard links to those of the version. A new
// version is staged, kept and synced; then a directory with its links takes the
// place of the visible one in a single step: a rename where nothing is visible yet,
// else an exchange of the two directories. Whoever reads sees the old files or the
// new ones, and the manifest that goes with them. Versions lie outside the dataset,
// so that no glob of a reader meets two of them; links and not symbolic links,
// because DuckDB's ** does not follow those. Until it is visible a version is nobody's:
// the next run takes it away.
//
// What is held is published by Resume and Commit: its files get second names in staging,
// and go away only after the switch. So no crash loses it, or shows a part of it. Rollback is
// a publish, too: of links to the files of an earlier version.
//
// # One at a time
//
// Who wants to write makes the directory it will write in, then the claim, a file with the
// next number, which one alone can make (a link). Then it looks at all claims: if there is a
// higher one, it gives way. All directories of lower numbers it moves into its own, and only
// then reads what is current. Numbers grow, since the highest claim stays for good.
//
// A run changes what others see in one way only: by a rename, exchange or link with one end in
// its own directory. A version among those that are kept, the switch, what is pruned, dropped
// or repaired, a list of approvals: all come from there or go there, and nothing is made or
// removed by its path alone (a directory of a claim is never made a second time). So once the
// directory has been moved away nothing the run does has any effect: it was fenced. It does not
// matter between which two operations it was stopped, for how long, or whose clock is wrong:
// every operation comes either before it was moved, and then before the next holder read what
// is current, or after, and fails. A run that had switched before has published; else it gets a
// Conflict that names who fenced it. Two that have looked and found no higher claim have
// different numbers; the higher one looked later than it made its claim, found the directory of
// the lower, and moved it.
//
// When to fence is a matter of time, and of liveness alone. On the same machine a holder that
// has died has lost the lock on its claim; its place is taken at once. One that lives renames
// an empty file some times in a lease. Who finds a sign of life younger than that, by the clocks
// of both, is refused at once; else it watches, and takes over if nothing moves for a lease
// by its own watch. So a stopped process, or a machine that is gone, holds nobody up.
//
// # Readers
//
// Plain tools look at the visible directory. Read pins a version: it makes a lease, and then
// looks whether the version is still current. Who prunes looks for leases after the switch to a
// later version. So either the reader sees the switch, and tries again, or its lease is seen.
package publish

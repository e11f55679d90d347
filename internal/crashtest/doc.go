// Package crashtest shows that a project survives what it is promised to: processes that
// are killed, power that is cut, disks that fail, state that is damaged. It has tests only,
// and what they share with the processes they kill.
//
//   - kill: real processes are killed at points before and after every durable step, and
//     at any time, and started again; check has the invariants, looked at from outside;
//   - points: which points there are, and that none is forgotten;
//   - fill: a large backfill is killed again and again;
//   - seeded: mistakes are put into the code, each found by a test that is named;
//   - cut, fault, damage: the same without processes, on a file system in memory whose power
//     is cut and whose operations fail, and with a state store that is damaged.
//
// Each test has its seed from internal/seed, and prints it. With PENSTOCK_LONG set they are as
// long as `make crash` has them. PENSTOCK_CYCLES, PENSTOCK_HOURS and PENSTOCK_SEEDED
// choose how many processes are killed, how many partitions are filled, and which mistakes
// are tried; PENSTOCK_KEEP is a directory for the projects in which something is wrong.
package crashtest

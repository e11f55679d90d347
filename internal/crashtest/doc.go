// Package crashtest shows that a project survives what it is promised to: processes that
// are killed, power that is cut, disks that fail, state that is damaged. It has tests only,
// and what they share with the processes they kill.
//
//   - kill: real processes are killed at points before and after every durable step, and
//     at any time, and started again;
//   - points: which points there are, and that none is forgotten;
//   - check: the invariants, looked at from outside;
//   - fill: a large backfill is killed again and again;
//   - seeded: mistakes put into the code, each found by a test that is named.
//
// Each test prints its seed and takes it from PENSTOCK_SEED. With PENSTOCK_LONG set they
// are as long as `make crash` has them, for that many minutes at most each.
package crashtest

//go:build !race

package penstock

// RaceEnabled says whether the race detector watches, for tests that are long with it.
const RaceEnabled = false

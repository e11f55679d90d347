//go:build !unix

package main

import "os"

// peakMiB is not known here.
func peakMiB(*os.ProcessState) float64 { return 0 }

// cpuSeconds is not known on this system.
func cpuSeconds() float64 { return 0 }

// flushDisks does nothing on this system.
func flushDisks() {}

package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what some work took, as the operating system accounts for it.
type usage struct {
	CPU  float64 `json:"cpu"`  // seconds, user and system, of all threads
	Wall float64 `json:"wall"` // seconds
	// Peak is the most memory the process held until the end of the work, in MiB,
	// resident; 0 where it is not known.
	Peak float64 `json:"peak"`
	// Read is what the process asked files for, in bytes (rchar of /proc/self/io), and
	// Disk what of it came from the disk (read_bytes); -1 where that is not known.
	// What is read through a mapping is in Disk alone.
	Read int64 `json:"read"`
	Disk int64 `json:"disk"`
}

// meter measures work inside this process, from begin to end.
type meter struct {
	cpu        float64
	start      time.Time
	read, disk int64
}

func begin() meter {
	read, disk := readBytes()
	return meter{cpuSeconds(), time.Now(), read, disk}
}

func (m meter) end() usage {
	u := usage{CPU: cpuSeconds() - m.cpu, Wall: time.Since(m.start).Seconds(), Peak: residentPeak(), Read: -1, Disk: -1}
	if read, disk := readBytes(); read >= 0 {
		u.Read, u.Disk = read-m.read, disk-m.disk
	}
	return u
}

// readBytes is what this process has read so far, in bytes: asked for, and from the disk.
func readBytes() (asked, disk int64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return -1, -1
	}
	return number(string(text), "rchar:"), number(string(text), "read_bytes:")
}

// residentPeak is the most memory this process has held, in MiB. The peak that a parent
// is told of a child begins with its own (execve keeps it), so the child says it itself.
func residentPeak() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	return float64(max(number(string(text), "VmHWM:"), 0)) / 1024
}

// number is the one that stands behind a label, or -1.
func number(text, label string) int64 {
	_, rest, found := strings.Cut(text, label)
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

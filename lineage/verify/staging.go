package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// staging checks that what is being written belongs to a run that is alive.
func (c *checker) staging(dir string) {
	staging := filepath.Join(dir, "staging")
	for _, partition := range list(staging) {
		place := filepath.Join(staging, partition)
		if names := list(place); slices.Contains(names, "version") || slices.Contains(names, "visible") {
			c.oldStaging(dir, partition)
			continue
		}
		if claimed(place) {
			continue
		}
		for _, name := range list(place) {
			if strings.Contains(name, ".") {
				c.problem(filepath.Join(place, name), "was left by a run that is gone; the next run of the partition removes it")
			}
		}
	}
}

// oldStaging checks what a program wrote that locked partitions and did not claim them.
func (c *checker) oldStaging(dir, name string) {
	partition := name
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		partition = name[:i]
	}
	if !locked(filepath.Join(dir, "locks", partition)) {
		c.problem(filepath.Join(dir, "staging", name), "was left by a run that is gone; `penstock gc` removes it")
	}
}

// claimed reports whether the newest claim of a partition, the file with the highest number
// for a name, is held by a process here, or was made on another machine: of those that can't
// be known, and nobody is accused.
func claimed(place string) bool {
	newest := ""
	for _, name := range list(place) {
		if !strings.Contains(name, ".") && (len(name) > len(newest) || len(name) == len(newest) && name > newest) {
			newest = name
		}
	}
	if newest == "" {
		return false
	}
	var holder struct{ Host string }
	if text, err := os.ReadFile(filepath.Join(place, newest)); err == nil {
		_ = json.Unmarshal(text, &holder) // what a crash tore is nobody's
	}
	host, _ := os.Hostname()
	return holder.Host != "" && holder.Host != host || locked(filepath.Join(place, newest))
}

package openlineage

import (
	"crypto/sha1"
	"encoding/hex"
)

// penstockIDs is the namespace of the ids of runs (RFC 9562, version 5).
var penstockIDs = [16]byte{0x5e, 0x0c, 0x3b, 0x1d, 0x72, 0xa4, 0x4f, 0x0b, 0x9d, 0x36, 0x1b, 0x8e, 0xc7, 0x25, 0x60, 0xaf}

// runID is the id that a run has in the standard. It follows from what the run is called here, so
// that a process which finds a run dead calls it as the one that died did.
func runID(run string, part ...string) string {
	h := sha1.New() //nolint:gosec // as version 5 says; nothing is protected by it
	h.Write(penstockIDs[:])
	h.Write([]byte(run))
	for _, p := range part {
		h.Write([]byte("/" + p))
	}
	id := h.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

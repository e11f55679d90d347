package parquet

import (
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// bloomBits are those of a filter for each distinct value: about one in a hundred
	// values that are not there is taken for one that is.
	bloomBits = 10
	// maxBloom bounds a filter, in bytes.
	maxBloom = 8 << 20
)

// bloomOf makes a split-block filter of the values, with its header.
func (c *outColumn) bloomOf(l *outLeaf) ([]byte, error) {
	v := &c.vals
	if v.dict != nil {
		v = v.dict
	}
	hashes := make([]uint64, v.n)
	for i := range hashes {
		hashes[i] = bloomHash(v.at(i, l.size))
	}
	distinct := len(hashes)
	if c.vals.dict == nil {
		distinct = estimate(hashes)
	}
	// Readers want a power of two.
	size := 1 << bits.Len(uint(max(bloom.BlockSize, distinct*bloomBits/8)-1))
	filter := make(bloom.SplitBlockFilter, min(size, maxBloom)/bloom.BlockSize)
	filter.InsertBulk(hashes)
	head, err := marshal(&format.BloomFilterHeader{
		NumBytes:    int32(len(filter) * bloom.BlockSize),
		Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
		Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
		Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
	})
	return append(head, filter.Bytes()...), err
}

// bloomHash is the hash of a value in plain encoding, without the length of byte arrays.
func bloomHash(b []byte) uint64 { return bloom.XXH64{}.Sum64(b) }

// estimate is about how many hashes are distinct: by how many bits of a map they leave
// unset (linear counting, Whang et al. 1990).
func estimate(hashes []uint64) int {
	size := 1 << bits.Len(uint(max(64, len(hashes))))
	seen := make([]uint64, size/64)
	for _, h := range hashes {
		at := h >> 32 & uint64(size-1)
		seen[at/64] |= 1 << (at % 64)
	}
	unset := size
	for _, word := range seen {
		unset -= bits.OnesCount64(word)
	}
	if unset == 0 {
		return len(hashes)
	}
	return min(len(hashes), int(float64(size)*math.Log(float64(size)/float64(unset)))+1)
}

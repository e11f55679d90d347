package sketch

import (
	"encoding/hex"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

const (
	longestText = 256 // bytes that are kept of a value whole
	prefixBytes = 240 // of a longer one, beside its hash
	cutBytes    = prefixBytes + 32
)

// keyText gives what stands for a text in a state: itself, or of a text beyond 256 bytes the
// first 240 and the 128-bit hash of the whole, which is longer than any text that is kept whole.
func keyText(value string) string {
	if len(value) <= longestText {
		return value
	}
	h := xxh3.HashString128(value).Bytes()
	return value[:prefixBytes] + hex.EncodeToString(h[:])
}

// showText gives what people see of a key, and whether it is only the beginning of the value.
func showText(key string) (text string, isCut bool) {
	if len(key) <= longestText {
		return key, false
	}
	end := prefixBytes
	for i := end - 1; i > end-utf8.UTFMax; i-- {
		if utf8.RuneStart(key[i]) {
			if !utf8.FullRuneInString(key[i:prefixBytes]) {
				end = i
			}
			break
		}
	}
	return key[:end], true
}

func validKey(key string) bool {
	return len(key) <= longestText || len(key) == cutBytes
}

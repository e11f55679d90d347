package night

import (
	"encoding/json"
	"io"
)

// JSON writes the night as one object, indented; see the package on what of it stays.
func JSON(w io.Writer, n *Night) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(n)
}

package openlineage

// Scrub takes out of a text what may be a secret: of addresses their user info and query. It is
// what is done with all that is told.
func Scrub(text string) string { return scrub(text) }

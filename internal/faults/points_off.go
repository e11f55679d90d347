//go:build !failpoints

package faults

// Step does something durable. Built with the tag "failpoints", a test may kill the process
// before it or after it, stop it there, or have it fail; see points_on.go.
func Step(_ string, do func() error) error { return do() }

func withPoints(fsys FS) FS { return fsys }

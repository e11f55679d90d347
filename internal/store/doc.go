// Package store is the project's memory: an index in SQLite of its runs and of the
// versions they published. It holds nothing of its own: everything in it comes from
// the manifests beside the data and the run records beside the index, and Rebuild
// makes it anew from those.
package store

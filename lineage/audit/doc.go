// Package audit keeps the record of what was done in a project in a form that shows when it was
// tampered with: a chain of entries for each dataset, and one for the project.
//
// A chain is a file that only grows, an entry a line. An entry stands for something that is on
// disk by its SHA-256: a manifest, the record of a run, approvals. It names the digest of the
// entry before it, so that no entry can be changed, taken out or put elsewhere without changing
// all that come after; and the project's chain names the last entries of the datasets' chains, so
// that none can be cut off behind the other's back. Entries may be signed.
//
//   - Log appends, for many runs and processes at once, and mends what a crash tore;
//   - Verify checks chains and files, and names the first thing that doesn't hold;
//   - Collect makes the rows of a report for an auditor, and WriteCSV, WriteJSON and WriteHTML
//     write it.
package audit

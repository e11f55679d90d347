// Package trace keeps of each row of an output which rows of the inputs it came from.
//
// A trace file has sequences of places. A Place is a row of a source: of one of the splits
// that were read, or of a group that an aggregate made, which has a sequence of places of its
// own. The rows of the output have one sequence or several ("lanes"): a join gives a row that
// comes from two.
//
// The file is a magic text, blocks, a footer and a trailer. A block is up to 65,536 places: runs of
// those that follow each other, each with its length and how far it begins from where the one
// before ended, so that what stayed together costs almost nothing; or, where rows were left out
// here and there, a bit for each row. Blocks and footer are compressed, and have checksums that are
// looked at before a byte of them is believed.
package trace

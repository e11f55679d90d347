// Package draw turns a picture of things and what leads from one to the other into text that
// shows it: for Graphviz, for Mermaid, as SVG, and as one HTML page that can be moved about in.
//
// It is pure: it reads no clock and no file, and the same picture gives the same bytes. Whatever
// stands in a picture is escaped for where it goes.
package draw

// Picture is what is drawn. Edges lead from left to right.
type Picture struct {
	// Title says what it is of, Notes what else is to be said of the whole.
	Title string
	Notes []string
	Nodes []Node
	Edges []Edge
}

// Node is a box.
type Node struct {
	Kind Kind
	// Label is its name, Under a second line in smaller letters; may be empty.
	Label, Under string
	State        State
	// Root marks what was asked about.
	Root bool
	// Facts are what else is known of it, for who looks closer.
	Facts []Fact
}

// Fact is a thing known of a node.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Edge leads from one node to another, by their places in Picture.Nodes.
type Edge struct {
	From, To int
	// Label is written at it; may be empty.
	Label string
	// Faint is for what hands on no data itself.
	Faint bool
}

// Kind is what a node is.
type Kind string

// The kinds of nodes, which are drawn in shapes and colours of their own.
const (
	Version Kind = "version"
	File    Kind = "file"
	Dataset Kind = "dataset"
	Stage   Kind = "stage"
	Source  Kind = "source"
	Column  Kind = "column"
	// Many stands for several that are not drawn one by one.
	Many Kind = "many"
)

// State is what became of a node.
type State string

// The states; most nodes have none.
const (
	Current  State = "current"
	Replaced State = "replaced"
	Unknown  State = "unknown"
)

// kinds are all kinds in the order of a legend, with what it calls them.
var kinds = []struct {
	kind Kind
	name string
}{
	{Source, "source"},
	{File, "file"},
	{Stage, "stage"},
	{Dataset, "dataset"},
	{Version, "version of a partition"},
	{Many, "several together"},
	{Column, "column"},
}

package cli

import (
	"fmt"
	"strings"

	"github.com/penstock-data/penstock/lineage"
)

// showTrees shows what is beyond each root, in each direction that was asked for.
func (a *app) showTrees(v *view) error {
	up, down := v.directions()
	for _, n := range v.roots {
		if up {
			if err := a.printTree(v, n, lineage.Up); err != nil {
				return err
			}
		}
		if down {
			if err := a.printTree(v, n, lineage.Down); err != nil {
				return err
			}
		}
	}
	if down && a.output != "json" {
		a.showHolding(v)
	}
	return nil
}

func (a *app) printTree(v *view, n lineage.Node, dir lineage.Direction) error {
	t, title := v.graph.Walk(n, dir, v.depth), "made of"
	if dir == lineage.Down {
		title = "made from it"
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{"direction": title, "tree": t})
	}
	v.lines, v.dir, v.shown = 0, dir, map[lineage.Node]bool{}
	a.print("%s (%s)%s\n", nodeText(*t.Node), title, v.notes(t))
	a.printFiles(v, t, "  ")
	if len(t.Next) == 0 {
		a.print("  nothing\n")
	}
	a.printBranches(v, t, "  ")
	if more := v.lines - mostLines; more > 0 {
		a.print("  … and %s; --depth says less, -o json has it all\n", plural(int64(more), "more line", "more lines"))
	}
	return nil
}

// mostLines bounds the lines of a tree: nobody reads as many.
const mostLines = 10000

func (a *app) printBranches(v *view, t *lineage.Tree, indent string) {
	if len(t.Next) > 0 {
		v.shown[*t.Node] = true
	}
	for i := range t.Next {
		next := &t.Next[i]
		branch, below := "├─ ", "│  "
		if i == len(t.Next)-1 {
			branch, below = "└─ ", "   "
		}
		if v.lines++; v.lines > mostLines {
			a.printBranches(v, next, "") // which counts them
			continue
		}
		a.print("%s%s%s%s\n", indent, branch, nodeText(*next.Node), v.notes(next))
		if !next.Seen {
			a.printFiles(v, next, indent+below)
		}
		a.printBranches(v, next, indent+below)
	}
}

// printFiles names the files of a version.
func (a *app) printFiles(v *view, t *lineage.Tree, indent string) {
	if !v.files || t.Made == nil {
		return
	}
	for _, f := range t.Made.Files {
		a.print("%s· %s: %s, %s bytes, sha256 %.12s\n", indent, f.Path, plural(f.Rows, "row", "rows"), count(f.Bytes), f.SHA256)
	}
}

// notes are what stands behind a node: what became of it, what it was made by, who let it through.
func (v *view) notes(t *lineage.Tree) string {
	var all []string
	if t.Seen && v.shown[*t.Node] {
		all = append(all, "see above")
	} else if t.Seen {
		all = append(all, "see below")
	}
	switch said := t.State != nil && len(t.State.With)+len(t.State.Without) > 0; {
	case said && v.dir == lineage.Down: // its state says so
	case t.Again:
		all = append(all, "read when it was computed again")
	case t.Lapsed:
		all = append(all, "not read when it was computed again")
	}
	switch {
	case t.State != nil:
		all = append(all, t.State.String())
	case t.Kind() == lineage.VersionKind:
		all = append(all, "not on record")
	}
	if v.stages && t.Made != nil {
		all = append(all, fmt.Sprintf("by stage %s of %s at %.12s", strings.Join(t.Made.Stages, " and "), t.Made.Pipeline, t.Made.Code))
	}
	if t.Made != nil && len(t.Made.Approved) > 0 {
		all = append(all, "approved: "+strings.Join(t.Made.Approved, ", "))
	}
	if t.Flow != nil && t.Kind() == lineage.DatasetKind && t.Flow.Partitions > 0 {
		all = append(all, holdText(t.Flow.Held))
	}
	if len(all) == 0 {
		return ""
	}
	return "  " + strings.Join(all, "; ")
}

// holdText is how much there is of a dataset.
func holdText(h lineage.Held) string {
	if h.Last == wholeDataset && h.Partitions == 1 {
		return plural(h.Rows, "row", "rows")
	}
	span := h.First
	if h.Last != h.First {
		span += " to " + h.Last
	}
	return fmt.Sprintf("%s, %s, %s", plural(h.Partitions, "partition", "partitions"), span, plural(h.Rows, "row", "rows"))
}

// showHolding counts the versions that hold something of what was asked about.
func (a *app) showHolding(v *view) {
	still := map[lineage.Node]bool{}
	for _, n := range v.graph.Holding(v.roots, v.depth) {
		still[n] = true
	}
	var all, current, replaced, again, without int64
	for _, n := range v.graph.Reach(v.roots, lineage.Down, v.depth) {
		s := v.graph.State(n)
		if s == nil || isRoot(v.roots, n) {
			continue
		}
		all++
		switch {
		case s.Current && still[n]:
			current++
		case s.Current:
			without++
		case s.Again != 0:
			again++
		default:
			replaced++
		}
	}
	if all == 0 {
		return
	}
	text := fmt.Sprintf("%s made of it: %s current, %s replaced since", plural(all, "version was", "versions were"), count(current), count(replaced))
	if again > 0 {
		text += fmt.Sprintf(", %s replaced by the same data", count(again))
	}
	if without > 0 {
		text += fmt.Sprintf(", %s no longer: computed again without it, the same came out", count(without))
	}
	a.print("%s\n", text)
}

func isRoot(roots []lineage.Node, n lineage.Node) bool {
	for _, r := range roots {
		if r == n {
			return true
		}
	}
	return false
}

func nodeText(n lineage.Node) string {
	if n.Kind() == lineage.FileKind && len(n.SHA256) > 12 {
		return n.File + "  sha256 " + n.SHA256[:12]
	}
	return n.String()
}

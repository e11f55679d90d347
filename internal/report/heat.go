package report

import (
	"fmt"
	"html/template"

	"github.com/penstock-data/penstock/pipeline"
)

// heatCell is how high a cell is, and how wide unless there are many, with the gap to the
// next.
const heatCell = 20

// cellWidth is how wide the cells of n partitions are, so that sixty fit on the page.
func cellWidth(n int) float64 {
	if n > 40 {
		return 13
	}
	return heatCell
}

// heatLetter is about how wide its letters are.
const heatLetter = 6.8

// gateName is a gate of any partition.
type gateName struct{ stage, name string }

// heatChart draws a cell for each gate on each partition, and on top of them one for how
// each run ended, which leads to its section.
func heatChart(records []*pipeline.RunRecord) template.HTML {
	gates, of := gatesOf(records)
	letters, wide := len("how it ended"), cellWidth(len(records))
	for _, g := range gates {
		letters = max(letters, len([]rune(cutLabel(g.name))))
	}
	left := heatLetter*float64(letters) + 12
	d := newDrawing(left+wide*float64(len(records))+64, 22+heatCell*float64(len(gates)+1)+4)
	d.text("label", "end", left-8, 22+13, "how it ended")
	for i, g := range gates {
		d.text("label", "end", left-8, 22+heatCell*float64(i+1)+13, cutLabel(g.name))
	}
	free := 0.0
	for i, rec := range records {
		x := left + wide*float64(i)
		if x >= free {
			d.text("axis", "start", x, 14, cutLabel(rec.Partition))
			free = x + heatLetter*float64(len([]rune(cutLabel(rec.Partition)))) + 14
		}
		fmt.Fprintf(&d.b, `<a href="#p%d">`, i)
		d.cell(statusGrade(rec.Status), fmt.Sprintf("%s: %s", rec.Partition, rec.Status), x, 22, wide-2)
		for k, g := range gates {
			if f, ok := of[i][g]; ok {
				title := fmt.Sprintf("%s %s/%s: %s; %s, %s expected", rec.Partition, g.stage, g.name, verdictText(f), f.Observed, f.Expected)
				d.cell(gradeOf(f), title, x, 22+heatCell*float64(k+1), wide-2)
			} else {
				d.dot("none", rec.Partition+" "+g.name+": not judged in this run", x+wide/2-1, 22+heatCell*float64(k+1)+9, 1.2)
			}
		}
		d.b.WriteString("</a>")
	}
	return d.svg("heat", "how each gate was on each partition; the table below says how each run ended")
}

// gatesOf are the gates of all records in the order they are first seen, and the finding
// of each by record.
func gatesOf(records []*pipeline.RunRecord) (gates []gateName, of []map[gateName]pipeline.Finding) {
	seen := map[gateName]bool{}
	for _, rec := range records {
		found := map[gateName]pipeline.Finding{}
		for _, f := range rec.Gates {
			g := gateName{f.Stage, f.Name}
			found[g] = f
			if !seen[g] {
				seen[g] = true
				gates = append(gates, g)
			}
		}
		of = append(of, found)
	}
	return gates, of
}

// cell draws a field of a grade; what is no pass has its letter, for those who can't tell
// the colours.
func (d *drawing) cell(g grade, title string, x, y, width float64) {
	d.rect("cell g-"+g.class(), title, x, y, width, heatCell-2)
	if g != gradePassed {
		d.text("glyph", "middle", x+width/2, y+13, g.icon())
	}
}

package penstock

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/penstock-data/penstock/operators"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// Break is a break as the ledger has it in a partition. Texts are empty where the ledger has
// null, but for those of the two sides: there null is nil.
type Break struct {
	ID            string  `json:"break"`
	Dataset       string  `json:"dataset"`
	Key           string  `json:"key"`
	Nth           int     `json:"nth"`
	Column        string  `json:"column,omitempty"`
	Cause         string  `json:"cause"`
	Outcome       string  `json:"outcome"`
	State         string  `json:"state"`
	Opened        string  `json:"opened"`
	Since         string  `json:"since"`
	Changed       string  `json:"changed,omitempty"`
	Cleared       string  `json:"cleared,omitempty"`
	Nights        int     `json:"nights"`
	AgeDays       *int    `json:"age_days"` // nil where partitions are no windows of time
	Left          *string `json:"left"`
	Right         *string `json:"right"`
	Delta         string  `json:"delta,omitempty"` // a decimal
	BeforeDelta   string  `json:"before_delta,omitempty"`
	Owner         string  `json:"owner,omitempty"`
	Reason        string  `json:"reason,omitempty"`
	AcceptedBy    string  `json:"accepted_by,omitempty"`
	AcceptedUntil string  `json:"accepted_until,omitempty"`
	// Carried are the other columns, in their order.
	Carried []Carried `json:"carried,omitempty"`
}

// Carried is a column that a reconciliation hands on; Value is nil for null.
type Carried struct {
	Column string  `json:"column"`
	Value  *string `json:"value"`
}

// Open reports whether the break waits for somebody.
func (b *Break) Open() bool { return b.State != words.Cleared && b.State != words.Accepted }

// BreakFilter chooses breaks; the zero value chooses all.
type BreakFilter struct {
	// States and Causes: of one of these; empty: any.
	States, Causes []string
	// OlderThan is more than so many days ago that it opened; 0: any.
	OlderThan int
	Owner     string
	// Where is a predicate in CEL over the columns of the ledger.
	Where string
}

// Breaks are those of a partition of a ledger.
type Breaks struct {
	Ledger    string  `json:"ledger"`
	Partition string  `json:"partition"`
	Version   int64   `json:"version"`
	Breaks    []Break `json:"breaks"`
	// All is how many the ledger has there, Open how many of them wait for somebody.
	All  int `json:"all"`
	Open int `json:"open"`
	// Digits is how many digits of an id tell it from all others of the partition.
	Digits int `json:"digits"`
}

// Breaks lists breaks of a ledger in a partition, those with the greatest deltas first. An empty
// dataset is the only ledger of the project, an empty partition the newest that is published.
func (p *Project) Breaks(ctx context.Context, dataset, partition string, f BreakFilter) (*Breaks, error) {
	for _, check := range []struct {
		what  string
		given []string
		known []string
	}{{"state", f.States, words.States}, {"cause", f.Causes, words.Causes}} {
		for _, name := range check.given {
			if !slices.Contains(check.known, name) {
				return nil, invalid("%s", pipeline.Unknown(check.what+" of breaks", name, check.known))
			}
		}
	}
	v, err := p.ledgerAt(ctx, dataset, partition)
	if err != nil {
		return nil, err
	}
	out := &Breaks{Ledger: v.manifest.Dataset, Partition: v.manifest.Partition, Version: v.manifest.Version, Breaks: []Break{}}
	last := "" // they come in the order of their ids
	err = p.eachBreak(ctx, v, f.Where, func(b Break, where bool) {
		out.All++
		out.Digits, last = max(out.Digits, inCommon(last, b.ID)+1), b.ID
		if b.Open() {
			out.Open++
		}
		if where && f.takes(&b) {
			out.Breaks = append(out.Breaks, b)
		}
	})
	sortBreaks(out.Breaks)
	return out, err
}

// sortBreaks puts those with the greatest deltas first, whatever their signs, and those without
// one last.
func sortBreaks(all []Break) {
	size := map[string]*big.Rat{}
	for _, b := range all {
		if d, ok := new(big.Rat).SetString(b.Delta); ok {
			size[b.ID] = d.Abs(d)
		}
	}
	slices.SortStableFunc(all, func(a, b Break) int {
		x, y := size[a.ID], size[b.ID]
		switch {
		case x == nil || y == nil:
			return cmp.Compare(btoi(x == nil), btoi(y == nil))
		default:
			return y.Cmp(x)
		}
	})
}

// inCommon is how many letters two texts begin with alike.
func inCommon(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (f *BreakFilter) takes(b *Break) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, b.State)) && (len(f.Causes) == 0 || slices.Contains(f.Causes, b.Cause)) &&
		(f.OlderThan == 0 || b.AgeDays != nil && *b.AgeDays > f.OlderThan) && (f.Owner == "" || f.Owner == b.Owner)
}

// ledgerAt finds a partition of a ledger as readers see it.
func (p *Project) ledgerAt(ctx context.Context, dataset, partition string) (*versionAt, error) {
	versions, err := p.ledger(ctx, dataset)
	if err != nil {
		return nil, err
	}
	if partition == "" {
		return versions[0], nil
	}
	var names []string
	for _, v := range versions {
		if v.manifest.Partition == partition {
			return v, nil
		}
		names = append(names, v.manifest.Partition)
	}
	e := invalid("nothing is published of %s@%s", versions[0].manifest.Dataset, partition)
	if near := pipeline.Nearest(partition, names); near != "" {
		return nil, e.With("did you mean " + near + "?")
	}
	return nil, e.With("the newest partition is " + names[0])
}

// ledger gives the partitions of a ledger that readers see, the newest first; there is one. An
// empty name is that of the only one in the project.
func (p *Project) ledger(ctx context.Context, dataset string) ([]*versionAt, error) {
	known, err := p.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	if dataset != "" && !slices.Contains(known, dataset) {
		return nil, p.noLedger(dataset, known)
	}
	var ledgers []string
	var found []*versionAt
	for _, name := range known {
		if dataset != "" && dataset != name {
			continue
		}
		versions, err := p.visible(name)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(versions, func(a, b *versionAt) int { return strings.Compare(b.manifest.Partition, a.manifest.Partition) })
		if len(versions) > 0 && isLedger(versions[0].manifest) {
			ledgers, found = append(ledgers, name), versions
		}
	}
	switch {
	case len(ledgers) == 1:
		return found, nil
	case len(ledgers) > 1:
		return nil, invalid("which ledger of breaks? this project has %d", len(ledgers)).With("name one of " + pipeline.Several(ledgers))
	case dataset != "":
		return nil, invalid("%s is no ledger of breaks", dataset).With("a ledger is what a stage with the operator breaks publishes")
	}
	return nil, invalid("no ledger of breaks is published in %s", p.dir).
		With("a ledger is what a stage with the operator breaks publishes; run a pipeline that has one")
}

func (p *Project) noLedger(dataset string, known []string) error {
	e := invalid("%s", pipeline.Unknown("dataset", dataset, known))
	if len(known) == 0 {
		e = invalid("nothing is published in %s", p.dir)
	}
	return e
}

func isLedger(m *pipeline.Manifest) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(m.Schema, func(c pipeline.SchemaField) bool { return c.Name == name })
	}
	return has(words.ColBreak) && has(words.ColState) && has(words.ColOpened) && has(words.ColNights)
}

// eachBreak reads the breaks of a partition in the order of their ids, and says of each whether
// a predicate holds for it.
func (p *Project) eachBreak(ctx context.Context, v *versionAt, where string, f func(b Break, where bool)) error {
	if len(v.files()) == 0 {
		return nil
	}
	in, err := p.stored(ctx, v, false, nil)
	if err != nil {
		return err
	}
	keep := func(context.Context, arrow.RecordBatch) ([]bool, error) { return nil, nil }
	if where != "" {
		bound, err := operators.Filter(where).Bind(in.Schema)
		if err != nil {
			return err
		}
		if keep, err = bound.Keep(pipeline.Unit{Name: v.ref(), First: -1, Env: p.env()}); err != nil {
			return err
		}
	}
	for _, s := range in.Splits {
		r, err := s.Open(ctx, p.env(), nil)
		if err != nil {
			return err
		}
		err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
			holds, err := keep(ctx, b)
			if err != nil {
				return err
			}
			for i := range int(b.NumRows()) {
				f(breakOf(b, i), holds == nil || holds[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// breakOf reads a row of a ledger.
func breakOf(batch arrow.RecordBatch, row int) (b Break) {
	column := ""
	texts := map[string]*string{
		words.ColBreak: &b.ID, words.ColDataset: &b.Dataset, words.ColKey: &b.Key, words.ColColumn: &b.Column,
		words.ColCause: &b.Cause, words.ColOutcome: &b.Outcome, words.ColState: &b.State, words.ColOpened: &b.Opened,
		words.ColSince: &b.Since, words.ColChanged: &b.Changed, words.ColCleared: &b.Cleared, words.ColDelta: &b.Delta,
		words.ColBeforeDelta: &b.BeforeDelta, words.ColOwner: &b.Owner, words.ColReason: &b.Reason,
		words.ColAcceptedBy: &b.AcceptedBy, words.ColAcceptedUntil: &b.AcceptedUntil,
	}
	for i, f := range batch.Schema().Fields() {
		value := breakText(batch.Column(i), row)
		column = f.Name
		switch to, ok := texts[column]; {
		case ok && value != nil:
			*to = *value
		case ok:
		case column == words.ColLeft:
			b.Left = value
		case column == words.ColRight:
			b.Right = value
		case column == words.ColNth:
			b.Nth, _ = breakInt(batch.Column(i), row)
		case column == words.ColNights:
			b.Nights, _ = breakInt(batch.Column(i), row)
		case column == words.ColAgeDays:
			if days, ok := breakInt(batch.Column(i), row); ok {
				b.AgeDays = &days
			}
		default:
			b.Carried = append(b.Carried, Carried{column, value})
		}
	}
	return b
}

// breakText is a value as people write it; nil for null.
func breakText(a arrow.Array, row int) *string {
	if a.IsNull(row) {
		return nil
	}
	text := ""
	switch a := a.(type) {
	case *array.String:
		text = strings.Clone(a.Value(row))
	case *array.Decimal128:
		text = a.Value(row).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	default:
		text = a.ValueStr(row)
	}
	return &text
}

func breakInt(a arrow.Array, row int) (int, bool) {
	if a.IsNull(row) {
		return 0, false
	}
	switch a := a.(type) {
	case *array.Int32:
		return int(a.Value(row)), true
	case *array.Int64:
		return int(a.Value(row)), true
	}
	return 0, false
}

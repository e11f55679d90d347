package reconcile

import (
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/words"
)

// counts gives a row a pass for what matches.
func (m *matcher) counts(ctx context.Context) (pipeline.Reader, error) {
	passes := make([][2]tally, len(m.passes)+1)
	for side := range m.equal {
		passes[0][side].merge(&m.equal[side])
	}
	r, _, err := m.db.Query(ctx, m.matchedCounts())
	if err != nil {
		return nil, err
	}
	err = pipeline.Each(ctx, r, func(b arrow.RecordBatch) error {
		pass := b.Column(0).(*array.Int32)
		for i := range pass.Len() {
			one := b.NewSlice(int64(i), int64(i)+1)
			for side := range 2 {
				passes[pass.Value(i)][side].leave(one.Column(1+side).(*array.Int64), one.Column(3+side))
			}
			one.Release()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.countRows(passes)
}

// matchedCounts is the query for the rows and amounts of what matches, by pass: exact amounts added
// up, floats one by one, so that they are added up exactly.
func (m *matcher) matchedCounts() string {
	count, sum, by := "count(*)", "sum(%s)", " GROUP BY ALL"
	if m.amount >= 0 && m.cols[m.amount].floats {
		count, sum, by = "CAST(1 AS BIGINT)", "%s", ""
	}
	of := func(side string) string {
		if m.amount < 0 {
			return m.total(side)
		}
		return fmt.Sprintf(sum, m.total(side))
	}
	parts := []string{fmt.Sprintf("SELECT x.pass, %[1]s, %[1]s, %[2]s, %[3]s FROM pairs x ANTI JOIN y ON x.lid = y.lid JOIN l ON x.lid = l.id JOIN r ON x.rid = r.id%[4]s",
		count, of("l."), of("r."), by)}
	for j, p := range m.passes {
		if p.Many == "" {
			continue
		}
		ids := [2]string{fmt.Sprintf("SELECT DISTINCT one AS id FROM groups WHERE pass = %d", j+1), fmt.Sprintf("SELECT many AS id FROM groups WHERE pass = %d", j+1)}
		if p.Many == "left" {
			ids[0], ids[1] = ids[1], ids[0]
		}
		zero := "CAST(0 AS BIGINT)"
		for side, t := range letters {
			rows, totals := [2]string{zero, zero}, [2]string{"NULL", "NULL"}
			rows[side], totals[side] = count, of(t+".")
			parts = append(parts, fmt.Sprintf("SELECT CAST(%d AS INTEGER) AS pass, %s, %s, %s, %s FROM %s SEMI JOIN (%s) USING (id)%s",
				j+1, rows[0], rows[1], totals[0], totals[1], t, ids[side], by))
		}
	}
	return strings.Join(parts, " UNION ALL ")
}

// countRows makes the rows of the result.
func (m *matcher) countRows(passes [][2]tally) (pipeline.Reader, error) {
	fields := append(append([]arrow.Field{}, m.schema.Fields()...), arrow.Field{Name: "rest", Type: wide(m.deltaScale), Nullable: true})
	b := array.NewRecordBuilder(m.env.Alloc, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i, sides := range passes {
		if sides[0].rows == 0 && sides[1].rows == 0 {
			continue
		}
		name := KeyPass
		if i > 0 {
			name = m.passes[i-1].Name
		}
		for j, f := range fields {
			var err error
			switch c := b.Field(j); f.Name {
			case words.ColOutcome:
				c.(*array.StringBuilder).Append(words.Matched)
			case words.ColPass:
				c.(*array.StringBuilder).Append(name)
			case words.ColLeftRows:
				c.(*array.Int64Builder).Append(sides[0].rows)
			case words.ColRightRows:
				c.(*array.Int64Builder).Append(sides[1].rows)
			case words.ColLeftTotal:
				err = m.appendTotal(c, &sides[0])
			case words.ColRightTotal:
				err = m.appendTotal(c, &sides[1])
			case words.ColDelta:
				err = m.appendDelta(c.(*array.Decimal128Builder), &sides[0], &sides[1])
			default:
				c.AppendNull()
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return pipeline.Batches(b.NewRecordBatch()), nil
}

func (m *matcher) appendTotal(b array.Builder, t *tally) error {
	if t.amounts == 0 {
		b.AppendNull()
		return nil
	}
	if f, ok := b.(*array.Float64Builder); ok {
		f.Append(t.floats.Sum())
		return nil
	}
	v, err := m.decimal(t.exact.Sum())
	b.(*array.Decimal128Builder).Append(v)
	return err
}

func (m *matcher) decimal(v *big.Int) (decimal128.Num, error) {
	if v.BitLen() > 127 || !decimal128.FromBigInt(v).FitsInPrecision(38) {
		return decimal128.Num{}, pipeline.Errorf(pipeline.BadInput, "reconcile: the total of column %s has more than 38 digits", m.cols[m.amount].name).
			With("cast it to a decimal of fewer places before")
	}
	return decimal128.FromBigInt(v), nil
}

func (m *matcher) appendDelta(b *array.Decimal128Builder, l, r *tally) error {
	if m.amount < 0 || l.amounts == 0 && r.amounts == 0 {
		b.AppendNull()
		return nil
	}
	p := m.cols[m.amount]
	if p.floats {
		n, ok := ofFloat(l.floats.Sum()-r.floats.Sum(), 64)
		v, fits := n.round(int(m.deltaScale)).decimal(m.deltaScale)
		if !ok || !fits {
			b.AppendNull()
		} else {
			b.Append(v)
		}
		return nil
	}
	d := new(big.Int).Sub(l.exact.Sum(), r.exact.Sum())
	d.Mul(d, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(m.deltaScale-p.scale)), nil))
	v, err := m.decimal(d)
	b.Append(v)
	return err
}

package totals

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Decimals add up as rationals do, and read back as they were written.
func TestDecimals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	sum, oracle := Decimal{}, new(big.Rat)
	for range 2000 {
		d := Unscaled(big.NewInt(rnd.Int64()-math.MaxInt64/2), rnd.IntN(12))
		back, err := Parse(d.String())
		if err != nil || back.Cmp(d) != 0 || back.Scale() != d.Scale() {
			t.Fatalf("%s reads back as %s: %v", d, back, err)
		}
		sum = sum.Add(d)
		r, _ := new(big.Rat).SetString(d.String())
		oracle.Add(oracle, r)
	}
	if got, _ := new(big.Rat).SetString(sum.String()); got.Cmp(oracle) != 0 {
		t.Errorf("the sum is %s, %s expected", sum, oracle.FloatString(12))
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0.50": "-0.50", "1e3": "1000", "1.5e-7": "0.00000015", "1.25E+1": "12.5", ".5": "0.5", "": "",
	} {
		if d, err := Parse(text); err != nil || d.String() != want {
			t.Errorf("%q is %q, %v; %q expected", text, d, err, want)
		}
	}
	for _, text := range []string{"NaN", "Inf", "1e99999", "--1", "1.2.3", "0x10", "1_000", "e5", "+", strings.Repeat("9", 5000)} {
		if d, err := Parse(text); err == nil {
			t.Errorf("%.20q is %.20s", text, d)
		}
	}
	for _, x := range []float64{math.NaN(), math.Inf(1)} {
		if d := Float(x); !d.IsZero() {
			t.Errorf("%v is %s", x, d)
		}
	}
	if d := Float(math.MaxFloat64); d.Float64() != math.MaxFloat64 {
		t.Errorf("the greatest double is %s", d)
	}
}

// A summary of batches cut anywhere is that of the whole.
func TestTally(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "outcome", Type: arrow.BinaryTypes.String},
		{Name: "cause", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "left_rows", Type: arrow.PrimitiveTypes.Int64},
		{Name: "left_total", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}, Nullable: true},
		{Name: "delta", Type: &arrow.Decimal128Type{Precision: 38, Scale: 2}, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, line := range []string{
		"different sign 1 99999999999999999999999999999999999.99 -1.50", "different sign 1 99999999999999999999999999999999999.99 2.50",
		"only_left missing 1 -3.00 -3.00", "only_left missing 1 ~ ~",
	} {
		for i, cell := range strings.Fields(line) {
			if cell == "~" {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(cell); err != nil {
				t.Fatal(err)
			}
		}
	}
	batch := b.NewRecordBatch()
	var texts []string
	for _, size := range []int64{1, 3, 4} {
		tally := New(schema, [2]string{"a", "b"}, "amount")
		for at := int64(0); at < batch.NumRows(); at += size {
			if err := tally.Add(batch.NewSlice(at, min(at+size, batch.NumRows()))); err != nil {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(tally.Summary())
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] || texts[0] != texts[2] {
		t.Errorf("they differ: %s", texts)
	}
	for _, want := range []string{`"total":"199999999999999999999999999999999999.98"`, `"delta":"4.00"`, `"rows":2,"total":"-3.00"`, `"delta":"3.00"`} {
		if !strings.Contains(texts[0], want) {
			t.Errorf("%s is not in %s", want, texts[0])
		}
	}
	back, err := ParseSummary([]byte(texts[0]))
	if err != nil || back == nil || len(back.Lines) != 2 {
		t.Errorf("it reads back as %+v: %v", back, err)
	}
	if other, err := ParseSummary([]byte(`{"something":1}`)); other != nil || err != nil {
		t.Errorf("another report is %+v, %v", other, err)
	}
}

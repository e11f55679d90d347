package files

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestExact(t *testing.T) {
	money := &arrow.Decimal128Type{Precision: 18, Scale: 2}
	for text, want := range map[string]bool{
		"10.25": true, "10.255": false, "10.2500": true, "-0.01": true, "-0.001": false, "7": true, " 7.10 ": true, "x": true, "": true,
		"1e3": true, "1025e-2": true, "10255e-3": false, "10250e-3": true, "1e999999999": false, "1e-999999999": false, "1ex": false,
	} {
		if got := Exact(money, text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if !Exact(arrow.PrimitiveTypes.Float64, "10.255") {
		t.Error("a double takes any number")
	}
}

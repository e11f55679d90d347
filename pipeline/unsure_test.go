package pipeline

import (
	"fmt"
	"testing"
)

type unsureOperator struct {
	Operator
	why string
}

func (o unsureOperator) Unsure() string { return o.why }

func TestUnsureGoesUpToWhatIsPublished(t *testing.T) {
	p := &Pipeline{
		Sources: []NamedSource{{Name: "raw"}},
		Stages: []Stage{
			{Name: "clean", From: []string{"raw"}, Operators: []Operator{unsureOperator{why: "random"}}, Output: &Output{Path: "w/clean"}},
			{Name: "mid", From: []string{"clean", "raw"}, Operators: []Operator{unsureOperator{}, unsureOperator{why: "a function"}}},
			{Name: "sums", From: []string{"mid", "mid"}, Operators: []Operator{unsureOperator{why: "unordered"}}, Output: &Output{Path: "w/sums"}},
		},
	}
	for stage, want := range map[string]string{
		"clean": "[stage clean: random]",
		"mid":   "[stage mid: a function]",
		"sums":  "[stage sums: unordered stage mid: a function]",
	} {
		if got := fmt.Sprint(p.Unsure(stage)); got != want {
			t.Errorf("%s: got %s, want %s", stage, got, want)
		}
	}
}

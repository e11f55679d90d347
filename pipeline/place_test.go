package pipeline

import (
	"errors"
	"testing"
)

// Each of several problems says where it is.
func TestSeveralProblemsOfAStageHaveTheirPlaces(t *testing.T) {
	at := Pos{File: "a.yaml", Line: 3, Col: 5}
	err := inStage(Errors{Errorf(Invalid, "one"), errors.New("two"), &Error{Kind: Invalid, At: Pos{File: "a.yaml", Line: 9, Col: 1}, Msg: "three"}}, "s", at)
	want := "a.yaml:3:5: stage \"s\": one\na.yaml:3:5: stage \"s\": two\na.yaml:9:1: stage \"s\": three"
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if KindOf(err) != Invalid {
		t.Errorf("kind is %s", KindOf(err))
	}
	err = inStage(errors.Join(Errorf(BadInput, "column v").With("cast it before"), nil), "s", at)
	if want = "stage \"s\": column v\n\tcast it before"; err.Error() != want || KindOf(err) != BadInput {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

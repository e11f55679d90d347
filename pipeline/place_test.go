package pipeline

import "testing"

// Each problem of an operator has the place of its own line, however many there are.
func TestEveryProblemHasItsPlace(t *testing.T) {
	at := Pos{File: "p.yaml", Line: 3, Col: 5}
	err := inStage(Errors{Errorf(Invalid, "one"), Errorf(Invalid, "two").With("evidence")}, "s", at)
	want := "p.yaml:3:5: stage \"s\": one\np.yaml:3:5: stage \"s\": two\n\tevidence"
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

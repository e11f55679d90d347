package night

import (
	"slices"
	"testing"

	"github.com/penstock-data/penstock/reconcile"
)

// The words of this package are those of package reconcile.
func TestWordsOfReconcile(t *testing.T) {
	for got, want := range map[string]string{
		colAcceptedBy: reconcile.ColAcceptedBy, colAcceptedUntil: reconcile.ColAcceptedUntil, colAgeDays: reconcile.ColAgeDays,
		colBeforeDelta: reconcile.ColBeforeDelta, colBreak: reconcile.ColBreak, colCause: reconcile.ColCause, colChanged: reconcile.ColChanged,
		colCleared: reconcile.ColCleared, colColumn: reconcile.ColColumn, colDataset: reconcile.ColDataset, colDelta: reconcile.ColDelta,
		colKey: reconcile.ColKey, colLeft: reconcile.ColLeft, colLeftRows: reconcile.ColLeftRows, colLeftTotal: reconcile.ColLeftTotal,
		colNights: reconcile.ColNights, colNth: reconcile.ColNth, colOpened: reconcile.ColOpened, colOutcome: reconcile.ColOutcome,
		colOwner: reconcile.ColOwner, colPass: reconcile.ColPass, colReason: reconcile.ColReason, colRight: reconcile.ColRight,
		colRightRows: reconcile.ColRightRows, colRightTotal: reconcile.ColRightTotal, colSince: reconcile.ColSince, colState: reconcile.ColState,
		matchedOutcome: reconcile.Matched, differentOutcome: reconcile.Different,
	} {
		if got != want {
			t.Errorf("%q is %q in package reconcile", got, want)
		}
	}
	if keyPass != reconcile.KeyPass {
		t.Errorf("the first pass is %q", reconcile.KeyPass)
	}
	if !slices.Equal(states, reconcile.States) || !slices.Equal(causes, reconcile.Causes) {
		t.Errorf("states are %q, causes %q", states, causes)
	}
}

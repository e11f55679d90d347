package reconcile_test

import (
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile"
)

func operator(o reconcile.Options) pipeline.Operator { return reconcile.Sides(o) }

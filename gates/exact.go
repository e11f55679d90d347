package gates

import (
	"context"

	"github.com/penstock-data/penstock/pipeline"
)

// settle decides exactly what approximations leave open.
func (c *court) settle(context.Context, func(context.Context, []int) (pipeline.Reader, error)) error {
	return nil
}

package files

import (
	"github.com/penstock-data/penstock/pipeline"
)

// List implements pipeline.Lister.
func (s Set) List(env *pipeline.Env) ([]pipeline.File, error) {
	found, err := s.list(env, nil)
	if err != nil {
		return nil, err
	}
	all := make([]pipeline.File, len(found))
	for i, f := range found {
		all[i] = f.File
	}
	return all, nil
}

package parquet

// nullCounts are how many nulls the footer says each column of each row group has: -1
// where it says nothing, which parquet-go gives as none.
type nullCounts [][]int64

func (n nullCounts) of(group, column int) (nulls int64, known bool) {
	if group >= len(n) || column >= len(n[group]) {
		return 0, false
	}
	nulls = n[group][column]
	return nulls, nulls >= 0
}

// nullCountsOf walks through a footer that checkThrift has passed: to its row groups,
// their columns, the metadata of these, the statistics of that, and the count there.
func nullCountsOf(text []byte) (all nullCounts) {
	w := &thriftWalker{rest: text}
	err := w.each(w.at(4, thriftList, func() error {
		return w.elements(func() error {
			var group []int64
			err := w.each(w.at(1, thriftList, func() error {
				return w.elements(func() error {
					nulls := int64(-1)
					err := w.each(w.at(3, thriftStruct, func() error {
						return w.each(w.at(12, thriftStruct, func() error {
							return w.each(w.at(3, thriftI64, func() (err error) {
								nulls, err = w.i64()
								return err
							}))
						}))
					}))
					group = append(group, nulls)
					return err
				})
			}))
			all = append(all, group)
			return err
		})
	}))
	if err != nil {
		return nil
	}
	return all
}

// at makes a visitor that takes one field.
func (w *thriftWalker) at(id int16, kind byte, take func() error) func(int16, byte) (bool, error) {
	return func(i int16, k byte) (bool, error) {
		if i != id || k != kind {
			return false, nil
		}
		return true, take()
	}
}

// elements calls take for each structure of a list.
func (w *thriftWalker) elements(take func() error) error {
	n, kind, err := w.listHead()
	if err == nil && kind != thriftStruct && n > 0 {
		err = errThrift
	}
	for i := uint64(0); i < n && err == nil; i++ {
		err = take()
	}
	return err
}

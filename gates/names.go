package gates

// Names are those of the rules, in their order.
func (j judge) Names() []string {
	names := make([]string, len(j.rules))
	for i, r := range j.rules {
		names[i] = r.Name
	}
	return names
}

package pipeline

// Nearest gives the name among those known that name was most likely meant to be,
// or "" if none is near: at most a third of its letters differ.
func Nearest(name string, among []string) string {
	best, least := "", len([]rune(name))/3+1
	for _, known := range among {
		if d := distance([]rune(name), []rune(known)); d > 0 && d <= least {
			if d < least || best == "" {
				best, least = known, d
			}
		}
	}
	return best
}

// distance is Levenshtein's: how many letters to add, drop or change.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

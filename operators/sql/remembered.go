package sql

import "sync"

// remembered keeps what DuckDB said of a text: to ask it takes some ten milliseconds,
// and binding a plan asks more than once. It is safe for concurrent use.
type remembered[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

// maxRemembered bounds how much is remembered.
const maxRemembered = 1000

func (m *remembered[T]) get(key string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.known[key]; ok {
		return v, nil
	}
	v, err := ask()
	if err != nil {
		return v, err
	}
	if m.known == nil || len(m.known) >= maxRemembered {
		m.known = map[string]T{}
	}
	m.known[key] = v
	return v, nil
}

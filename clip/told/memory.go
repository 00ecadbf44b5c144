package told

import "sync"

// Memory has what was made, by name. The zero value has nothing. It is safe for concurrent use.
type Memory struct{ made sync.Map }

// Memo gives what f made the first time by a name, else calls f. A name is always of one type. An error is not remembered.
func Memo[T any](m *Memory, name string, f func() (T, error)) (T, error) {
	if had, ok := m.made.Load(name); ok {
		return had.(T), nil //nolint:forcetypeassert // a name is always of one type
	}
	made, err := f()
	if err == nil {
		m.made.Store(name, made)
	}
	return made, err
}

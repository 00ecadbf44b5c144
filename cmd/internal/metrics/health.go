package metrics

import (
	"context"
	"errors"
	"fmt"

	"clipfs/clip/archive"
)

// Health says what is wrong with the mount or the credentials; nil where both were well when last seen. It costs no call
// and does not touch the mount. Of credentials it knows what the last call that tells was answered with.
func (m *Metrics) Health() error {
	return errors.Join(m.mountHealth(), m.credentialsHealth())
}

func (m *Metrics) mountHealth() error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.sources.Alive == nil {
		return errors.New("not mounted yet")
	}
	return m.sources.Alive()
}

func (m *Metrics) credentialsHealth() error {
	if p := m.refusal.Load(); p != nil {
		return fmt.Errorf("credentials: %w", *p)
	}
	return nil
}

// learn takes in what the answer of a call says of credentials: that they were not accepted, that they were, or nothing,
// where the archive may not have looked at them.
func (m *Metrics) learn(err error) {
	switch {
	case errors.Is(err, archive.ErrCredentials):
		m.refusal.Store(&err)
	case errors.Is(err, archive.ErrUnreachable), errors.Is(err, archive.ErrThrottled), errors.Is(err, context.Canceled):
	default:
		m.refusal.Store(nil)
	}
}

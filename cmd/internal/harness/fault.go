package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const faultTimeout = 20 * time.Second

// Fault is something that goes wrong in an emulator, on purpose.
type Fault struct {
	emulator *Emulator
	id       int64
}

// Fault makes something go wrong from now on, in the grammar of --fault, until Remove or the end of the test.
func (e *Emulator) Fault(t testing.TB, rule string) *Fault {
	t.Helper()
	all, err := e.faults(http.MethodPost, "", rule)
	if err != nil || len(all) != 1 {
		t.Fatalf("fault %q: %+v, %v", rule, all, err)
	}
	f := &Fault{emulator: e, id: all[0].ID}
	t.Cleanup(func() { _, _ = e.faults(http.MethodDelete, fmt.Sprintf("/%d", f.id), "") }) // it may be gone already
	return f
}

// Remove ends it.
func (f *Fault) Remove(t testing.TB) {
	t.Helper()
	if _, err := f.emulator.faults(http.MethodDelete, fmt.Sprintf("/%d", f.id), ""); err != nil {
		t.Fatal(err)
	}
}

// Hits is how many calls it has hit.
func (f *Fault) Hits(t testing.TB) int64 {
	t.Helper()
	all, err := f.emulator.faults(http.MethodGet, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range all {
		if set.ID == f.id {
			return set.Hits
		}
	}
	t.Fatal("the fault is gone")
	return 0
}

// Await waits until it has hit a call.
func (f *Fault) Await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); f.Hits(t) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the service was not asked")
		}
	}
}

type faultSet struct{ ID, Hits int64 }

// faults asks for a change of faults. The test's own context may be over: this is for its cleanup too.
func (e *Emulator) faults(method, path, body string) ([]faultSet, error) {
	ctx, cancel := context.WithTimeout(context.Background(), faultTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, e.Endpoint+"/_emulator/faults"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer http.DefaultClient.CloseIdleConnections()
	text, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	if response.StatusCode == http.StatusNoContent {
		return nil, nil
	}
	var out struct{ Faults []faultSet }
	err = json.Unmarshal(text, &out)
	return out.Faults, err
}
